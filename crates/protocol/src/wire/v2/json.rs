//! A JSON value as derived code reads it. Its grammar has been checked; what it means has not.
//!
//! The text is read level by level, so that no nesting, however deep, costs stack.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use super::data::DATA;
use super::fault::{Fault, Mistake};
use super::fields::{Choice, Fields, Items};
use crate::wire::{data_fault, json};

/// One value within a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'de>(&'de RawValue);

impl<'de> Json<'de> {
    /// Takes a whole message.
    fn read(bytes: &'de [u8]) -> Result<Self, Fault> {
        serde_json::from_slice(bytes)
            .map(Self)
            .map_err(|_not_json| {
                Fault::new(
                    Mistake::NoMessage,
                    "invalid JSON: send one message in each text frame",
                )
            })
    }

    /// The fields of a whole message, read in one pass.
    pub(super) fn read_fields(bytes: &'de [u8]) -> Result<Vec<(Cow<'de, str>, Self)>, Fault> {
        match serde_json::from_slice(bytes) {
            Ok(Object(fields)) => Ok(fields),
            // Whether it is another value, or nothing at all, is told apart.
            Err(_no_object) => Self::read(bytes)?.fields(),
        }
    }

    /// An object without fields.
    pub(super) fn empty() -> Self {
        Self(serde_json::from_str("{}").expect("it is JSON"))
    }

    /// The text.
    pub(super) fn get(self) -> &'de RawValue {
        self.0
    }

    pub(super) fn is_null(self) -> bool {
        self.0.get() == "null"
    }

    /// The fields of an object, in the order in which they were written.
    pub(super) fn fields(self) -> Result<Vec<(Cow<'de, str>, Self)>, Fault> {
        if self.is_null() {
            return Err(Fault::missing());
        }
        let object: Result<Object<'de>, _> = serde_json::from_str(self.0.get());
        object
            .map(|Object(fields)| fields)
            .map_err(|_no_object| Fault::must("an object"))
    }

    fn text(self) -> Result<Cow<'de, str>, Fault> {
        if self.is_null() {
            return Err(Fault::missing());
        }
        json::read_string(self.0.get()).ok_or_else(|| Fault::must("a string"))
    }

    fn whole_number(self, max: u64) -> Result<u64, Fault> {
        if self.is_null() {
            return Err(Fault::missing());
        }
        let number = self.0.get().parse().ok().filter(|number| *number <= max);
        number.ok_or_else(|| Fault::must(&format!("a whole number from 0 to {max}")))
    }
}

impl<'de> Deserializer<'de> for Json<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault::must("of a type that messages have"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.get() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            "null" => Err(Fault::missing()),
            _ => Err(Fault::must("true or false")),
        }
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.whole_number(u16::MAX.into())?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.whole_number(u32::MAX.into())?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.whole_number(u64::MAX)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name != DATA {
            return visitor.visit_newtype_struct(self);
        }
        match data_fault(self.0.get()) {
            Some(reason) => Err(Fault::new(Mistake::BadData, reason)),
            None => visitor.visit_borrowed_str(self.0.get()),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.is_null() {
            return Err(Fault::missing());
        }
        let items: Vec<&RawValue> =
            serde_json::from_str(self.0.get()).map_err(|_no_list| Fault::must("an array"))?;
        visitor.visit_seq(Items::new(items.into_iter().map(Self)))
    }

    /// Fields come in the order of the struct, so that a type is known before its payload.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let mut fields = self.fields()?;
        let place = |name: &str| names.iter().position(|known| *known == name);
        fields.sort_by_key(|(name, _)| place(name).unwrap_or(names.len()));
        visitor.visit_map(Fields::new(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text = self.text()?;
        let index = names.iter().position(|name| *name == text);
        match index.and_then(|index| u32::try_from(index).ok()) {
            Some(index) => visitor.visit_enum(Choice(index)),
            None => Err(Fault::must(&format!("one of {}", names.join(", ")))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct map
        identifier
    }
}

/// The fields of an object, unread.
struct Object<'de>(Vec<(Cow<'de, str>, Json<'de>)>);

/// A field's name: borrowed unless it is written with escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, Json(value)));
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}
