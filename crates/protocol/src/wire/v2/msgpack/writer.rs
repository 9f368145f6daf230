//! Messages as `MessagePack`, written by derived code.

use std::fmt;

use rmp::encode;
use serde::ser::{Error, Impossible, Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::translate::pack;
use crate::wire::v2::data::DATA;

const WRITES: &str = "writing to memory cannot fail";

/// Appends what is serialized.
#[derive(Debug, Default)]
pub(in crate::wire::v2) struct Writer {
    pub(in crate::wire::v2) out: Vec<u8>,
    /// The next text is JSON, to be translated.
    is_data: bool,
}

/// A type that messages do not have.
#[derive(Debug)]
pub(in crate::wire::v2) struct Unwritable(String);

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritable {}

impl Error for Unwritable {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

/// A struct that is being written: few enough fields for a head of one byte.
pub(in crate::wire::v2) struct Fields<'w> {
    writer: &'w mut Writer,
    head: usize,
    count: u8,
    /// How many fields there are up to the last that is not absent, and where that ends.
    present: (u8, usize),
}

impl Fields<'_> {
    /// The most fields that a head of one byte can count.
    const MAX: u8 = 15;
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(&mut *self.writer)?;
        self.count += 1;
        self.present = (self.count, self.writer.out.len());
        Ok(())
    }

    fn skip_field(&mut self, _: &'static str) -> Result<(), Unwritable> {
        self.count += 1;
        self.writer.serialize_none()
    }

    fn end(self) -> Result<(), Unwritable> {
        let (count, end) = self.present;
        self.writer.out.truncate(end);
        match self.writer.out.get_mut(self.head) {
            Some(head) if count <= Self::MAX => *head |= count,
            _ => return Err(unwritable("a struct with so many fields")),
        }
        Ok(())
    }
}

/// A list that is being written.
impl SerializeSeq for &mut Writer {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

fn unwritable(what: &str) -> Unwritable {
    Unwritable(format!("no message has {what}"))
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Self;
    type SerializeStruct = Fields<'w>;
    type SerializeTuple = Impossible<(), Unwritable>;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeMap = Impossible<(), Unwritable>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        encode::write_bool(&mut self.out, value).expect(WRITES);
        Ok(())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        encode::write_uint(&mut self.out, value).expect(WRITES);
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        if std::mem::take(&mut self.is_data) {
            pack(&mut self.out, text);
        } else {
            encode::write_str(&mut self.out, text).expect(WRITES);
        }
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unwritable> {
        encode::write_bin(&mut self.out, bytes).expect(WRITES);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        encode::write_nil(&mut self.out).expect(WRITES);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), Unwritable> {
        self.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.is_data = name == DATA;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Unwritable> {
        let length = length.and_then(|length| u32::try_from(length).ok());
        let length = length.ok_or_else(|| unwritable("a list of unknown length"))?;
        encode::write_array_len(&mut self.out, length).expect(WRITES);
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'w>, Unwritable> {
        let head = self.out.len();
        self.out.push(0x90);
        let present = (0, self.out.len());
        Ok(Fields {
            writer: self,
            head,
            count: 0,
            present,
        })
    }

    fn serialize_i8(self, _: i8) -> Result<(), Unwritable> {
        Err(unwritable("signed integers"))
    }

    fn serialize_i16(self, _: i16) -> Result<(), Unwritable> {
        Err(unwritable("signed integers"))
    }

    fn serialize_i32(self, _: i32) -> Result<(), Unwritable> {
        Err(unwritable("signed integers"))
    }

    fn serialize_i64(self, _: i64) -> Result<(), Unwritable> {
        Err(unwritable("signed integers"))
    }

    fn serialize_u8(self, _: u8) -> Result<(), Unwritable> {
        Err(unwritable("bytes that are numbers"))
    }

    fn serialize_f32(self, _: f32) -> Result<(), Unwritable> {
        Err(unwritable("floats"))
    }

    fn serialize_f64(self, _: f64) -> Result<(), Unwritable> {
        Err(unwritable("floats"))
    }

    fn serialize_char(self, _: char) -> Result<(), Unwritable> {
        Err(unwritable("characters"))
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Err(unwritable("units"))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        Err(unwritable("units"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        Err(unwritable("enums with content"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unwritable> {
        Err(unwritable("tuples"))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unwritable> {
        Err(unwritable("tuples"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(unwritable("enums with content"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unwritable> {
        Err(unwritable("maps"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(unwritable("enums with content"))
    }
}
