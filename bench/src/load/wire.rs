//! What a load client says to each kind of server, and how it tells the answers apart.
//!
//! Plain messages are written by hand, `type` first: the bare server tells them apart by the letter
//! at [`LETTER`].

use serde_json::json;

use super::fanout::TEXT_128;
use super::frame::{TEXT, contains};
use super::typed::{Encoding, Missed, Publication};

/// Where the first letter of a plain message's type stands.
pub(crate) const LETTER: usize = r#"{"type":""#.len();

/// The messages of one kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Tautline's plain protocol, v1; the bare servers and the `ws` peer speak the part of it that
    /// is used here.
    Plain,
    /// Engine.IO 4 and Socket.IO 5 over one WebSocket.
    SocketIo,
    /// Centrifugo's bidirectional protocol in JSON.
    Centrifugo,
    /// Tautline's typed protocol, v2.
    Typed(Encoding),
}

/// A tick of a ticker.
const TICK: &str = r#"{"ask":1.08431,"bid":1.08423,"size":100000,"symbol":"EURUSD"}"#;
/// What a tick has in it in any encoding.
const SYMBOL: &str = "EURUSD";

/// What the client does after a frame that came before its room was joined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Wait,
    Send(Vec<String>),
    Joined,
    Refused,
}

impl Wire {
    /// Path and query of the upgrade.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Plain | Self::Typed(_) => "/ws",
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
            Self::Centrifugo => "/connection/websocket",
        }
    }

    /// What the upgrade offers, where it has to offer something.
    pub(crate) fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::SocketIo | Self::Centrifugo => None,
            Self::Typed(encoding) => Some(encoding.subprotocol()),
        }
    }

    /// What the client's frames are.
    pub(crate) fn opcode(self) -> u8 {
        match self {
            Self::Plain | Self::SocketIo | Self::Centrifugo => TEXT,
            Self::Typed(encoding) => encoding.opcode(),
        }
    }

    /// What is sent as soon as the upgrade is through, back to back.
    pub(crate) fn opening(self, token: &str, room: &str, missed: Option<&Missed>) -> Vec<Vec<u8>> {
        let texts = match self {
            Self::Plain => vec![
                format!(r#"{{"type":"auth","token":"{token}"}}"#),
                format!(r#"{{"type":"join","roomId":"{room}"}}"#),
            ],
            Self::SocketIo => vec!["40".to_owned()],
            Self::Centrifugo => vec![
                json!({ "id": 1, "connect": {} }).to_string(),
                json!({ "id": 2, "subscribe": { "channel": room } }).to_string(),
            ],
            Self::Typed(encoding) => return vec![encoding.hello(token, room, missed)],
        };
        texts.into_iter().map(String::into_bytes).collect()
    }

    /// What a frame means while the room is not joined yet.
    pub(crate) fn step(self, payload: &[u8], room: &str) -> Step {
        match self {
            Self::Plain if contains(payload, br#""type":"joined""#) => Step::Joined,
            Self::Plain if contains(payload, br#""type":"error""#) => Step::Refused,
            Self::SocketIo if payload.starts_with(b"40") => {
                Step::Send(vec![format!("42{}", json!(["join", room]))])
            }
            Self::SocketIo if payload.starts_with(br#"42["joined""#) => Step::Joined,
            Self::SocketIo if payload.starts_with(b"44") => Step::Refused,
            Self::Centrifugo if contains(payload, br#""error""#) => Step::Refused,
            Self::Centrifugo if contains(payload, br#""subscribe""#) => Step::Joined,
            Self::Plain | Self::SocketIo | Self::Centrifugo => Step::Wait,
            Self::Typed(encoding) => encoding.step(payload),
        }
    }

    /// What is published: a text, or a tick as JSON.
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Plain | Self::SocketIo | Self::Centrifugo => TEXT_128,
            Self::Typed(_) => TICK,
        }
    }

    /// What every delivery of that has in it.
    pub(crate) fn proof(self) -> &'static str {
        match self {
            Self::Plain | Self::SocketIo | Self::Centrifugo => TEXT_128,
            Self::Typed(_) => SYMBOL,
        }
    }

    /// A publication of `text` in `room`.
    pub(crate) fn publish(self, room: &str, text: &str) -> Vec<u8> {
        let message = match self {
            Self::Plain => format!(r#"{{"type":"chat","roomId":"{room}","text":"{text}"}}"#),
            Self::SocketIo => format!("42{}", json!(["chat", { "roomId": room, "text": text }])),
            Self::Centrifugo => {
                json!({ "publish": { "channel": room, "data": { "text": text } } }).to_string()
            }
            Self::Typed(encoding) => {
                return encoding.publish(Publication {
                    room,
                    event: "tick",
                    data: text,
                    key: None,
                });
            }
        };
        message.into_bytes()
    }

    /// A request that the server answers with the same text, to the asking connection alone;
    /// Centrifugo has none of its own, and v2 is not asked.
    pub(crate) fn echo(self, text: &str) -> Option<String> {
        match self {
            Self::Plain => Some(format!(
                r#"{{"type":"request","method":"echo","requestId":1,"payload":"{text}"}}"#
            )),
            Self::SocketIo => Some(format!("42{}", json!(["echo", text]))),
            Self::Centrifugo | Self::Typed(_) => None,
        }
    }

    /// How many publications or echoes a frame carries, once the room is joined.
    ///
    /// Centrifugo writes several messages into one frame, a line each, and its heartbeat is an
    /// empty object.
    pub(crate) fn messages(self, payload: &[u8]) -> u64 {
        match self {
            Self::Plain | Self::SocketIo => 1,
            Self::Centrifugo => payload
                .split(|byte| *byte == b'\n')
                .filter(|line| line.starts_with(br#"{"push""#))
                .count() as u64,
            Self::Typed(encoding) => encoding.is_message(payload).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_io_joins_only_after_its_namespace_is_open() {
        let wire = Wire::SocketIo;
        assert_eq!(wire.step(br#"0{"sid":"x"}"#, "r"), Step::Wait);
        assert_eq!(
            wire.step(br#"40{"sid":"x"}"#, "r"),
            Step::Send(vec![r#"42["join","r"]"#.to_owned()])
        );
        assert_eq!(wire.step(br#"42["joined","r"]"#, "r"), Step::Joined);
    }

    #[test]
    fn a_refused_join_is_seen() {
        assert_eq!(
            Wire::Plain.step(br#"{"type":"error","code":"forbidden"}"#, "r"),
            Step::Refused
        );
        assert_eq!(
            Wire::Centrifugo.step(br#"{"id":2,"error":{"code":103}}"#, "r"),
            Step::Refused
        );
    }

    #[test]
    fn centrifugo_messages_are_counted_by_line() {
        let payload = b"{\"push\":{\"channel\":\"r\"}}\n{\"push\":{\"channel\":\"r\"}}\n{}";
        assert_eq!(Wire::Centrifugo.messages(payload), 2);
    }
}
