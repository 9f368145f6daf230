//! Texts with bounds.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text of `MIN` to `MAX` characters, counted in UTF-16 units as JavaScript does. Borrowed from the
/// message wherever that has it as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<'a, const MIN: usize, const MAX: usize>(Cow<'a, str>);

/// A text of any length: what the server says.
pub type Words<'a> = Text<'a, 0, { usize::MAX }>;

impl<'a, const MIN: usize, const MAX: usize> Text<'a, MIN, MAX> {
    /// Takes a text that is within the bounds.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        // Every character has one unit at least, and no more than it has bytes.
        let is_bounded = MIN == 0 && text.len() <= MAX;
        let is_within = is_bounded || (MIN..=MAX).contains(&text.encode_utf16().count());
        is_within.then_some(Self(text))
    }

    /// The text, shared.
    pub fn to_arc(&self) -> Arc<str> {
        Arc::from(&*self.0)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Words have no bounds to break.
impl<'a> From<&'a str> for Words<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'a> From<Cow<'a, str>> for Words<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self(text)
    }
}

/// Shows how long it is, never what: some texts are a client's own.
impl<const MIN: usize, const MAX: usize> fmt::Debug for Text<'_, MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl<const MIN: usize, const MAX: usize> Serialize for Text<'_, MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de: 'a, 'a, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<'a, MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(AnyText)?;
        Self::new(text)
            .ok_or_else(|| D::Error::custom(format!("must have {MIN} to {MAX} characters")))
    }
}

/// Takes a text as it comes.
pub(super) struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_as_javascript_does() {
        assert!(Text::<1, 2>::new("😀").is_some());
        assert!(Text::<0, 2>::new("ééé").is_none());
        assert!(Text::<1, 2>::new("").is_none() && Text::<1, 2>::new("abc").is_none());
        assert!(Words::new("x".repeat(10_000)).is_some());
    }
}
