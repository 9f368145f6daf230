//! A server of v2 that says what a test wants, and nothing else.

use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};
use tautline_client::{Builder, Client, Encoding};
use tungstenite::handshake::server::{Request, Response};
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket, accept_hdr};

use super::{HANG, proof};

/// Where strangers listen.
pub(super) struct Place(TcpListener);

/// One connection of a server. It blocks.
pub(super) struct Stranger(WebSocket<TcpStream>);

impl Place {
    pub(super) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// A client that goes there, and speaks JSON.
    pub(super) fn builder(&self) -> Builder {
        let url = format!("ws://{}/ws", self.address());
        let builder = Client::builder(&url).token(&proof("ann"));
        builder.encoding(Encoding::Json)
    }

    /// The next connection, upgraded.
    #[expect(clippy::result_large_err, reason = "the callback's type is another's")]
    pub(super) fn accept(&self) -> Stranger {
        let (stream, _) = self.0.accept().unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        let settle = |_: &Request, mut response: Response| {
            let protocol = HeaderValue::from_static("tautline.v2.json");
            response
                .headers_mut()
                .insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        Stranger(accept_hdr(stream, settle).unwrap())
    }

    /// The next connection, upgraded and welcomed; and what its `hello` says.
    pub(super) fn welcome(&self) -> (Stranger, Value) {
        let mut stranger = self.accept();
        let hello = stranger.hear("hello");
        stranger.say(&json!({ "type": "welcome", "payload": {
            "connection": "0000000100020000000300000004",
            "user": "ann",
            "serverTime": "2026-01-02T03:04:05.678Z",
            "pingEveryMs": 25_000,
            "limits": { "messageBytes": 65_536, "rooms": 128 },
            "retry": { "firstWindowMs": 1, "capMs": 1 },
            "rooms": [],
        }}));
        (stranger, hello)
    }
}

impl Stranger {
    /// The payload of the next message, which is of this type.
    pub(super) fn hear(&mut self, kind: &str) -> Value {
        let message = self.0.read().unwrap();
        let mut message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        assert_eq!(message["type"], kind, "{message}");
        message["payload"].take()
    }

    pub(super) fn say(&mut self, message: &Value) {
        self.say_raw(message.to_string());
    }

    /// Says something that may be no message.
    pub(super) fn say_raw(&mut self, text: String) {
        self.0.send(Message::text(text)).unwrap();
    }

    /// What is below the messages.
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        self.0.get_mut()
    }

    /// Waits until the client has gone: the code of its close.
    pub(super) fn closed(mut self) -> Option<u16> {
        loop {
            match self.0.read() {
                Ok(Message::Close(close)) => return close.map(|close| close.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
