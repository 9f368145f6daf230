//! What comments must not be: banners, and promises that nobody keeps.

use super::Violation;
use super::source::Source;
use super::tree::Tree;

/// Characters that banners are drawn with.
const RULERS: &str = "-=*~_#─━═—–";
/// A line of at least so many of them is a banner.
const BANNER_MIN: usize = 3;
/// Words for work that was put off.
const PUT_OFF: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

/// Every comment in code, and every comment line of manifests and shell scripts.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &tree.files {
        let hashed =
            ["toml", "sh", "yml"].contains(&file.ending()) || file.path.starts_with(".ci/");
        let text = if hashed { &file.text } else { &file.comments };
        for (number, line) in Source::numbered(text) {
            let Some(comment) = comment(line, hashed) else {
                continue;
            };
            let violation = |what: &str, why, fix| Violation {
                path: file.path.clone(),
                line: number,
                what: what.to_owned(),
                why,
                fix,
            };
            if is_banner(comment) {
                let fix = "delete it; if the parts need a sign between them, they are two files";
                violations.push(violation("a banner", "it says nothing", fix));
            }
            if PUT_OFF.iter().any(|word| is_put_off(comment, word)) {
                let fix = "do it now, or open an issue and write its number behind the word: (#12)";
                violations.push(violation(
                    "work put off without an issue",
                    "nobody will find it again",
                    fix,
                ));
            }
        }
    }
    violations
}

/// The words of a comment line, without the signs that make it one.
fn comment(line: &str, hashed: bool) -> Option<&str> {
    let line = line.trim();
    if hashed {
        return line.strip_prefix('#').map(str::trim_start);
    }
    let signs: &[char] = &['/', '!'];
    let words = line.trim_start_matches(signs).trim_end_matches("*/").trim();
    (!line.is_empty()).then_some(words)
}

/// Whether a line begins or consists of ruled characters; a table or a drawing in the docs does neither.
fn is_banner(comment: &str) -> bool {
    let Some(first) = comment
        .chars()
        .next()
        .filter(|first| RULERS.contains(*first))
    else {
        return false;
    };
    let run = comment
        .chars()
        .take_while(|character| *character == first)
        .count();
    run >= BANNER_MIN && !comment.contains(['|', '▶', '◀', '>'])
}

/// Whether the word stands there without `(#number)` behind it.
fn is_put_off(comment: &str, word: &str) -> bool {
    super::source::words(comment, word).any(|at| {
        let rest = comment
            .get(at + word.len()..)
            .and_then(|rest| rest.strip_prefix("(#"));
        !rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]))
            .into_iter()
            .map(|violation| violation.what)
            .collect()
    }

    #[test]
    fn banners_are_found() {
        for text in [
            "// ---- Tests ----",
            "// ————————",
            "/******** a ********/",
            "/// ======",
        ] {
            assert_eq!(found("a.rs", text), ["a banner"], "for {text}");
        }
        assert_eq!(found("a.toml", "# ==== a ===="), ["a banner"]);
    }

    #[test]
    fn tables_drawings_and_code_are_no_banners() {
        for text in [
            "/// |---|---|",
            "//! ──▶ hub ──▶ engine",
            "let a = \"// ----\";",
            "// - one point",
            "/** A contract. */",
        ] {
            assert_eq!(found("a.rs", text), [""; 0], "for {text}");
        }
    }

    #[test]
    fn put_off_work_needs_an_issue() {
        assert_eq!(
            found("a.ts", "// TODO: later"),
            ["work put off without an issue"]
        );
        assert_eq!(found("a.ts", "// TODO(#12): later"), [""; 0]);
        assert_eq!(found("a.rs", "let a = \"TODO\";"), [""; 0]);
    }
}
