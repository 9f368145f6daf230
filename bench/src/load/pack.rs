//! `MessagePack`, as little of it as a load client says: a JSON value, piece by piece.
//!
//! Lengths and whole numbers are always written in the same wide form, which whoever reads has to take.

use serde_json::Value;

/// A value in `MessagePack`.
pub(crate) fn pack(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(&mut bytes, value);
    bytes
}

fn append(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => bytes.push(0xC0),
        Value::Bool(no) if !no => bytes.push(0xC2),
        Value::Bool(_) => bytes.push(0xC3),
        Value::Number(number) => {
            if let Some(whole) = number.as_i64() {
                bytes.push(0xD3);
                bytes.extend(whole.to_be_bytes());
            } else {
                bytes.push(0xCB);
                bytes.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        }
        Value::String(text) => append_text(bytes, text),
        Value::Array(items) => {
            append_length(bytes, 0xDC, items.len());
            for item in items {
                append(bytes, item);
            }
        }
        Value::Object(fields) => {
            append_length(bytes, 0xDE, fields.len());
            for (name, value) in fields {
                append_text(bytes, name);
                append(bytes, value);
            }
        }
    }
}

fn append_text(bytes: &mut Vec<u8>, text: &str) {
    append_length(bytes, 0xDA, text.len());
    bytes.extend(text.as_bytes());
}

/// A marker, and a length in two bytes: nothing that a load client says is longer.
fn append_length(bytes: &mut Vec<u8>, marker: u8, length: usize) {
    bytes.push(marker);
    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_packed_as_the_format_has_it() {
        assert_eq!(
            pack(&json!([4, { "a": 1.5 }, null])),
            [
                0xDC, 0, 3, 0xD3, 0, 0, 0, 0, 0, 0, 0, 4, 0xDE, 0, 1, 0xDA, 0, 1, b'a', 0xCB, 0x3F,
                0xF8, 0, 0, 0, 0, 0, 0, 0xC0
            ]
        );
    }
}
