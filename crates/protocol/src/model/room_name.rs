//! The name of a room.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A room's name: 1 to 128 bytes of `A–Z a–z 0–9 _ - . : / @ | ~ +`.
///
/// Cheap to clone; compared and hashed by its text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(Arc<str>);

/// The text is not a room's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a room's name is 1 to 128 of the characters A-Z a-z 0-9 _ - . : / @ | ~ +")]
pub struct InvalidRoomName;

impl RoomName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 128;
    /// The longest name that the plain protocol can say, in bytes.
    pub const PLAIN_BYTES_MAX: usize = 64;

    /// Takes a text for a room's name.
    pub fn parse(text: &str) -> Result<Self, InvalidRoomName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/@|~+".contains(&byte);
        if (1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidRoomName)
        }
    }

    /// Whether the plain protocol (v1) can say this name: `^[a-zA-Z0-9:_-]{1,64}$`.
    pub fn is_plain(&self) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":_-".contains(&byte);
        self.0.len() <= Self::PLAIN_BYTES_MAX && self.0.bytes().all(plain)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RoomName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_of_few_characters() {
        for good in ["a", "chat:1", "A-Z_a.z:0/9@b|c~d+e", &"x".repeat(128)] {
            assert_eq!(RoomName::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            " ",
            "a b",
            "a\n",
            "ü",
            "a*",
            "a\0",
            "<a>",
            &"x".repeat(129),
        ] {
            assert_eq!(RoomName::parse(bad), Err(InvalidRoomName), "{bad:?}");
        }
    }

    #[test]
    fn plain_names_are_narrower() {
        let plain = |text: &str| RoomName::parse(text).unwrap().is_plain();
        assert!(plain("Chat:room_1-a") && plain(&"x".repeat(64)));
        assert!(!plain("a.b") && !plain("a/b") && !plain(&"x".repeat(65)));
    }
}
