//! The name of an application's event.

use std::fmt;
use std::sync::Arc;

/// What kind of publication this is, in the application's words: `[A-Za-z][A-Za-z0-9._-]{0,63}`.
///
/// The server's own v1 message types, `chat` excepted, are refused, so that nobody forges them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventName(Arc<str>);

/// The text is not an event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEventName {
    /// It has other characters, or too many.
    #[error("an event's name is a letter and then up to 63 of A-Z a-z 0-9 . _ -")]
    Malformed,
    /// It is one of the server's own message types.
    #[error("this event's name belongs to the server; choose another")]
    Reserved,
}

/// The types of the server's own v1 messages.
const RESERVED: [&str; 13] = [
    "auth_ok",
    "joined",
    "left",
    "subscribed",
    "unsubscribed",
    "history",
    "userJoined",
    "userLeft",
    "memberCount",
    "response",
    "pong",
    "error",
    "auth",
];

impl EventName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// Takes a text for an event's name.
    pub fn parse(text: &str) -> Result<Self, InvalidEventName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let first_is_letter = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic());
        if !first_is_letter || text.len() > Self::BYTES_MAX || !text.bytes().all(allowed) {
            Err(InvalidEventName::Malformed)
        } else if RESERVED.contains(&text) {
            Err(InvalidEventName::Reserved)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The event of a v1 `chat` message.
    pub fn chat() -> Self {
        Self("chat".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_start_with_a_letter_and_are_bounded() {
        for good in ["chat", "price.changed", "A", "a_b-c.9", &"x".repeat(64)] {
            assert_eq!(EventName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "1a", "_a", "a b", "a:b", "é", &"x".repeat(65)] {
            assert_eq!(
                EventName::parse(bad),
                Err(InvalidEventName::Malformed),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn the_servers_own_types_are_refused() {
        for reserved in RESERVED {
            assert_eq!(EventName::parse(reserved), Err(InvalidEventName::Reserved));
        }
    }
}
