//! A client that speaks v2, in either encoding, on an independent implementation of WebSocket.

use std::collections::VecDeque;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tautline_protocol::wire::v2::{ClientMessage, Encoding, Envelope, ServerMessage};
use tungstenite::Message;

use super::Client;

/// A blocking client. What it says and hears is written as JSON here, whatever travels.
pub(crate) struct Speaker {
    client: Client,
    encoding: Encoding,
    /// What came while something else was waited for.
    heard: VecDeque<Value>,
    asked: u64,
}

impl Speaker {
    /// Connected, and unknown.
    pub(crate) fn connect(address: SocketAddr, encoding: Encoding) -> Self {
        let offer = match encoding {
            Encoding::Json => "tautline.v2.json",
            Encoding::MessagePack => "tautline.v2.msgpack",
        };
        let offered = [("Sec-WebSocket-Protocol", offer)];
        let (client, response) = Client::connect_with(address, &offered);
        assert_eq!(response.headers()["sec-websocket-protocol"], offer);
        Self {
            client,
            encoding,
            heard: VecDeque::new(),
            asked: 0,
        }
    }

    /// Connected and welcome, in these rooms; and the welcome.
    pub(crate) fn welcome(address: SocketAddr, encoding: Encoding, rooms: &Value) -> (Self, Value) {
        let mut speaker = Self::connect(address, encoding);
        let welcome = speaker.ask("hello", &hello("dev-token", rooms));
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        (speaker, welcome["payload"].clone())
    }

    /// Says something that is not answered, or is answered later.
    pub(crate) fn say(&mut self, kind: &str, payload: &Value) -> u64 {
        self.asked += 1;
        self.say_as(self.asked, kind, payload);
        self.asked
    }

    /// Says something under a name of its own, or another's.
    pub(crate) fn say_as(&mut self, request: u64, kind: &str, payload: &Value) {
        let text = json!({ "type": kind, "payload": payload, "requestId": request }).to_string();
        let message: Envelope<ClientMessage<'_>> =
            Envelope::decode(Encoding::Json, text.as_bytes()).unwrap();
        let bytes = message.encode(self.encoding);
        self.client.send_message(match self.encoding {
            Encoding::Json => Message::text(String::from_utf8(bytes).unwrap()),
            Encoding::MessagePack => Message::binary(bytes),
        });
    }

    /// Says something, and waits for the answer, whatever comes before it.
    pub(crate) fn ask(&mut self, kind: &str, payload: &Value) -> Value {
        let asked = self.say(kind, payload);
        self.answer(asked)
    }

    /// The answer to what was said.
    pub(crate) fn answer(&mut self, asked: u64) -> Value {
        loop {
            let message = self.read();
            if message["requestId"] == asked {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    /// The next message that answers nothing.
    pub(crate) fn next(&mut self) -> Value {
        match self.heard.pop_front() {
            Some(message) => message,
            None => self.read(),
        }
    }

    /// Whether all that came is known.
    pub(crate) fn is_quiet(&self) -> bool {
        self.heard.is_empty()
    }

    /// The payload of the next message of this type that answers nothing, whatever comes before it.
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next();
            if message["type"] == kind {
                return message["payload"].clone();
            }
        }
    }

    /// The payload of `bye`, which is the next message, and code and reason of the close behind it.
    pub(crate) fn closed(&mut self) -> (Value, (u16, String)) {
        let bye = self.next();
        assert_eq!(bye["type"], "bye", "{bye}");
        (bye["payload"].clone(), self.client.closed())
    }

    fn read(&mut self) -> Value {
        loop {
            let bytes = match self.client.message() {
                Message::Text(text) => text.as_str().as_bytes().to_vec(),
                Message::Binary(bytes) => bytes.to_vec(),
                Message::Ping(_) | Message::Pong(_) => continue,
                other @ (Message::Close(_) | Message::Frame(_)) => panic!("no message: {other:?}"),
            };
            let message: Envelope<ServerMessage<'_>> =
                Envelope::decode(self.encoding, &bytes).unwrap();
            let message: Value = serde_json::from_slice(&message.encode(Encoding::Json)).unwrap();
            if message["type"] != "ping" {
                return message;
            }
            self.say("pong", &json!({}));
        }
    }
}

/// The payload of a `hello`.
pub(crate) fn hello(token: &str, rooms: &Value) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    json!({ "token": token, "client": client, "producer": "p1", "rooms": rooms })
}
