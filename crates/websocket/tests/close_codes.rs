//! What a peer sees on a raw socket when it breaks the protocol: the right close code and a reason,
//! then the end of the stream. The server is the echo example.

#[path = "../examples/echo/server.rs"]
mod server;

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use flate2::{Compress, Compression, FlushCompress};
use tautline_websocket::{
    Decoder, Deflate, Event, Inflater, Input, Limits, Role, client_frame, handshake,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::task::LocalSet;
use tokio::time::timeout;

const KEY: [u8; 4] = [0x11, 0x22, 0x33, 0x44];
/// Far longer than any test takes: only a hang reaches it.
const HANG: Duration = Duration::from_mins(1);
const MIB: usize = 1024 * 1024;

/// What the server said until it ended the stream.
struct Heard {
    /// The echoed texts.
    texts: Vec<String>,
    close: Option<(Option<u16>, String)>,
}

/// Sends `bytes` after a handshake with compression, and listens until the server ends the stream.
async fn converse(limits: Limits, bytes: &[u8]) -> anyhow::Result<Heard> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let conversation = async {
        let mut stream = TcpStream::connect(address).await?;
        let head = format!(
            "GET /any HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Extensions: {}\r\n\r\n",
            Deflate::OFFER,
        );
        // In one write with the request, as an eager client does it.
        stream.write_all(&[head.as_bytes(), bytes].concat()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, anyhow::Error>(answer)
    };
    let local = LocalSet::new();
    let server = local.spawn_local(server::serve(listener, limits));
    let mut answer = timeout(HANG, local.run_until(conversation)).await??;
    server.abort();

    let head_bytes = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .context("an HTTP answer")?
        + 4;
    let (head, frames) = answer.split_at_mut(head_bytes);
    let head = str::from_utf8(head)?;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        head.contains(&handshake::accept_key("dGhlIHNhbXBsZSBub25jZQ==")),
        "{head}"
    );
    let (mut texts, mut close) = (Vec::new(), None);
    let deflate = Deflate::negotiate([Deflate::OFFER]).map(|(deflate, _)| deflate);
    let mut decoder = Decoder::new(Role::Client, limits, deflate);
    let (mut input, mut inflater) = (Input::new(frames), Inflater::default());
    while let Some(event) = decoder.next(&mut input, &mut inflater)? {
        match event {
            Event::Text(text) => texts.push(text.to_owned()),
            Event::Close { code, reason } => close = Some((code, reason.to_owned())),
            Event::Binary(_) | Event::Ping(_) | Event::Pong(_) => {}
        }
    }
    Ok(Heard { texts, close })
}

fn hear(limits: Limits, bytes: &[u8]) -> Heard {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .expect("a runtime")
        .block_on(converse(limits, bytes))
        .expect("a conversation")
}

/// After a first text, which is echoed, `bytes` are answered by a close with `code`.
#[track_caller]
fn check(bytes: &[u8], code: u16) {
    let sent = [
        &client_frame::text("hello", KEY)[..],
        bytes,
        b"\xff and noise after it",
    ]
    .concat();
    let Heard { texts, close } = hear(Limits::default(), &sent);
    assert_eq!(texts, ["hello"]);
    let (found, reason) = close.expect("a close frame");
    assert_eq!(found, Some(code), "{reason}");
    assert!(!reason.is_empty());
}

/// A masked frame with another first byte.
fn raw(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = client_frame::binary(payload, KEY).to_vec();
    *frame.first_mut().expect("a frame has a header") = first;
    frame
}

#[test]
fn a_close_is_answered_with_its_code() {
    check(&client_frame::close(4001, "done", KEY), 4001);
    check(&client_frame::close(1000, "done", KEY), 1000);
}

#[test]
fn protocol_violations_are_closed_with_1002() {
    check(&raw(0xa2, b"a reserved bit"), 1002);
    check(&raw(0x83, b"an unknown opcode"), 1002);
    check(&raw(0x80, b"nothing to continue"), 1002);
    check(&[raw(0x01, b"one"), raw(0x81, b"two")].concat(), 1002);
    check(&raw(0x09, b"a fragmented ping"), 1002);
    check(&raw(0x89, &[0; 126]), 1002);
    check(&[0x82, 4, 1, 2, 3, 4], 1002); // not masked
    check(&[0x82, 0xfe, 0, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0], 1002); // not minimal
    check(&[0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1002); // overflow
    check(&raw(0x88, b"\x03"), 1002);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        check(&client_frame::close(code, "", KEY), 1002);
    }
}

#[test]
fn bad_payloads_are_closed_with_1007() {
    check(&raw(0x81, b"not \xff UTF-8"), 1007);
    check(&raw(0x81, b"cut off \xc3"), 1007);
    check(&raw(0x88, b"\x03\xe8not \xff UTF-8"), 1007);
    check(&raw(0xc2, b"\xff not a deflate stream"), 1007);
    // Only the beginning of a text of 100 bytes: refused before the rest is sent.
    check(&[0x81, 0xe4, 0, 0, 0, 0, b'a', 0xc0], 1007);
}

#[test]
fn sizes_above_the_limits_are_closed_with_1009() {
    check(&[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4], 1009); // 64 KiB and a byte
    check(
        &[
            0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4,
        ],
        1009,
    );
    check(
        &[raw(0x02, &vec![0; 60_000]), raw(0x80, &[0; 10_000])].concat(),
        1009,
    );
    check(&[raw(0x02, b""), raw(0x00, b"").repeat(64)].concat(), 1009);
}

/// Frames of 1 MiB of zeros each, of which the blocks do not refer to each other.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(MIB);
    Compress::new(Compression::best(), false)
        .compress_vec(&vec![0; MIB], &mut block, FlushCompress::Full)
        .expect("valid use");
    raw(0xc2, &[&block.repeat(mebibytes)[..], b"\0"].concat())
}

/// The most memory that this process has had resident, in bytes.
fn peak_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak
        .and_then(|peak| peak.trim().strip_suffix(" kB"))
        .expect("a peak");
    kibibytes.parse::<usize>().expect("a number") * 1024
}

#[test]
fn a_bomb_of_200_mb_is_closed_with_1009_in_bounded_memory() {
    let limits = Limits {
        frame_bytes_max: MIB,
        message_bytes_max: 16 * MIB,
        fragments_max: 1,
    };
    let bomb = bomb(200);
    assert!(bomb.len() < MIB, "{}", bomb.len());
    let before = peak_memory();
    let Heard { close, .. } = hear(limits, &bomb);
    assert_eq!(close.map(|(code, _)| code), Some(Some(1009)));
    let grown = peak_memory() - before;
    assert!(
        grown < 64 * MIB,
        "{grown} bytes for a limit of {}",
        limits.message_bytes_max
    );
}
