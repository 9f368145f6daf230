//! The link against servers that are not ours, and against peers that are none.

mod cancel;
mod closing;
mod echo;
mod hostile;
mod peer;
mod secure;
mod slow;
mod upgrade;

use std::io;
use std::sync::Mutex;

use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use hyper::http;
use tautline_protocol::wire::Version;
use tautline_protocol::wire::v2::Encoding;
use tokio::io::{DuplexStream, duplex};
use tokio::join;
use tokio_websockets::{Config, ServerBuilder, WebSocketStream};

use crate::connector::Stream;
use crate::ended::Ended;
use crate::link::{Incoming, Limits, Link};
use crate::{Endpoint, Headers, OpenError};

/// What a stream between the two sides holds.
const PIPE_BYTES: usize = 64 * 1024;

fn endpoint() -> Endpoint {
    Endpoint::parse("ws://tautline.test/ws").unwrap()
}

/// Opens a link over a stream.
async fn open_over(stream: impl Stream, encoding: Encoding) -> Result<Link, OpenError> {
    let streams = Mutex::new(Some(stream));
    let connector = move |_: Endpoint| {
        let stream = streams.lock().unwrap().take();
        async { stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
    };
    let headers = Headers::default();
    Link::open(
        &connector,
        &endpoint(),
        &headers,
        encoding,
        Limits::default(),
    )
    .await
}

/// The server's side, by a codec that is not ours. It sends frames of at most 10,000 bytes.
async fn accept<S: Stream>(stream: S, encoding: Encoding) -> WebSocketStream<S> {
    let subprotocol = Version::V2(encoding).subprotocol();
    ServerBuilder::new()
        .config(Config::default().frame_size(10_000))
        .limits(tokio_websockets::Limits::unlimited())
        .add_header(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(subprotocol),
        )
        .unwrap()
        .accept(stream)
        .await
        .unwrap()
        .1
}

/// Both sides after the handshake.
async fn connected(encoding: Encoding) -> (Link, WebSocketStream<DuplexStream>) {
    let (ours, theirs) = duplex(PIPE_BYTES);
    let (link, judge) = join!(open_over(ours, encoding), accept(theirs, encoding));
    (link.unwrap(), judge)
}

/// The next message, past whatever is none.
async fn message(link: &mut Link) -> Result<Vec<u8>, Ended> {
    loop {
        if let Incoming::Message(message) = link.next().await? {
            return Ok(message);
        }
    }
}

/// The end, past whatever comes before.
async fn end(link: &mut Link) -> Ended {
    loop {
        if let Err(ended) = link.next().await {
            return ended;
        }
    }
}
