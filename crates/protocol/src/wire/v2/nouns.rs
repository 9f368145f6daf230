//! The nouns of the model as they travel: in JSON what people can read, in `MessagePack` raw bytes and
//! integers.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::AnyText;
use crate::model::{ConnectionId, Epoch, EventName, NodeId, PublicationId, RoomName, Timestamp};
use crate::wire::token::TOKEN_UNITS_MIN;
use crate::wire::{CloseCode, Token, iso_time};

impl Serialize for RoomName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RoomName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(AnyText)?;
        Self::parse(&text).map_err(|_invalid| {
            D::Error::custom("must be 1 to 128 of the characters A-Z a-z 0-9 _ - . : / @ | ~ +")
        })
    }
}

impl Serialize for EventName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(AnyText)?;
        Self::parse(&text).map_err(|_invalid| {
            D::Error::custom(
                "must be a letter and then up to 63 of A-Z a-z 0-9 . _ -, and no name of the server's own",
            )
        })
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(AnyText)?;
        let token = Self::new(&text);
        if token.is_plausible() {
            Ok(token)
        } else {
            let reason = format!("must have at least {TOKEN_UNITS_MIN} characters");
            Err(D::Error::custom(reason))
        }
    }
}

/// A value that is text in JSON and so many bytes in `MessagePack`.
fn serialize_id<S: Serializer>(
    serializer: S,
    text: &dyn fmt::Display,
    bytes: &[u8],
) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.collect_str(text)
    } else {
        serializer.serialize_bytes(bytes)
    }
}

/// Reads what [`serialize_id`] writes, from its text or from its `N` bytes.
fn deserialize_id<'de, const N: usize, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Option<T>,
    from_bytes: fn([u8; N]) -> T,
    expected: &'static str,
) -> Result<T, D::Error> {
    if deserializer.is_human_readable() {
        let text = deserializer.deserialize_str(AnyText)?;
        parse(&text).ok_or_else(|| D::Error::custom(format!("must be {expected}")))
    } else {
        deserializer.deserialize_bytes(Raw).map(from_bytes)
    }
}

/// So many bytes.
struct Raw<const N: usize>;

impl<const N: usize> Visitor<'_> for Raw<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        bytes
            .try_into()
            .map_err(|_length| E::custom(format!("must be {N} bytes")))
    }
}

impl Serialize for PublicationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_id(serializer, self, &self.0)
    }
}

impl<'de> Deserialize<'de> for PublicationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_id(deserializer, Self::parse, Self, "a UUID in lower case")
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_id(serializer, self, &self.0.to_be_bytes())
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let from_bytes = |bytes| Self(u64::from_be_bytes(bytes));
        deserialize_id(
            deserializer,
            Self::parse,
            from_bytes,
            "16 digits of 0-9 a-f",
        )
    }
}

impl Serialize for ConnectionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = [
            &self.node.0.to_be_bytes()[..],
            &self.shard.to_be_bytes(),
            &self.slot.to_be_bytes(),
            &self.serial.to_be_bytes(),
        ];
        serialize_id(serializer, self, &bytes.concat())
    }
}

impl<'de> Deserialize<'de> for ConnectionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_id(
            deserializer,
            Self::parse,
            connection_of_bytes,
            "28 digits of 0-9 a-f",
        )
    }
}

/// Big endian: the node, the shard, the slot and the serial, as in the text.
fn connection_of_bytes(bytes: [u8; 14]) -> ConnectionId {
    let [n0, n1, n2, n3, h0, h1, s0, s1, s2, s3, c0, c1, c2, c3] = bytes;
    ConnectionId {
        node: NodeId(u32::from_be_bytes([n0, n1, n2, n3])),
        shard: u16::from_be_bytes([h0, h1]),
        slot: u32::from_be_bytes([s0, s1, s2, s3]),
        serial: u32::from_be_bytes([c0, c1, c2, c3]),
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&iso_time::written(*self))
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let time = Self(u64::deserialize(deserializer)?);
            let reason = "must be a time before the year 10000, in milliseconds since 1970";
            return (time <= iso_time::LAST)
                .then_some(time)
                .ok_or_else(|| D::Error::custom(reason));
        }
        let text = deserializer.deserialize_str(AnyText)?;
        iso_time::read(&text)
            .ok_or_else(|| D::Error::custom("must be a time such as 2026-01-02T03:04:05.678Z"))
    }
}

impl Serialize for CloseCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.number())
    }
}

impl<'de> Deserialize<'de> for CloseCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u16::deserialize(deserializer)?;
        Self::all()
            .find(|code| code.number() == number)
            .ok_or_else(|| D::Error::custom("must be a close code of this protocol"))
    }
}

/// Has a noun travel as a struct of other nouns.
macro_rules! as_struct {
    ($(#[$doc:meta])* $noun:ident { $($field:ident: $of:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(rename_all = "camelCase")]
        pub(in crate::wire::v2) struct $noun { $($field: $of),+ }

        impl Serialize for crate::model::$noun {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $noun { $($field: self.$field),+ }.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for crate::model::$noun {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $noun::deserialize(deserializer).map(|it| Self { $($field: it.$field),+ })
            }
        }
    };
}

/// The structs that nouns travel as.
pub(super) mod structs {
    use super::{Deserialize, Deserializer, Epoch, PublicationId, Serialize, Serializer};

    as_struct! {
        /// A point in a room's order: the publication with this offset, and its id as proof.
        Position { epoch: Epoch, offset: u64, id: PublicationId }
    }

    as_struct! {
        /// So many a second in the long run, and so many at once after a rest.
        Rate { per_second: u32, burst: u32 }
    }
}
