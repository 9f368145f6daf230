//! A `MessagePack` value as derived code reads it. Its structure has been checked; what it means has not.

use std::borrow::Cow;

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::token::{Token, Tokens};
use super::translate::unpack;
use crate::wire::v2::data::DATA;
use crate::wire::v2::fault::{Fault, Mistake};
use crate::wire::v2::fields::{Choice, Fields, Items};

/// One value within a message.
#[derive(Debug, Clone, Copy)]
pub(in crate::wire::v2) struct Packed<'de>(&'de [u8]);

impl<'de> Packed<'de> {
    /// A struct of which every field is absent.
    pub(in crate::wire::v2) const EMPTY: Self = Self(&[0x90]);

    /// Takes a whole message.
    pub(in crate::wire::v2) fn read(bytes: &'de [u8]) -> Result<Self, Fault> {
        let mut tokens = Tokens(bytes);
        let whole = tokens.next_value().filter(|_| tokens.0.is_empty());
        whole.map(Self).ok_or_else(|| {
            let reason = "invalid MessagePack: send one message in each binary frame";
            Fault::new(Mistake::NoMessage, reason)
        })
    }

    pub(in crate::wire::v2) fn is_nil(self) -> bool {
        self.token() == Some(Token::Nil)
    }

    /// The items of an array.
    pub(in crate::wire::v2) fn items(self) -> Result<impl Iterator<Item = Self>, Fault> {
        let mut tokens = Tokens(self.0);
        match tokens.next() {
            Some(Token::Array(_)) => Ok(std::iter::from_fn(move || tokens.next_value().map(Self))),
            Some(Token::Nil) => Err(Fault::missing()),
            _ => Err(Fault::must("an array")),
        }
    }

    /// The value as JSON text, if JSON can say it.
    pub(in crate::wire::v2) fn to_json(self) -> Result<String, Fault> {
        unpack(self.0).map_err(|reason| Fault::new(Mistake::BadData, reason))
    }

    fn token(self) -> Option<Token<'de>> {
        Tokens(self.0).next()
    }

    fn whole_number(self, max: u64) -> Result<u64, Fault> {
        match self.token() {
            Some(Token::Unsigned(number)) if number <= max => Ok(number),
            Some(Token::Nil) => Err(Fault::missing()),
            _ => Err(Fault::must(&format!("a whole number from 0 to {max}"))),
        }
    }
}

impl<'de> Deserializer<'de> for Packed<'de> {
    type Error = Fault;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault::must("of a type that messages have"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.token() {
            Some(Token::Bool(value)) => visitor.visit_bool(value),
            Some(Token::Nil) => Err(Fault::missing()),
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
        let text = match self.token() {
            Some(Token::Text(bytes)) => std::str::from_utf8(bytes).ok(),
            Some(Token::Nil) => return Err(Fault::missing()),
            _ => None,
        };
        visitor.visit_borrowed_str(text.ok_or_else(|| Fault::must("a string"))?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.token() {
            Some(Token::Binary(bytes)) => visitor.visit_borrowed_bytes(bytes),
            Some(Token::Nil) => Err(Fault::missing()),
            _ => Err(Fault::must("binary")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.is_nil() {
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
        if name == DATA {
            visitor.visit_string(self.to_json()?)
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Items::new(self.items()?))
    }

    /// Items behind the last known field are fields of a later version.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let names = names.iter().map(|name| Cow::Borrowed(*name));
        visitor.visit_map(Fields::new(names.zip(self.items()?)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let last = names.len().saturating_sub(1);
        let index = self.whole_number(u64::try_from(last).unwrap_or(u64::MAX))?;
        visitor.visit_enum(Choice(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 f32 f64 char byte_buf unit unit_struct tuple tuple_struct map identifier
    }
}
