//! What a load client says in Tautline's typed protocol, v2, and how it tells the answers apart.
//!
//! Written apart from Tautline's own code, so that a fault there cannot hide here. JSON messages are
//! told apart by how they begin, `MessagePack` ones by their first two bytes.

use serde_json::{Value, json};

use super::frame::{BINARY, TEXT, contains};
use super::pack::pack;
use super::wire::Step;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    MessagePack,
}

/// A publication that is to be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Publication<'a> {
    pub(crate) room: &'a str,
    pub(crate) event: &'a str,
    /// JSON text.
    pub(crate) data: &'a str,
    pub(crate) key: Option<&'a str>,
}

/// Where a client stood when it was cut off, and how much it has missed since.
#[derive(Debug, Clone)]
pub(crate) struct Missed {
    /// A position, as JSON.
    pub(crate) since: String,
    pub(crate) messages: usize,
}

impl Missed {
    /// Whether a `welcome` in JSON has all of it, and says so.
    pub(crate) fn is_in(&self, welcome: &[u8]) -> bool {
        const MESSAGE: &[u8] = br#""sentAt":"#;
        let messages = welcome.windows(MESSAGE.len());
        let messages = messages.filter(|window| *window == MESSAGE).count();
        messages == self.messages && contains(welcome, br#""recovered":true"#)
    }
}

impl Encoding {
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "tautline.v2.json",
            Self::MessagePack => "tautline.v2.msgpack",
        }
    }

    /// What its frames are.
    pub(crate) fn opcode(self) -> u8 {
        match self {
            Self::Json => TEXT,
            Self::MessagePack => BINARY,
        }
    }

    /// Who is there, and the room that is joined, unless it is without a name.
    pub(super) fn hello(self, token: &str, room: &str, missed: Option<&Missed>) -> Vec<u8> {
        let since: Value = missed
            .and_then(|missed| serde_json::from_str(&missed.since).ok())
            .unwrap_or_default();
        match self {
            Self::Json => {
                let room = json!({ "room": room, "since": since });
                let rooms: Vec<_> = Some(room)
                    .filter(|room| room["room"] != "")
                    .into_iter()
                    .collect();
                let client = json!({ "name": "bench", "version": "1" });
                let payload = json!({ "token": token, "client": client, "producer": "bench", "rooms": rooms });
                format!(r#"{{"type":"hello","payload":{payload}}}"#).into()
            }
            Self::MessagePack => {
                let rooms = if room.is_empty() {
                    json!([])
                } else {
                    json!([[room]])
                };
                pack(&json!([0, [token, ["bench", "1"], "bench", null, rooms]]))
            }
        }
    }

    pub(crate) fn publish(self, publication: Publication<'_>) -> Vec<u8> {
        let Publication {
            room,
            event,
            data,
            key,
        } = publication;
        match self {
            Self::Json => {
                let key = key
                    .map(|key| format!(r#","key":"{key}""#))
                    .unwrap_or_default();
                format!(
                    r#"{{"type":"publish","payload":{{"room":"{room}","event":"{event}","data":{data}{key}}}}}"#
                )
                .into()
            }
            Self::MessagePack => {
                let data: Value = serde_json::from_str(data).unwrap_or_default();
                pack(&json!([4, [room, event, data, key]]))
            }
        }
    }

    /// What a frame means before the `welcome`.
    pub(super) fn step(self, payload: &[u8]) -> Step {
        let says = |kind, number| self.is(payload, kind, number);
        if says("welcome", 0) && !contains(payload, br#""type":"error""#) {
            Step::Joined
        } else if says("ping", 21) {
            Step::Wait
        } else {
            Step::Refused
        }
    }

    /// Whether a frame is a publication of a joined room.
    pub(crate) fn is_message(self, payload: &[u8]) -> bool {
        self.is(payload, "message", 4)
    }

    /// Whether a frame says that a publication was taken.
    pub(crate) fn is_published(self, payload: &[u8]) -> bool {
        self.is(payload, "published", 6)
    }

    fn is(self, payload: &[u8], kind: &str, number: u8) -> bool {
        match self {
            Self::Json => payload
                .strip_prefix(br#"{"type":""#)
                .and_then(|rest| rest.strip_prefix(kind.as_bytes()))
                .is_some_and(|rest| rest.starts_with(b"\"")),
            // An array of two or three: type, payload, and what it answers.
            Self::MessagePack => matches!(payload, [0x92 | 0x93, first, ..] if *first == number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_told_apart_by_its_type_whole() {
        let published = br#"{"type":"published","payload":{"epoch":"1"}}"#;
        assert!(Encoding::Json.is_published(published));
        assert!(!Encoding::Json.is(published, "publish", 0));
        assert!(Encoding::MessagePack.is_published(&[0x93, 6, 0x95]));
        assert!(Encoding::MessagePack.is_message(&[0x92, 4, 0x98]));
        assert!(!Encoding::MessagePack.is_message(&[0x92, 6, 0x98]));
    }

    #[test]
    fn whoever_is_not_let_in_or_not_into_the_room_is_refused() {
        let step = |text: &str| Encoding::Json.step(text.as_bytes());
        assert_eq!(step(r#"{"type":"welcome","payload":{}}"#), Step::Joined);
        assert_eq!(step(r#"{"type":"ping","payload":{}}"#), Step::Wait);
        assert_eq!(step(r#"{"type":"bye","payload":{}}"#), Step::Refused);
        let refused = r#"{"type":"welcome","payload":{"rooms":[{"type":"error","payload":{}}]}}"#;
        assert_eq!(step(refused), Step::Refused);
    }

    #[test]
    fn what_was_missed_has_to_be_there_and_to_be_all() {
        let missed = Missed {
            since: "{}".to_owned(),
            messages: 1,
        };
        assert!(missed.is_in(br#""recovered":true,"messages":[{"sentAt":"1"}]"#));
        assert!(!missed.is_in(br#""recovered":false,"messages":[{"sentAt":"1"}]"#));
        assert!(!missed.is_in(br#""recovered":true,"messages":[]"#));
    }
}
