//! Fields and items of either encoding, handed to derived code one by one.

use std::borrow::Cow;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess};
use serde::de::{SeqAccess, VariantAccess, Visitor};

use super::fault::Fault;

/// The fields of a struct: names and values.
pub(super) struct Fields<'de, I, V> {
    rest: I,
    value: Option<(Cow<'de, str>, V)>,
}

impl<'de, I: Iterator<Item = (Cow<'de, str>, V)>, V> Fields<'de, I, V> {
    pub(super) fn new(fields: impl IntoIterator<IntoIter = I>) -> Self {
        Self {
            rest: fields.into_iter(),
            value: None,
        }
    }
}

impl<'de, I, V> MapAccess<'de> for Fields<'de, I, V>
where
    I: Iterator<Item = (Cow<'de, str>, V)>,
    V: Deserializer<'de, Error = Fault>,
{
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        let key: CowStrDeserializer<'_, Fault> = name.clone().into_deserializer();
        self.value = Some((name, value));
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (name, value) = self.value.take().ok_or_else(Fault::missing)?;
        seed.deserialize(value)
            .map_err(|fault| fault.in_field(&name))
    }
}

/// The items of a list. How many there are is not said in advance: room is made for those that come.
pub(super) struct Items<I> {
    rest: I,
    index: usize,
}

impl<I: Iterator> Items<I> {
    pub(super) fn new(items: impl IntoIterator<IntoIter = I>) -> Self {
        Self {
            rest: items.into_iter(),
            index: 0,
        }
    }
}

impl<'de, I, V> SeqAccess<'de> for Items<I>
where
    I: Iterator<Item = V>,
    V: Deserializer<'de, Error = Fault>,
{
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.rest.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        let item = seed.deserialize(value);
        item.map(Some).map_err(|fault| fault.in_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        None
    }
}

/// One of an enum's names, by its place among them.
pub(super) struct Choice(pub(super) u32);

impl<'de> EnumAccess<'de> for Choice {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        let index = self.0.into_deserializer();
        seed.deserialize(index).map(|variant| (variant, self))
    }
}

/// An enum on the wire is nothing but its name.
impl<'de> VariantAccess<'de> for Choice {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Fault> {
        Err(Fault::must("a name"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(Fault::must("a name"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fault> {
        Err(Fault::must("a name"))
    }
}
