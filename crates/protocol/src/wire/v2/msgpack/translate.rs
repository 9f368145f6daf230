//! The application's data from JSON to `MessagePack` and back.
//!
//! Numbers keep their value: a whole number that fits 64 bits stays one, any other becomes the double
//! that JavaScript would read, in 4 bytes where these say the same. Whatever comes out has at most a few
//! times the bytes of what went in.

use std::borrow::Cow;
use std::io::Write;

use rmp::encode;

use super::token::{Token, Tokens};
use crate::wire::PAYLOAD_DEPTH_MAX;
use crate::wire::json::{read_string, write_string};

const WRITES: &str = "writing to memory cannot fail";

/// The JSON text of a value, or why JSON cannot say it.
pub(super) fn unpack(value: &[u8]) -> Result<String, Cow<'static, str>> {
    let mut out = Vec::new();
    unpack_next(&mut Tokens(value), &mut out, 0)?;
    String::from_utf8(out).map_err(|_never| "must be UTF-8".into())
}

fn unpack_next(
    tokens: &mut Tokens<'_>,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Cow<'static, str>> {
    match tokens.next() {
        Some(Token::Nil) => out.extend_from_slice(b"null"),
        Some(Token::Bool(true)) => out.extend_from_slice(b"true"),
        Some(Token::Bool(false)) => out.extend_from_slice(b"false"),
        Some(Token::Unsigned(number)) => write!(out, "{number}").expect(WRITES),
        Some(Token::Negative(number)) => write!(out, "{number}").expect(WRITES),
        Some(Token::Float(number)) if number.is_finite() => {
            serde_json::to_writer(out, &number).expect(WRITES);
        }
        Some(Token::Float(_)) => return Err("has a number that is infinite or none".into()),
        Some(Token::Text(bytes)) => write_string(out, text(bytes)?),
        Some(Token::Array(_) | Token::Map(_)) if depth == PAYLOAD_DEPTH_MAX => {
            return Err(format!("must nest at most {PAYLOAD_DEPTH_MAX} levels").into());
        }
        Some(Token::Array(items)) => {
            out.push(b'[');
            for index in 0..items {
                separate(out, index);
                unpack_next(tokens, out, depth + 1)?;
            }
            out.push(b']');
        }
        Some(Token::Map(entries)) => {
            out.push(b'{');
            for index in 0..entries {
                separate(out, index);
                let Some(Token::Text(key)) = tokens.next() else {
                    return Err("has a key that is no string".into());
                };
                write_string(out, text(key)?);
                out.push(b':');
                unpack_next(tokens, out, depth + 1)?;
            }
            out.push(b'}');
        }
        Some(Token::Binary(_)) => return Err("has binary, which JSON cannot say".into()),
        Some(Token::Extension) => return Err("has an extension, which JSON cannot say".into()),
        None => return Err("ends too early".into()),
    }
    Ok(())
}

fn separate(out: &mut Vec<u8>, index: u32) {
    if index > 0 {
        out.push(b',');
    }
}

fn text(bytes: &[u8]) -> Result<&str, Cow<'static, str>> {
    std::str::from_utf8(bytes).map_err(|_not_utf8| "has a string that is not UTF-8".into())
}

/// Appends a JSON value. The text must be JSON and nest at most [`PAYLOAD_DEPTH_MAX`] levels; what is
/// made of any other is of no use, but nothing worse.
pub(in crate::wire::v2) fn pack(out: &mut Vec<u8>, json: &str) {
    pack_next(out, json);
}

/// Appends the value at the beginning of `json`; answers what follows it.
fn pack_next<'j>(out: &mut Vec<u8>, json: &'j str) -> &'j str {
    let json = json.trim_start();
    match json.as_bytes().first() {
        Some(b'"') => pack_text(out, json),
        Some(b'{') => pack_items(out, json, &MAP),
        Some(b'[') => pack_items(out, json, &ARRAY),
        _ => {
            let end = json.find([',', ']', '}', ' ', '\n', '\r', '\t']);
            let (scalar, rest) = json.split_at(end.unwrap_or(json.len()));
            pack_scalar(out, scalar);
            rest
        }
    }
}

fn pack_text<'j>(out: &mut Vec<u8>, json: &'j str) -> &'j str {
    let (text, rest) = json.split_at(string_end(json));
    encode::write_str(out, &read_string(text).unwrap_or_default()).expect(WRITES);
    rest
}

/// Where the string that `json` begins with ends.
fn string_end(json: &str) -> usize {
    let mut is_escaped = true;
    let end = json.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        // The opening quote counts as escaped, and what follows it does not.
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(json.len(), |end| end + 1)
}

/// How a kind of container is written, with few entries and with many.
struct Kind {
    few: u8,
    more: u8,
    many: u8,
    values_per_entry: usize,
}

const ARRAY: Kind = Kind {
    few: 0x90,
    more: 0xdc,
    many: 0xdd,
    values_per_entry: 1,
};
const MAP: Kind = Kind {
    few: 0x80,
    more: 0xde,
    many: 0xdf,
    values_per_entry: 2,
};

/// Appends a container. How many entries it has is known behind the last one.
fn pack_items<'j>(out: &mut Vec<u8>, json: &'j str, kind: &Kind) -> &'j str {
    let at = out.len();
    out.push(kind.few);
    let mut values = 0;
    let mut rest = json.get(1..).unwrap_or_default().trim_start();
    while let Some(first) = rest.as_bytes().first() {
        rest = match first {
            b']' | b'}' => {
                rest = rest.get(1..).unwrap_or_default();
                break;
            }
            b',' | b':' => rest.get(1..).unwrap_or_default(),
            _ => {
                values += 1;
                pack_next(out, rest)
            }
        }
        .trim_start();
    }
    let entries = values / kind.values_per_entry;
    if let Ok(entries @ 0..=15) = u8::try_from(entries) {
        out.splice(at..=at, [kind.few | entries]);
    } else if let Ok(entries) = u16::try_from(entries) {
        let [high, low] = entries.to_be_bytes();
        out.splice(at..=at, [kind.more, high, low]);
    } else {
        let entries = u32::try_from(entries).unwrap_or(u32::MAX).to_be_bytes();
        out.splice(at..=at, [kind.many].into_iter().chain(entries));
    }
    rest
}

fn pack_scalar(out: &mut Vec<u8>, scalar: &str) {
    match scalar {
        "true" => out.push(0xc3),
        "false" => out.push(0xc2),
        "null" | "" => out.push(0xc0),
        // A double alone has a negative zero.
        "-0" => pack_float(out, -0.0),
        number => {
            if let Ok(number) = number.parse::<u64>() {
                encode::write_uint(out, number).map(drop).expect(WRITES);
            } else if let Ok(number) = number.parse::<i64>() {
                encode::write_sint(out, number).map(drop).expect(WRITES);
            } else {
                pack_float(out, number.parse().unwrap_or_default());
            }
        }
    }
}

fn pack_float(out: &mut Vec<u8>, number: f64) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is compared with the original"
    )]
    let short = number as f32;
    if f64::from(short).to_bits() == number.to_bits() {
        encode::write_f32(out, short).expect(WRITES);
    } else {
        encode::write_f64(out, number).expect(WRITES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(json: &str) -> Vec<u8> {
        let mut out = Vec::new();
        pack(&mut out, json);
        out
    }

    #[test]
    fn what_is_translated_is_translated_back() {
        let long = format!("[{}]", ["[],{}"; 9].join(","));
        let longer = format!("[{}1]", "1,".repeat(70_000));
        for json in [
            "null",
            "true",
            "false",
            "0",
            "-1",
            "-0.0",
            "1.5",
            "0.1",
            "1e300",
            r#""""#,
            "[]",
            "{}",
            "18446744073709551615",
            "-9223372036854775808",
            r#""\"\\\n\u0001é😀""#,
            r#"{"":"]},:\"","a":[1,{"b":null}]}"#,
            &long,
            &longer,
        ] {
            let text = unpack(&packed(json)).unwrap();
            let canonical: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(text, canonical.to_string(), "{json}");
        }
    }

    #[test]
    fn spaces_and_escapes_are_read_as_json_has_them() {
        let text = unpack(&packed(
            " { \"\\u0061\" : [ 1 , 2 ] , \"b\\\\\" : \"\\/\" } ",
        ))
        .unwrap();
        assert_eq!(text, r#"{"a":[1,2],"b\\":"/"}"#);
    }

    #[test]
    fn the_shortest_form_is_written() {
        for (json, bytes) in [
            ("127", &[0x7f][..]),
            ("-32", &[0xe0]),
            ("256", &[0xcd, 1, 0]),
            ("1.5", &[0xca, 0x3f, 0xc0, 0, 0]),
            ("[1]", &[0x91, 1]),
            (r#"{"a":1}"#, &[0x81, 0xa1, b'a', 1]),
            ("\"é\"", &[0xa2, 0xc3, 0xa9]),
        ] {
            assert_eq!(packed(json), bytes, "{json}");
        }
        assert_eq!(packed("0.1").len(), 9);
        assert_eq!(
            packed("1e400"),
            [0xca, 0x7f, 0x80, 0, 0],
            "as JavaScript reads it"
        );
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        for bytes in [
            &[0xc4, 1, 0][..],
            &[0xd6, 0xff, 0, 0, 0, 0],
            &[0xca, 0x7f, 0xc0, 0, 0],
            &[0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
            &[0x81, 0x01, 0x02],
            &[0x91, 0xa1, 0xff],
            &[0x92, 0x01],
        ] {
            assert!(unpack(bytes).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels| [vec![0x91; levels], vec![0xc0]].concat();
        assert!(unpack(&nested(32)).is_ok());
        assert!(unpack(&nested(33)).is_err() && unpack(&nested(1_000_000)).is_err());
    }

    #[test]
    fn what_is_no_json_does_not_panic() {
        let json = r#"{"a":["\ud83d\ude00","\\",1e5]}"#;
        for end in (0..json.len()).filter(|end| json.is_char_boundary(*end)) {
            packed(&json[..end]);
        }
        for junk in ["", "\"", "\"\\", "é", "[é", "{\"", "]", "}{", "- 1"] {
            packed(junk);
        }
    }
}
