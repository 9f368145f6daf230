//! Our codec against two independent ones, tungstenite and tokio-websockets: each reads what the other wrote,
//! and all give the same verdict on streams that are slightly wrong.
//!
//! tokio-websockets must agree in everything. tungstenite may differ in two points: it reports a close code
//! that must not travel as a close, before it answers with 1002, and it accepts lengths that are not
//! minimal, those of control frames too.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says so by panicking"
)]

use std::io::{self, Cursor, Read, Write};

use futures_util::{SinkExt as _, StreamExt as _};
use proptest::prelude::*;
use tautline_websocket::{
    Decoder, Event, Inflater, Input, Limits, Role, Violation, client_frame, frame,
};
use tokio::runtime;
use tokio_websockets as second;
use tungstenite::protocol::{Role as FirstRole, WebSocket, WebSocketConfig};

const KEY: [u8; 4] = [7, 0x55, 0, 0xfe];
const BYTES_MAX: usize = 64 * 1024;
const LIMITS: Limits = Limits {
    frame_bytes_max: BYTES_MAX,
    message_bytes_max: BYTES_MAX,
    fragments_max: 1000,
};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Message {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All bytes are read and more are due.
    Waiting,
    /// The peer closed.
    Closed,
    /// The peer broke the protocol.
    Refused,
}

type Heard = (Vec<Message>, End);

/// What ours hears, and why it refused.
fn ours(role: Role, bytes: &[u8]) -> (Heard, Option<Violation>) {
    let mut bytes = bytes.to_vec();
    let (mut input, mut inflater) = (Input::new(&mut bytes), Inflater::default());
    let (mut decoder, mut heard) = (Decoder::new(role, LIMITS, None), Vec::new());
    loop {
        heard.push(match decoder.next(&mut input, &mut inflater) {
            Ok(Some(Event::Text(text))) => Message::Text(text.to_owned()),
            Ok(Some(Event::Binary(bytes))) => Message::Binary(bytes.to_vec()),
            Ok(Some(Event::Ping(bytes))) => Message::Ping(bytes.to_vec()),
            Ok(Some(Event::Pong(bytes))) => Message::Pong(bytes.to_vec()),
            Ok(Some(Event::Close { .. })) => return ((heard, End::Closed), None),
            Ok(None) => return ((heard, End::Waiting), None),
            Err(violation) => return ((heard, End::Refused), Some(violation)),
        });
    }
}

/// A stream that delivers bytes and swallows answers.
struct Wire(Cursor<Vec<u8>>);

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite hears.
fn tungstenite(role: FirstRole, bytes: &[u8]) -> Heard {
    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    use tungstenite::{Error, Message as Theirs};

    let config = WebSocketConfig::default()
        .max_frame_size(Some(BYTES_MAX))
        .max_message_size(Some(BYTES_MAX));
    let wire = Wire(Cursor::new(bytes.to_vec()));
    let (mut socket, mut heard) = (
        WebSocket::from_raw_socket(wire, role, Some(config)),
        Vec::new(),
    );
    loop {
        heard.push(match socket.read() {
            Ok(Theirs::Text(text)) => Message::Text(text.to_string()),
            Ok(Theirs::Binary(bytes)) => Message::Binary(bytes.to_vec()),
            Ok(Theirs::Ping(bytes)) => Message::Ping(bytes.to_vec()),
            Ok(Theirs::Pong(bytes)) => Message::Pong(bytes.to_vec()),
            Ok(Theirs::Close(_)) => return (heard, End::Closed),
            Ok(Theirs::Frame(_)) => panic!("never read"),
            Err(Error::Io(_) | Error::Protocol(ResetWithoutClosingHandshake)) => {
                return (heard, End::Waiting);
            }
            Err(_) => return (heard, End::Refused),
        });
    }
}

/// What tokio-websockets hears.
fn tokio_websockets(role: Role, bytes: &[u8]) -> Heard {
    block_on(async {
        let wire = tokio::io::join(bytes, tokio::io::sink());
        let limits = second::Limits::default().max_payload_len(Some(BYTES_MAX));
        let mut socket = match role {
            Role::Server => second::ServerBuilder::new().limits(limits).serve(wire),
            Role::Client => second::ClientBuilder::new().limits(limits).take_over(wire),
        };
        let mut heard = Vec::new();
        loop {
            let message = match socket.next().await {
                Some(Ok(message)) => message,
                Some(Err(second::Error::Io(_))) | None => return (heard, End::Waiting),
                Some(Err(_)) => return (heard, End::Refused),
            };
            let bytes = message.as_payload().to_vec();
            heard.push(match message.as_text() {
                Some(text) => Message::Text(text.to_owned()),
                None if message.is_close() => return (heard, End::Closed),
                None if message.is_ping() => Message::Ping(bytes),
                None if message.is_pong() => Message::Pong(bytes),
                None => Message::Binary(bytes),
            });
        }
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

/// What tungstenite writes.
fn write_tungstenite(role: FirstRole, messages: &[Message]) -> Vec<u8> {
    use tungstenite::Message as Theirs;

    let mut socket = WebSocket::from_raw_socket(Cursor::new(Vec::new()), role, None);
    for message in messages.iter().cloned() {
        let sent = socket.send(match message {
            Message::Text(text) => Theirs::Text(text.into()),
            Message::Binary(bytes) => Theirs::Binary(bytes.into()),
            Message::Ping(bytes) => Theirs::Ping(bytes.into()),
            Message::Pong(bytes) => Theirs::Pong(bytes.into()),
        });
        sent.expect("memory does not fail");
    }
    socket.get_ref().get_ref().clone()
}

/// What tokio-websockets writes, with messages fragmented at `frame_size`.
fn write_tokio_websockets(role: Role, messages: &[Message], frame_size: usize) -> Vec<u8> {
    use second::Message as Theirs;

    block_on(async {
        let wire = tokio::io::join(tokio::io::empty(), Cursor::new(Vec::new()));
        let config = second::Config::default().frame_size(frame_size);
        let mut socket = match role {
            Role::Server => second::ServerBuilder::new().config(config).serve(wire),
            Role::Client => second::ClientBuilder::new().config(config).take_over(wire),
        };
        for message in messages.iter().cloned() {
            let sent = socket.send(match message {
                Message::Text(text) => Theirs::text(text),
                Message::Binary(bytes) => Theirs::binary(bytes),
                Message::Ping(bytes) => Theirs::ping(bytes),
                Message::Pong(bytes) => Theirs::pong(bytes),
            });
            sent.await.expect("memory does not fail");
        }
        socket.get_ref().writer().get_ref().clone()
    })
}

/// What ours writes as a server, and as a client.
fn write_ours(message: &Message) -> [bytes::Bytes; 2] {
    match message {
        Message::Text(text) => [frame::text(text), client_frame::text(text, KEY)],
        Message::Binary(bytes) => [frame::binary(bytes), client_frame::binary(bytes, KEY)],
        Message::Ping(bytes) => [frame::ping(bytes), client_frame::ping(bytes, KEY)],
        Message::Pong(bytes) => [frame::pong(bytes), client_frame::pong(bytes, KEY)],
    }
}

fn any_message() -> impl Strategy<Value = Message> {
    prop_oneof![
        "[a-zé€😀]{0,300}".prop_map(Message::Text),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Message::Binary),
        (65_530..BYTES_MAX).prop_map(|length| Message::Binary(vec![0xa5; length])),
        prop::collection::vec(any::<u8>(), 0..=125).prop_map(Message::Ping),
        prop::collection::vec(any::<u8>(), 0..=125).prop_map(Message::Pong),
    ]
}

fn any_messages() -> impl Strategy<Value = Vec<Message>> {
    prop::collection::vec(any_message(), 0..8)
}

/// A client's frame, right in itself or not quite.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        6 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a]),
        1 => any::<u8>().prop_filter("closes are drawn below", |first| first & 0x0f != 8),
    ];
    let payload = prop_oneof![
        "[a-zé€😀]{0,100}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..200),
    ];
    let data = (first, payload).prop_map(|(first, payload)| {
        let mut frame = client_frame::binary(payload, KEY).to_vec();
        *frame.first_mut().expect("a frame has a header") = first;
        frame
    });
    let code = prop::sample::select(vec![1000, 1001, 1003, 1007, 1011, 1012, 1013, 3000, 4999]);
    let close = (code, "[a-zé]{0,20}")
        .prop_map(|(code, reason)| client_frame::close(code, &reason, KEY).to_vec());
    prop_oneof![9 => data, 1 => close]
}

/// Some frames of which bits may have been flipped and the end cut off; then the last is completed again,
/// since it is no question of right or wrong how early a verdict comes.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let frames = prop::collection::vec(any_frame(), 1..8).prop_map(|frames| frames.concat());
    let flips = prop::collection::vec((any::<prop::sample::Index>(), 0..8), 0..3);
    let cut = prop::option::of(any::<prop::sample::Index>());
    (frames, flips, cut).prop_map(|(mut bytes, flips, cut)| {
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        complete(bytes)
    })
}

/// Adds zeros until the last frame is complete, or is one that everybody refuses for its size.
fn complete(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut begin = 0;
    while begin < bytes.len() {
        bytes.resize(bytes.len().max(begin + 2), 0);
        let second = bytes[begin + 1];
        let length_bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let header_end = begin + 2 + length_bytes + if second & 0x80 == 0 { 0 } else { 4 };
        bytes.resize(bytes.len().max(header_end), 0);
        let long = &bytes[begin + 2..begin + 2 + length_bytes];
        let long = long
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        let length = if length_bytes == 0 {
            usize::from(second & 0x7f)
        } else {
            long
        };
        if length > BYTES_MAX {
            break;
        }
        begin = header_end + length;
        bytes.resize(bytes.len().max(begin), 0);
    }
    bytes
}

proptest! {
    #[test]
    fn what_ours_writes_the_others_read(messages in any_messages()) {
        let [server, client] = [0, 1].map(|role| {
            let frames = messages.iter().map(|message| write_ours(message)[role].clone());
            frames.collect::<Vec<_>>().concat()
        });
        let expected = (messages, End::Waiting);
        prop_assert_eq!(&tungstenite(FirstRole::Client, &server), &expected);
        prop_assert_eq!(&tungstenite(FirstRole::Server, &client), &expected);
        prop_assert_eq!(&tokio_websockets(Role::Client, &server), &expected);
        prop_assert_eq!(&tokio_websockets(Role::Server, &client), &expected);
    }

    #[test]
    fn what_the_others_write_ours_reads(messages in any_messages(), frame_size in 100..70_000_usize) {
        let by_servers = [
            write_tungstenite(FirstRole::Server, &messages),
            write_tokio_websockets(Role::Server, &messages, frame_size),
        ];
        let by_clients = [
            write_tungstenite(FirstRole::Client, &messages),
            write_tokio_websockets(Role::Client, &messages, frame_size),
        ];
        let expected = ((messages, End::Waiting), None);
        for bytes in by_servers {
            prop_assert_eq!(&ours(Role::Client, &bytes), &expected);
        }
        for bytes in by_clients {
            prop_assert_eq!(&ours(Role::Server, &bytes), &expected);
        }
    }

    #[test]
    fn all_agree_on_broken_streams(bytes in any_stream()) {
        let (ours, violation) = ours(Role::Server, &bytes);
        let first = tungstenite(FirstRole::Server, &bytes);
        let second = tokio_websockets(Role::Server, &bytes);
        prop_assert_eq!(&ours, &second, "{:?}", violation);
        match violation {
            Some(Violation::CloseCodeInvalid) => {
                prop_assert_eq!(&ours.0, &first.0);
                prop_assert_ne!(first.1, End::Waiting);
            }
            Some(Violation::LengthNotMinimal | Violation::ControlTooLong) => {
                prop_assert!(first.0.starts_with(&ours.0));
            }
            _ => prop_assert_eq!(&ours, &first, "{:?}", violation),
        }
    }
}
