//! A client's name for one of its messages.

use serde_json::value::RawValue;

/// The client's name for one of its messages: a JSON string or number, kept as it was written, so
/// that it comes back verbatim (`1.0` stays `1.0`, `"\u0041"` stays `"\u0041"`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// Takes a JSON value for a request's id; only strings and numbers are.
    pub fn new(value: &RawValue) -> Option<Self> {
        let text = value.get();
        let first = text.bytes().next()?;
        (first == b'"' || first == b'-' || first.is_ascii_digit()).then(|| Self(text.into()))
    }

    /// The JSON number.
    pub fn of_number(number: u64) -> Self {
        Self(number.to_string().into())
    }

    /// The whole number, if it is one, as [`RequestId::of_number`] writes it.
    pub fn to_number(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The characters of a string; none if it is a number.
    pub fn to_text(&self) -> Option<String> {
        serde_json::from_str(&self.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request_id(json: &str) -> Option<RequestId> {
        RequestId::new(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn strings_and_numbers_are_kept_as_written() {
        for json in ["1", "1.0", "-0", "1e400", r#""a""#, r#""\u0041""#, r#""""#] {
            assert_eq!(request_id(json).unwrap().as_json(), json);
        }
    }

    #[test]
    fn other_values_are_refused() {
        for json in ["null", "true", "[]", "{}"] {
            assert_eq!(request_id(json), None, "{json}");
        }
    }

    #[test]
    fn only_a_string_has_text() {
        assert_eq!(request_id(r#""\u0041b""#).unwrap().to_text().unwrap(), "Ab");
        assert_eq!(request_id("7").unwrap().to_text(), None);
    }
}
