//! Frames of a client: as in [`frame`](crate::frame), and masked with a key.
//!
//! The key must be fresh for each frame and come from the system's random source; otherwise a page
//! could choose the bytes on the wire and poison a proxy's cache (RFC 6455, section 10.3).

use bytes::Bytes;

use crate::frame::{close_payload, control_payload, encode};
use crate::header::Opcode;

/// A whole text message. The payload must be UTF-8; it may be passed as bytes that are known to be.
pub fn text(payload: impl AsRef<[u8]>, key: [u8; 4]) -> Bytes {
    encode(Opcode::Text, payload.as_ref(), Some(key))
}

/// A whole binary message.
pub fn binary(payload: impl AsRef<[u8]>, key: [u8; 4]) -> Bytes {
    encode(Opcode::Binary, payload.as_ref(), Some(key))
}

/// A ping. A payload above 125 bytes is cut there.
pub fn ping(payload: impl AsRef<[u8]>, key: [u8; 4]) -> Bytes {
    encode(Opcode::Ping, control_payload(payload.as_ref()), Some(key))
}

/// A pong, with the payload of the ping that it answers. A payload above 125 bytes is cut there.
pub fn pong(payload: impl AsRef<[u8]>, key: [u8; 4]) -> Bytes {
    encode(Opcode::Pong, control_payload(payload.as_ref()), Some(key))
}

/// A close. A reason above 123 bytes is cut at a character. Nothing may be sent after it.
pub fn close(code: u16, reason: &str, key: [u8; 4]) -> Bytes {
    encode(Opcode::Close, &close_payload(code, reason), Some(key))
}
