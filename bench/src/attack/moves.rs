//! What attackers send: requests, what follows the upgrade, and what does the harm.
//!
//! `number` counts the attackers' connections, `strike` what they send on purpose to do harm; both
//! never repeat within a raid.

use super::arms::Arms;
use crate::load::frame::{self, BINARY, CONTINUATION, PING, TEXT};

/// Fresh rooms in one `subscribe`.
const TOPICS: u64 = 32;
/// Far more than a message of the plain protocol may have.
const OVERSIZED: usize = 60_000;
/// Far deeper than a payload may nest.
const DEPTH: usize = 3000;
/// What a frame claims to have, to see whether that is believed.
const CLAIMED: u64 = 1 << 30;
/// The room in which bystanders are busy.
pub(super) const BUSY: &str = "bench:busy";

/// An upgrade by somebody who is known.
pub(super) fn known(arms: &Arms, number: u64) -> String {
    request(Some(arms.right(number)))
}

/// An upgrade with a wrong token, or without one: half prove nothing in the handshake, the others
/// behind it.
pub(super) fn doubtful(arms: &Arms, number: u64) -> String {
    let is_early = number.is_multiple_of(2);
    request(is_early.then(|| arms.wrong_in_handshake(number / 2)))
}

/// Nothing, or half a request.
pub(super) fn half_open(_: &Arms, number: u64) -> String {
    match number % 2 {
        0 => String::new(),
        _ => "GET /ws HTTP/1.1\r\nHost: bench\r\nX-Slow: ".to_owned(),
    }
}

fn request(token: Option<&str>) -> String {
    let token = token.map_or_else(String::new, |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    format!(
        "GET /ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{token}\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Nothing behind the upgrade, or nothing to strike with.
pub(super) fn nothing(_: &Arms, _: u64) -> Vec<u8> {
    Vec::new()
}

pub(super) fn join_busy(_: &Arms, _: u64) -> Vec<u8> {
    text(&format!(r#"{{"type":"join","roomId":"{BUSY}"}}"#))
}

pub(super) fn prove_nothing(arms: &Arms, number: u64) -> Vec<u8> {
    let token = arms.wrong(number / 2);
    text(&format!(r#"{{"type":"auth","token":"{token}"}}"#))
}

/// The first part of a message that never ends.
pub(super) fn begin_message(_: &Arms, _: u64) -> Vec<u8> {
    frame::part_from_client(TEXT, b"{")
}

pub(super) fn fragment(_: &Arms, _: u64) -> Vec<u8> {
    frame::part_from_client(CONTINUATION, b" ")
}

/// As large as a ping may be.
pub(super) fn ping(_: &Arms, _: u64) -> Vec<u8> {
    frame::from_client(PING, &[b'x'; 125])
}

/// A room that nobody has joined yet, or many.
pub(super) fn join_fresh(_: &Arms, strike: u64) -> Vec<u8> {
    if !strike.is_multiple_of(8) {
        return text(&format!(
            r#"{{"type":"join","roomId":"bench:flood:{strike}"}}"#
        ));
    }
    let topics: Vec<String> = (0..TOPICS)
        .map(|nth| format!(r#""bench:flood:{strike}:{nth}""#))
        .collect();
    let topics = topics.join(",");
    text(&format!(
        r#"{{"type":"subscribe","payload":{{"topics":[{topics}]}}}}"#
    ))
}

/// One more byte of a header that never ends.
pub(super) fn drip(_: &Arms, _: u64) -> Vec<u8> {
    b"x".to_vec()
}

/// A message that no server should accept, or one that it has to think about.
pub(super) fn bad_message(_: &Arms, strike: u64) -> Vec<u8> {
    match strike % 8 {
        0 => text(&"x".repeat(OVERSIZED)),
        1 => claim(),
        2 => text(&nested()),
        3 => text(r#"{"type":"chat","roomId":"#),
        4 => text(r#"{"type":"auth_ok","userId":"root","connectionId":1}"#),
        5 => frame::from_client(TEXT, &[0xC3, 0x28]),
        6 => frame::from_client(BINARY, &[0; 1000]),
        _ => text(r#"{"type":"request","method":"drop","requestId":1}"#).repeat(64),
    }
}

/// A frame that claims to be huge, and the beginning of it.
fn claim() -> Vec<u8> {
    const MASKED_AND_LONG: u8 = 0xFF;
    let mut frame = vec![0x80 | TEXT, MASKED_AND_LONG];
    frame.extend(CLAIMED.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend([b'x'; 4000]);
    frame
}

fn nested() -> String {
    let (open, close) = ("[".repeat(DEPTH), "]".repeat(DEPTH));
    format!(r#"{{"type":"request","method":"m","requestId":1,"payload":{open}{close}}}"#)
}

fn text(message: &str) -> Vec<u8> {
    frame::from_client(TEXT, message.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::load::frame::Frame;

    fn message(bytes: &[u8]) -> Value {
        let frame = Frame::first(bytes).unwrap();
        assert_eq!(frame.size, bytes.len());
        serde_json::from_slice(&frame.unmasked()).unwrap()
    }

    #[test]
    fn rooms_are_fresh_with_every_strike() {
        let arms = Arms::new().unwrap();
        let (one, two) = (join_fresh(&arms, 1), join_fresh(&arms, 2));
        assert_ne!(message(&one)["roomId"], message(&two)["roomId"]);
        let many = message(&join_fresh(&arms, 8));
        assert_eq!(many["payload"]["topics"].as_array().unwrap().len(), 32);
    }

    #[test]
    fn wrong_tokens_come_in_the_handshake_and_behind_it() {
        let arms = Arms::new().unwrap();
        assert!(doubtful(&arms, 0).contains("Authorization"));
        assert!(!doubtful(&arms, 1).contains("Authorization"));
        assert_eq!(message(&prove_nothing(&arms, 1))["type"], "auth");
    }

    #[test]
    fn a_message_that_never_ends_is_never_final() {
        let arms = Arms::new().unwrap();
        let parts = [begin_message(&arms, 0), fragment(&arms, 0)];
        assert_eq!(parts.map(|part| part[0]), [TEXT, CONTINUATION]);
    }
}
