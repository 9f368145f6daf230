//! Frames of a server: header and payload in one shared buffer, for any number of recipients.
//!
//! A server's frames are not masked, so one buffer serves everybody. [`Deflater`](crate::Deflater)
//! makes the compressed ones.

use bytes::Bytes;

use crate::header::{self, CONTROL_BYTES_MAX, HEADER_BYTES_MAX, Opcode};
use crate::mask;

/// A whole text message. The payload must be UTF-8; it may be passed as bytes that are known to be.
pub fn text(payload: impl AsRef<[u8]>) -> Bytes {
    encode(Opcode::Text, payload.as_ref(), None)
}

/// A whole binary message.
pub fn binary(payload: impl AsRef<[u8]>) -> Bytes {
    encode(Opcode::Binary, payload.as_ref(), None)
}

/// A ping. A payload above 125 bytes is cut there.
pub fn ping(payload: impl AsRef<[u8]>) -> Bytes {
    encode(Opcode::Ping, control_payload(payload.as_ref()), None)
}

/// A pong, with the payload of the ping that it answers. A payload above 125 bytes is cut there.
pub fn pong(payload: impl AsRef<[u8]>) -> Bytes {
    encode(Opcode::Pong, control_payload(payload.as_ref()), None)
}

/// A close. A reason above 123 bytes is cut at a character. Nothing may be sent after it.
pub fn close(code: u16, reason: &str) -> Bytes {
    encode(Opcode::Close, &close_payload(code, reason), None)
}

pub(crate) fn control_payload(payload: &[u8]) -> &[u8] {
    payload.get(..CONTROL_BYTES_MAX).unwrap_or(payload)
}

pub(crate) fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    let end = reason.floor_char_boundary(CONTROL_BYTES_MAX - 2);
    let (reason, _) = reason.split_at(end);
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

pub(crate) fn encode(opcode: Opcode, payload: &[u8], key: Option<[u8; 4]>) -> Bytes {
    let mut frame = Vec::with_capacity(HEADER_BYTES_MAX + payload.len());
    header::write(&mut frame, opcode, false, payload.len());
    if let Some(key) = key {
        header::write_mask(&mut frame, key);
    }
    let header_bytes = frame.len();
    frame.extend_from_slice(payload);
    if let (Some(key), Some(payload)) = (key, frame.get_mut(header_bytes..)) {
        mask::apply(payload, key);
    }
    // Without room to spare, nothing is allocated beside it until it is shared.
    frame.into_boxed_slice().into()
}

pub(crate) fn encode_compressed(opcode: Opcode, compressed: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(HEADER_BYTES_MAX + compressed.len());
    header::write(&mut frame, opcode, true, compressed.len());
    frame.extend_from_slice(compressed);
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(text("hi"), [0x81, 2, b'h', b'i'].as_slice());
        assert_eq!(binary([0; 125])[..2], [0x82, 125]);
        assert_eq!(binary([0; 126])[..4], [0x82, 126, 0, 126]);
        assert_eq!(
            binary(vec![0; 65_536])[..10],
            [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]
        );
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let frame = close(1001, &"ä".repeat(62));
        assert_eq!(frame[..4], [0x88, 124, 3, 233]);
        assert_eq!(str::from_utf8(&frame[4..]), Ok("ä".repeat(61).as_str()));
    }

    #[test]
    fn a_long_ping_is_cut() {
        assert_eq!(ping([7; 200])[..2], [0x89, 125]);
        assert_eq!(ping([7; 200]).len(), 127);
    }
}
