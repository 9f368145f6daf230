//! An object of JSON, written field by field in the order of the code.

use serde_json::Value;

use crate::plain::escape_json;

/// A line for programs. Nothing in it steers a terminal, and it is one line whatever it holds.
#[derive(Debug)]
pub(super) struct Object(String);

impl Object {
    /// One without a type, to stand within another.
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    /// One that says what it is.
    pub(super) fn typed(kind: &str) -> Self {
        Self::new().field("type", kind)
    }

    pub(super) fn field(self, name: &str, value: impl Into<Value>) -> Self {
        self.json(name, &value.into().to_string())
    }

    /// A field that is left out if there is nothing to say.
    pub(super) fn optional(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// A field whose value is JSON already, and stays as it was written.
    pub(super) fn json(mut self, name: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(&compact(json));
        self
    }

    /// The object.
    pub(super) fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// The object as a line.
    pub(super) fn line(self) -> String {
        let mut line = escape_json(&self.close());
        line.push('\n');
        line
    }
}

/// JSON without the blanks and line ends between its parts.
pub(super) fn compact(json: &str) -> String {
    let (mut in_string, mut is_escaped) = (false, false);
    let is_kept = |character: &char| {
        if is_escaped {
            is_escaped = false;
        } else if in_string {
            is_escaped = *character == '\\';
            in_string = *character != '"';
        } else {
            in_string = *character == '"';
            return !matches!(character, ' ' | '\t' | '\r' | '\n');
        }
        true
    };
    json.chars().filter(is_kept).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_one_line_in_its_order_with_data_as_it_was_written() {
        let line = Object::typed("message")
            .field("offset", 7)
            .optional("user", None::<&str>)
            .json("data", "{ \"a\" :\r\n 1.50,\t\"b c\\\" d\": [ ] }")
            .field("last", true)
            .line();
        let expected = "{\"type\":\"message\",\"offset\":7,\"data\":{\"a\":1.50,\"b c\\\" d\":[]},\"last\":true}\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn nothing_in_it_steers_a_terminal_and_all_is_read_again() {
        let text = "a\u{1b}[2J\n\u{9b}\u{202e}\"\\é";
        let line = Object::typed("x")
            .field("text", text)
            .json("data", "\"\u{9b}\u{2028}\"")
            .line();
        let body = line.strip_suffix('\n').unwrap();
        assert!(!body.chars().any(crate::plain::steers), "{line:?}");
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            value,
            json!({"type": "x", "text": text, "data": "\u{9b}\u{2028}"})
        );
    }
}
