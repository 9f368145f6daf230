//! A server's side by hand, which answers whatever a test wants.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tautline_protocol::wire::v2::Encoding;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::join;

use super::{PIPE_BYTES, open_over};
use crate::OpenError;
use crate::link::Link;

/// Reads a request up to its empty line.
pub(super) async fn request(stream: &mut DuplexStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(request).unwrap()
}

/// What belongs to the key of a request, computed by another library.
pub(super) fn accept_of(request: &str) -> String {
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("sec-websocket-key: "))
        .unwrap();
    assert_eq!(STANDARD.decode(key).unwrap().len(), 16);
    tungstenite::handshake::derive_accept_key(key.as_bytes())
}

/// The answer that is right.
pub(super) const AGREED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\
    Sec-WebSocket-Protocol: tautline.v2.msgpack\r\n\r\n";

/// Reads a request and gives `answer`, where `{accept}` stands for what belongs to the key.
pub(super) async fn answer(stream: &mut DuplexStream, answer: &[u8]) {
    const PLACE: &[u8] = b"{accept}";
    let accept = accept_of(&request(stream).await);
    let mut rest = answer;
    let mut said = Vec::new();
    while let Some(at) = rest.windows(PLACE.len()).position(|part| part == PLACE) {
        said.extend([&rest[..at], accept.as_bytes()].concat());
        rest = &rest[at + PLACE.len()..];
    }
    said.extend(rest);
    stream.write_all(&said).await.unwrap();
}

/// Opens a link to a peer that gives such an answer. The peer's side stays open.
pub(super) async fn answered(said: &[u8]) -> (Result<Link, OpenError>, DuplexStream) {
    let (ours, mut theirs) = duplex(PIPE_BYTES);
    let opening = open_over(ours, Encoding::MessagePack);
    let (link, ()) = join!(opening, answer(&mut theirs, said));
    (link, theirs)
}

/// A link, and the bare stream of its peer.
pub(super) async fn bare() -> (Link, DuplexStream) {
    let (link, stream) = answered(AGREED.as_bytes()).await;
    (link.unwrap(), stream)
}
