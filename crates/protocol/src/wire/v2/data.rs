//! The application's data within a message.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::wire::data_fault;

/// By this name both encodings know that a value is the application's, and so any JSON value.
pub(super) const DATA: &str = "tautline::Data";

/// One JSON value of the application: kept as text, as it was written, and nested at most
/// [`PAYLOAD_DEPTH_MAX`](crate::wire::PAYLOAD_DEPTH_MAX) levels. `MessagePack` is translated once, on its way in or out.
#[derive(Clone)]
pub struct Data<'a>(Cow<'a, RawValue>);

/// The payload of a message that says all by its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Empty {}

/// The text is not what an application's data may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the data {0}")]
pub struct InvalidData(Cow<'static, str>);

impl<'a> Data<'a> {
    /// JSON's `null`.
    pub const NULL: Self = Self(Cow::Borrowed(RawValue::NULL));

    /// Takes JSON text for data.
    pub fn parse(json: &'a [u8]) -> Result<Self, InvalidData> {
        let value: &RawValue = serde_json::from_slice(json)
            .map_err(|_not_json| InvalidData("must be one JSON value".into()))?;
        match data_fault(value.get()) {
            Some(reason) => Err(InvalidData(reason.into())),
            None => Ok(Self(Cow::Borrowed(value))),
        }
    }

    /// The JSON text as bytes of its own.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.as_json().as_bytes())
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }
}

/// The same text is the same data.
impl PartialEq for Data<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

/// Shows how much it is, never what: payloads do not belong in logs.
impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.as_json().len())
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.0.serialize(serializer)
        } else {
            serializer.serialize_newtype_struct(DATA, self.as_json())
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Data<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Data<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_borrowed_str<E: Error>(self, json: &'de str) -> Result<Data<'de>, E> {
                let value = serde_json::from_str(json).map_err(|_never| E::custom("must be JSON"));
                value.map(|value| Data(Cow::Borrowed(value)))
            }

            fn visit_str<E: Error>(self, json: &str) -> Result<Data<'de>, E> {
                self.visit_string(json.to_owned())
            }

            fn visit_string<E: Error>(self, json: String) -> Result<Data<'de>, E> {
                let value = RawValue::from_string(json).map_err(|_never| E::custom("must be JSON"));
                value.map(|value| Data(Cow::Owned(value)))
            }
        }

        deserializer.deserialize_newtype_struct(DATA, Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_one_json_value_that_is_not_too_deep() {
        let deep = |levels| [b"[".repeat(levels), b"]".repeat(levels)].concat();
        assert!(Data::parse(&deep(32)).is_ok());
        assert_eq!(Data::parse(b" 1.0 ").unwrap().as_json(), "1.0");
        for bad in [
            &deep(33)[..],
            b"",
            b"1 2",
            b"{",
            br#""\ud800""#,
            b"\"\xff\"",
        ] {
            assert!(Data::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn data_is_never_shown() {
        let shown = format!("{:?}", Data::parse(br#""secret""#).unwrap());
        assert_eq!(shown, "8 bytes");
    }
}
