//! One text file, and for code two views of it with the same lines: without comments and strings, and
//! with nothing but comments. Rules read the view they mean, so that words in a string are not code.

use std::iter::Peekable;
use std::str::Chars;

/// A file of the project.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the root, with `/` between the parts.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments and the insides of strings blanked.
    pub(super) code: String,
    /// The text with all but the comments blanked.
    pub(super) comments: String,
}

impl Source {
    /// Splits a text into its views; only Rust, TypeScript, JavaScript and CSS have comments here.
    pub(super) fn new(path: &str, text: &str) -> Self {
        let mut source = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: text.to_owned(),
            comments: String::new(),
        };
        let language = match source.ending() {
            "rs" => Language::Rust,
            "js" | "mjs" | "ts" | "tsx" => Language::Script,
            "css" => Language::Style,
            _ => return source,
        };
        (source.code, source.comments) = Splitter::new(text, language).split();
        source
    }

    /// The file's ending, without the dot.
    pub(super) fn ending(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, ending)| ending)
    }

    /// The crate's folder name and the path below its `src/`, for a file of a crate.
    pub(super) fn in_crate(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix("crates/")?.split_once("/src/")
    }

    /// Whether this is a file of tests as a whole.
    pub(super) fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.contains("/tests/")
            || self.path.starts_with("e2e/")
            || name.contains(".test.")
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
    }

    /// The code up to the tests, which stand last in a file.
    pub(super) fn code_without_tests(&self) -> &str {
        let end = if self.is_test() {
            Some(0)
        } else {
            self.code.find("#[cfg(test)]\nmod ")
        };
        end.and_then(|end| self.code.get(..end))
            .unwrap_or(&self.code)
    }

    /// The lines of a text with their numbers, counted from 1.
    pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
        text.lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }
}

/// The number of the line in which a byte of the text stands.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    text.bytes()
        .take(byte)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    Script,
    Style,
}

/// Walks over a text once and writes both views.
struct Splitter<'a> {
    rest: Peekable<Chars<'a>>,
    language: Language,
    code: String,
    comments: String,
    /// The last character of code that is not a space: what tells a division from a regular expression.
    last: char,
}

/// Where a character belongs.
#[derive(Debug, Clone, Copy)]
enum To {
    Code,
    Comments,
    Neither,
}

impl<'a> Splitter<'a> {
    fn new(text: &'a str, language: Language) -> Self {
        let sized = || String::with_capacity(text.len());
        Self {
            rest: text.chars().peekable(),
            language,
            code: sized(),
            comments: sized(),
            last: '\n',
        }
    }

    fn split(mut self) -> (String, String) {
        while let Some(character) = self.rest.next() {
            match (character, self.rest.peek().copied()) {
                ('/', Some('/')) if self.language != Language::Style => self.line_comment(),
                ('/', Some('*')) => self.block_comment(),
                ('/', _) if self.language == Language::Script && self.starts_expression() => {
                    self.put('/', To::Code);
                    self.quoted('/');
                }
                ('r', Some('"' | '#')) if self.language == Language::Rust && self.starts_word() => {
                    self.raw_string();
                }
                ('\'', _) if self.language == Language::Rust => self.apostrophe(),
                ('"' | '\'' | '`', _) if character != '`' || self.language == Language::Script => {
                    self.put(character, To::Code);
                    self.quoted(character);
                }
                _ => self.put(character, To::Code),
            }
        }
        (self.code, self.comments)
    }

    fn line_comment(&mut self) {
        self.put('/', To::Comments);
        while let Some(character) = self.rest.next_if(|character| *character != '\n') {
            self.put(character, To::Comments);
        }
    }

    fn block_comment(&mut self) {
        self.put('/', To::Comments);
        let mut before = ' ';
        while let Some(character) = self.rest.next() {
            self.put(character, To::Comments);
            if (before, character) == ('*', '/') {
                break;
            }
            before = character;
        }
    }

    /// The rest of a quoted text, whose opening quote is written.
    fn quoted(&mut self, quote: char) {
        let one_line = self.language != Language::Rust && quote != '`';
        while let Some(character) = self.rest.next() {
            if character == quote || (character == '\n' && one_line) {
                self.put(character, To::Code);
                return;
            }
            self.put(character, To::Neither);
            if character == '\\'
                && let Some(escaped) = self.rest.next()
            {
                self.put(escaped, To::Neither);
            }
        }
    }

    /// `r"…"` or `r#"…"#`, whose `r` is read; a raw identifier such as `r#type` stays code.
    fn raw_string(&mut self) {
        self.put('r', To::Code);
        let mut hashes = 0;
        while self.rest.next_if_eq(&'#').is_some() {
            self.put('#', To::Code);
            hashes += 1;
        }
        if self.rest.next_if_eq(&'"').is_none() {
            return;
        }
        self.put('"', To::Code);
        let mut seen = None;
        while let Some(character) = self.rest.next() {
            seen = match (character, seen) {
                ('"', _) => Some(0),
                ('#', Some(count)) => Some(count + 1),
                _ => None,
            };
            self.put(character, To::Neither);
            if seen == Some(hashes) {
                return;
            }
        }
    }

    /// In Rust a `'` opens a character or a lifetime; the former closes within a few characters.
    fn apostrophe(&mut self) {
        self.put('\'', To::Code);
        let mut ahead = self.rest.clone();
        match (ahead.next(), ahead.next()) {
            (Some('\\'), _) | (Some(_), Some('\'')) => self.quoted('\''),
            _ => {}
        }
    }

    /// Whether a `/` here opens a regular expression: after an operator, not after a value.
    fn starts_expression(&self) -> bool {
        "=(,:[!&|?{};\n>".contains(self.last)
    }

    /// Whether a letter here is the first of its word; the `b` of a byte string aside.
    fn starts_word(&self) -> bool {
        !self
            .code
            .chars()
            .next_back()
            .is_some_and(|before| is_word(before) && before != 'b')
    }

    fn put(&mut self, character: char, to: To) {
        let blank = if character == '\n' { '\n' } else { ' ' };
        let (in_code, in_comments) = match to {
            To::Code => (character, blank),
            To::Comments => (blank, character),
            To::Neither => (blank, blank),
        };
        self.code.push(in_code);
        self.comments.push(in_comments);
        if !in_code.is_whitespace() {
            self.last = in_code;
        }
    }
}

/// Whether a character belongs to an identifier.
pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The byte positions at which `word` stands in `code` as a word of its own.
pub(super) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = code.get(..*at).and_then(|text| text.chars().next_back());
            let after = code
                .get(at + word.len()..)
                .and_then(|text| text.chars().next());
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_not_code() {
        let source = Source::new(
            "a.rs",
            "let a = \"x // y\"; // said\n/* b */ let c = 'd';\n",
        );
        assert_eq!(
            source.code,
            "let a = \"      \";        \n        let c = ' ';\n"
        );
        assert_eq!(source.comments.trim(), "// said\n/* b */");
    }

    #[test]
    fn lifetimes_raw_strings_and_escapes_are_understood() {
        let source = Source::new(
            "a.rs",
            "fn a<'a>(b: &'a str) { r#\"x \" y\"#; '\\''; \"\\\"\"; b }",
        );
        assert_eq!(
            source.code,
            "fn a<'a>(b: &'a str) { r#\"       ; '  '; \"  \"; b }"
        );
    }

    #[test]
    fn a_regular_expression_does_not_open_a_string() {
        let source = Source::new("a.js", "const a = /\"/; const b = c / d; // e\n");
        assert_eq!(source.code, "const a = / /; const b = c / d;     \n");
    }

    #[test]
    fn views_keep_the_lines() {
        let source = Source::new("a.ts", "const a = `x\ny`; // z\nb();\n");
        assert_eq!(source.code.lines().nth(2), Some("b();"));
        assert_eq!(source.comments.lines().nth(1).map(str::trim), Some("// z"));
    }

    #[test]
    fn tests_at_the_end_are_left_away() {
        let source = Source::new(
            "crates/a/src/b.rs",
            "fn a() {}\n#[cfg(test)]\nmod tests {}\n",
        );
        assert_eq!(source.code_without_tests(), "fn a() {}\n");
        assert_eq!(
            Source::new("crates/a/tests/b.rs", "fn a() {}").code_without_tests(),
            ""
        );
    }
}
