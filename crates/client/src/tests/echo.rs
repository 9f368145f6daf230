//! Messages of every size arrive whole, in both directions.

use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use tautline_protocol::wire::Version;
use tautline_protocol::wire::v2::Encoding;
use tokio::join;
use tokio_websockets::Message;
use tungstenite::handshake::server::{Request, Response};

use super::{connected, end, message};
use crate::link::{Incoming, Limits, Link};
use crate::{Endpoint, Headers, Tcp};

/// Around each change of a header's form, and above what one read takes.
const SIZES: [usize; 6] = [0, 125, 126, 65_535, 65_536, 1 << 20];
const BOTH: [Encoding; 2] = [Encoding::Json, Encoding::MessagePack];

fn letters(size: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(size).collect()
}

/// Everything that is sent comes back, and then both sides are done.
async fn check(link: &mut Link) {
    for size in SIZES {
        let sent = letters(size);
        link.push(&sent).unwrap();
        assert_eq!(message(link).await.unwrap(), sent);
    }
    link.close(1000, "");
    assert!(end(link).await.is_clean());
}

#[tokio::test]
async fn messages_of_every_size_come_back() {
    for encoding in BOTH {
        let (mut link, mut judge) = connected(encoding).await;
        let echo = async {
            while let Some(Ok(message)) = judge.next().await {
                // A close is answered by whoever waits for what follows it.
                if !message.is_close() {
                    assert_eq!(message.is_text(), encoding == Encoding::Json);
                    judge.send(message).await.unwrap();
                }
            }
        };
        join!(check(&mut link), echo);
    }
}

/// A server of another kind behind a real socket, which sends back what comes.
fn tungstenite_server(encoding: Encoding) -> (Endpoint, thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        #[expect(clippy::result_large_err, reason = "the library has it so")]
        let settle = |_: &Request, mut response: Response| {
            let subprotocol = Version::V2(encoding).subprotocol();
            response.headers_mut().insert(
                SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(subprotocol),
            );
            Ok(response)
        };
        let (stream, _) = listener.accept().unwrap();
        let mut socket = tungstenite::accept_hdr(stream, settle).unwrap();
        while let Ok(message) = socket.read() {
            if message.is_text() || message.is_binary() {
                socket.send(message).unwrap();
            }
        }
    });
    (Endpoint::parse(&url).unwrap(), server)
}

#[tokio::test]
async fn messages_come_back_over_tcp_from_another_server() {
    for encoding in BOTH {
        let (endpoint, server) = tungstenite_server(encoding);
        let (tcp, headers) = (Tcp::default(), Headers::default());
        let opening = Link::open(&tcp, &endpoint, &headers, encoding, Limits::default());
        let mut link = opening.await.unwrap();
        check(&mut link).await;
        server.join().unwrap();
    }
}

#[tokio::test]
async fn fragments_are_one_message() {
    let (mut link, mut judge) = connected(Encoding::Json).await;
    let sent = letters(123_456);
    let text = String::from_utf8(sent.clone()).unwrap();
    let send = async { judge.send(Message::text(text)).await.unwrap() };
    let (received, ()) = join!(message(&mut link), send);
    assert_eq!(received.unwrap(), sent);
}

#[tokio::test]
async fn a_ping_is_answered_and_is_traffic() {
    let (mut link, mut judge) = connected(Encoding::Json).await;
    judge.send(Message::ping("are you there")).await.unwrap();
    assert_eq!(link.next().await.unwrap(), Incoming::Traffic);
    link.push(b"{}").unwrap();
    judge.send(Message::pong("unasked")).await.unwrap();
    assert_eq!(link.next().await.unwrap(), Incoming::Traffic);
    let pong = judge.next().await.unwrap().unwrap();
    assert!(pong.is_pong());
    assert_eq!(&pong.as_payload()[..], b"are you there");
    assert_eq!(judge.next().await.unwrap().unwrap().as_text(), Some("{}"));
}

#[tokio::test]
async fn messages_that_wait_are_written_together_and_in_order() {
    let (mut link, mut judge) = connected(Encoding::Json).await;
    for number in 0..100 {
        link.push(number.to_string().as_bytes()).unwrap();
    }
    judge.send(Message::text("go")).await.unwrap();
    assert_eq!(message(&mut link).await.unwrap(), b"go");
    assert_eq!(link.buffered(), 0);
    assert!(link.written() > 100 * 6);
    for number in 0..100 {
        let message = judge.next().await.unwrap().unwrap();
        assert_eq!(message.as_text(), Some(number.to_string().as_str()));
    }
}
