//! What Tautline asks of JSON beyond its grammar, found in one pass and without recursion.

use std::borrow::Cow;

/// Why a JSON text is not accepted although its grammar may be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It nests deeper than allowed.
    TooDeep,
    /// A string has half a surrogate pair as an escape. Such a string cannot be written as UTF-8, and
    /// parsers disagree about it: one member would read what another cannot.
    LoneSurrogate,
}

/// Looks for faults in a text that may or may not be JSON; its grammar is checked by the parser.
pub(super) fn scan(text: &str, depth_max: usize) -> Result<(), Fault> {
    let mut depth = 0_usize;
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match first {
            b'"' => scan_string(tail)?,
            b'{' | b'[' if depth == depth_max => return Err(Fault::TooDeep),
            b'{' | b'[' => {
                depth += 1;
                tail
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                tail
            }
            _ => tail,
        };
    }
    Ok(())
}

/// Reads to the end of a string, from behind its opening quote; answers what follows.
fn scan_string(mut rest: &[u8]) -> Result<&[u8], Fault> {
    loop {
        rest = match skip_plain(rest) {
            [] => return Ok(&[]),
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', b'u', b'd' | b'D', digit, _, _, tail @ ..] => match digit {
                b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => skip_low_surrogate(tail)?,
                b'c'..=b'f' | b'C'..=b'F' => return Err(Fault::LoneSurrogate),
                _ => tail,
            },
            [b'\\', _, tail @ ..] | [_, tail @ ..] => tail,
        };
    }
}

/// What follows the plain characters of a string: its closing quote, or an escape.
fn skip_plain(string: &[u8]) -> &[u8] {
    let at = string.iter().position(|byte| matches!(byte, b'"' | b'\\'));
    at.and_then(|at| string.get(at..)).unwrap_or_default()
}

fn skip_low_surrogate(rest: &[u8]) -> Result<&[u8], Fault> {
    match rest {
        [
            b'\\',
            b'u',
            b'd' | b'D',
            b'c'..=b'f' | b'C'..=b'F',
            _,
            _,
            tail @ ..,
        ] => Ok(tail),
        _ => Err(Fault::LoneSurrogate),
    }
}

/// Whether a number is so large that a double, and so JavaScript, reads it as infinite.
pub(super) fn has_infinity(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match first {
            b'"' => skip_string(tail),
            b'0'..=b'9' => {
                let is_of_number = |it: &u8| it.is_ascii_digit() || b".eE+-".contains(it);
                let end = rest.iter().position(|it| !is_of_number(it));
                let (number, behind) = rest.split_at(end.unwrap_or(rest.len()));
                let number = str::from_utf8(number).unwrap_or_default();
                if number.parse().is_ok_and(f64::is_infinite) {
                    return true;
                }
                behind
            }
            _ => tail,
        };
    }
    false
}

/// What follows a string, from behind its opening quote.
fn skip_string(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match skip_plain(rest) {
            [b'"', tail @ ..] => return tail,
            // What is escaped may be a quote, and is never more than one byte here.
            [b'\\', _, tail @ ..] => tail,
            _ => return &[],
        };
    }
}

/// The characters of a JSON string; none if the text is another value, or an escape is no character.
pub(super) fn read_string(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(text).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Appends `text` as a JSON string.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        serde_json::to_writer(out, text).expect("writing a string to memory cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_bounded_and_brackets_in_strings_do_not_count() {
        assert_eq!(scan("[[[]]]", 3), Ok(()));
        assert_eq!(scan("[[[[]]]]", 3), Err(Fault::TooDeep));
        assert_eq!(scan(r#"[{"a":[1]},{"b":[2]}]"#, 3), Ok(()));
        assert_eq!(scan(r#"["[[[[{{{{", "\"[[[["]"#, 1), Ok(()));
        assert_eq!(scan(&"[".repeat(100_000), 32), Err(Fault::TooDeep));
        assert_eq!(scan(&"]".repeat(100_000), 32), Ok(()));
    }

    #[test]
    fn half_a_surrogate_pair_is_found() {
        for good in [
            r#""\ud83d\ude00""#,
            r#""\uD83D\uDE00""#,
            r#""\ud7ff\ue000""#,
            r#""\\ud800""#,
            "\"😀\"",
        ] {
            assert_eq!(scan(good, 1), Ok(()), "{good}");
        }
        for bad in [
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\uDBFFx""#,
            r#""\ud83d\ud83d""#,
            r#""\ud83d\n""#,
            r#"{"\udc00":1}"#,
        ] {
            assert_eq!(scan(bad, 1), Err(Fault::LoneSurrogate), "{bad}");
        }
    }

    #[test]
    fn a_text_cut_anywhere_is_scanned_without_panic() {
        let text = r#"{"a":["\ud83d\ude00","\\",1]}"#;
        for end in 0..text.len() {
            assert_ne!(scan(&text[..end], 2), Err(Fault::TooDeep), "{end}");
        }
    }

    #[test]
    fn a_number_beyond_doubles_is_found() {
        let long = format!("[1,{}]", "9".repeat(310));
        for bad in ["1e400", "-1e309", r#"{"a":["1\\\"",1.5E+999]}"#, &long] {
            assert!(has_infinity(bad), "{bad}");
        }
        for good in [
            "1e308",
            "1e-400",
            r#"["1e400","\"1e400","\\",1]"#,
            "",
            r#""1e400"#,
        ] {
            assert!(!has_infinity(good), "{good}");
        }
    }

    #[test]
    fn a_string_is_read_with_its_escapes() {
        assert!(matches!(read_string(r#""é""#), Some(Cow::Borrowed("é"))));
        assert_eq!(read_string(r#""\u0041\n""#).as_deref(), Some("A\n"));
        for bad in ["1", "null", r#"["a"]"#, r#""\ud800""#, "\"", ""] {
            assert_eq!(read_string(bad), None, "{bad}");
        }
    }

    #[test]
    fn strings_are_escaped_as_json() {
        let mut out = Vec::new();
        write_string(&mut out, "plain é");
        write_string(&mut out, "\"\\\n\u{1}");
        assert_eq!(out, "\"plain é\"\"\\\"\\\\\\n\\u0001\"".as_bytes());
    }
}
