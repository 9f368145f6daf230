//! Bytes that are no frames, and frames that are not allowed.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::super::harness::{Bystander, Frame, Server, Stream, Watched, client_frame, text_frame};

const BINARY: u8 = 0x82;
const CONTINUATION: u8 = 0x00;
const TEXT_TO_BE_CONTINUED: u8 = 0x01;

/// The head of a text of this length, in eight bytes, and nothing behind it.
fn declared(length: u64) -> Vec<u8> {
    [&[Frame::TEXT, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat()
}

fn close_frame(code: u16, reason: &[u8]) -> Vec<u8> {
    client_frame(Frame::CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// Each is closed with the code, as a stranger and as a user, and nothing that follows is answered.
fn assert_closed(server: &mut Watched, attacks: &[Vec<u8>], code: u16) {
    let auth = text_frame(r#"{"type":"auth","token":"dev-token"}"#);
    for attack in attacks {
        for first in [&[][..], &auth] {
            let mut stream = Stream::upgraded(server.address());
            stream.write(&[first, attack].concat());
            let (closed, reason) = stream.closed();
            assert_eq!(closed, code, "{attack:02x?}: {reason}");
            assert!(!reason.is_empty());
            stream.write(&[&auth[..], &auth].concat());
            stream.finish_writing();
            assert!(stream.rest().is_empty(), "{attack:02x?}");
        }
    }
    server.assert_ended(code, 2 * attacks.len());
}

#[test]
fn what_breaks_the_protocol_is_closed_with_1002() {
    let mut server = Watched::development("");
    let mut bystander = Bystander::of(&server);
    let mut attacks = vec![
        b"\x81\x02{}".to_vec(),
        // Lengths in more bytes than they need, and one below zero.
        b"\x81\xfe\0\x05\0\0\0\0hello".to_vec(),
        declared(5),
        declared(0xffff),
        declared(1 << 63),
        declared(u64::MAX),
        // Control frames that are too long, or in parts.
        client_frame(Frame::PING, &[0; 126]),
        client_frame(Frame::PONG, &[0; 126]),
        client_frame(0x09, b""),
        client_frame(0x08, b""),
        // Parts in no order.
        client_frame(0x80, b"x"),
        client_frame(CONTINUATION, b"x"),
        [client_frame(TEXT_TO_BE_CONTINUED, b"{"), text_frame("{}")].concat(),
        // Closes that say what nobody may say.
        client_frame(Frame::CLOSE, b"\x03"),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ];
    attacks.extend([0xc1, 0xa1, 0x91, 0xf1, 0xc9, 0xc8].map(|first| client_frame(first, b"")));
    attacks.extend([3, 7, 0xb, 0xf].map(|opcode| client_frame(0x80 | opcode, b"")));
    attacks.extend([0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map(|code| close_frame(code, b"")));
    assert_closed(&mut server, &attacks, 1002);
    bystander.assert_served(&server);
}

#[test]
fn text_that_is_no_utf_8_is_closed_with_1007() {
    let mut server = Watched::development("");
    let mut bystander = Bystander::of(&server);
    // Overlong, half of a pair, beyond the last character, and cut.
    let no_text: [&[u8]; 5] = [
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
        b"\xe2\x82",
    ];
    let mut attacks: Vec<_> = no_text.map(|text| client_frame(Frame::TEXT, text)).into();
    attacks.push(close_frame(1000, b"\xff"));
    attacks.push(
        [
            client_frame(TEXT_TO_BE_CONTINUED, b"\xe2\x82"),
            client_frame(0x80, b"\x28"),
        ]
        .concat(),
    );
    assert_closed(&mut server, &attacks, 1007);
    bystander.assert_served(&server);
}

#[test]
fn what_is_too_large_is_closed_with_1008_before_it_comes() {
    let mut server = Watched::development("limits.v1_frame = 8192");
    let mut bystander = Bystander::of(&server);
    // Nothing follows these heads: who waited for the rest would wait forever.
    let mut attacks = vec![b"\x81\xfe\x20\x01\0\0\0\0".to_vec()];
    attacks.extend([1 << 16, 1 << 32, (1 << 63) - 1].map(declared));
    // Each part is small enough.
    let part = [b'x'; 5000];
    let parts = [
        client_frame(TEXT_TO_BE_CONTINUED, &part),
        client_frame(CONTINUATION, &part),
    ];
    attacks.push(parts.concat());
    let before = server.resident_bytes();
    assert_closed(&mut server, &attacks, 1008);
    server.assert_denied("too_big", 2 * attacks.len());
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more for heads alone");
    bystander.assert_served(&server);
}

#[test]
fn binary_messages_are_closed_with_1003() {
    let mut server = Watched::development("");
    let mut bystander = Bystander::of(&server);
    let attacks = [&b""[..], b"{}", &[0xff; 5000]].map(|bytes| client_frame(BINARY, bytes));
    assert_closed(&mut server, &attacks, 1003);
    server.assert_denied("binary", 2 * attacks.len());
    bystander.assert_served(&server);
}

/// What is negotiated where compression is configured.
fn compressing(server: &Server) -> Stream {
    Stream::connect(server.address())
        .upgrade("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
}

#[test]
fn a_bomb_is_closed_with_1008_and_what_does_not_inflate_with_1007() {
    let mut server = Watched::development("[compression]\nenabled = true");
    let mut bystander = Bystander::of(&server);
    let mut bomb = DeflateEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b' '; 4 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 8192, "{} bytes are no bomb", bomb.len());
    for (payload, code) in [(&bomb[..], 1008), (&[0xff; 64], 1007)] {
        let mut stream = compressing(&server);
        stream.write(&client_frame(Frame::COMPRESSED_TEXT, payload));
        assert_eq!(stream.closed().0, code);
        drop(stream);
        server.assert_ended(code, 1);
    }
    server.assert_denied("too_big", 1);
    bystander.assert_served(&server);
}
