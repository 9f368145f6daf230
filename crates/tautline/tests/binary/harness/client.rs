//! A client that behaves, on an independent implementation of WebSocket.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::{Value, json};
use tungstenite::handshake::client::Response;
use tungstenite::{ClientRequestBuilder, Message, WebSocket, client};

use super::HANG;

/// A blocking client. It answers pings while it waits for something, as browsers do.
pub(crate) struct Client<S = TcpStream> {
    socket: WebSocket<S>,
}

impl Client {
    /// Connected, and unknown.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::connect_with(address, &[]).0
    }

    /// Connected with these headers too, and what the upgrade was answered with.
    pub(crate) fn connect_with(address: SocketAddr, headers: &[(&str, &str)]) -> (Self, Response) {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream, address, headers)
    }

    /// Connected, and known: a user of its own in development mode.
    pub(crate) fn known(address: SocketAddr) -> (Self, String) {
        Self::known_by(address, "dev-token")
    }

    /// Connected, and the user that the token proves.
    pub(crate) fn known_by(address: SocketAddr, token: &str) -> (Self, String) {
        let mut client = Self::connect(address);
        let user = client.authenticate(token);
        (client, user)
    }

    /// Known, and a member of a room that has history and presence, as every room in development has.
    pub(crate) fn member(address: SocketAddr, room: &str) -> (Self, String) {
        let (mut client, user) = Self::known(address);
        client.join(room);
        let own = client.expect("userJoined");
        assert_eq!(own["userId"], user);
        (client, user)
    }
}

impl<S: Read + Write> Client<S> {
    /// Upgrades a stream that is connected.
    pub(crate) fn over(
        stream: S,
        address: SocketAddr,
        headers: &[(&str, &str)],
    ) -> (Self, Response) {
        Self::over_at(stream, &format!("ws://{address}/"), headers)
    }

    /// The same, at this place.
    pub(crate) fn over_at(stream: S, at: &str, headers: &[(&str, &str)]) -> (Self, Response) {
        let request = ClientRequestBuilder::new(at.parse().unwrap());
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.with_header(*name, *value)
        });
        let (socket, response) = client(request, stream).unwrap();
        (Self { socket }, response)
    }

    /// What it is connected by.
    pub(crate) fn stream(&mut self) -> &mut S {
        self.socket.get_mut()
    }

    /// Says who it is.
    pub(crate) fn authenticate(&mut self, token: &str) -> String {
        self.send(&json!({"type": "auth", "token": token}));
        let answer = self.expect("auth_ok");
        answer["userId"].as_str().unwrap().to_owned()
    }

    /// Joins a room that keeps history.
    pub(crate) fn join(&mut self, room: &str) -> Value {
        self.send(&json!({"type": "join", "roomId": room}));
        let joined = self.expect("joined");
        assert_eq!(joined["roomId"], room);
        self.expect("history")
    }

    pub(crate) fn chat(&mut self, room: &str, text: &str) {
        self.send(&json!({"type": "chat", "roomId": room, "text": text}));
    }

    /// Says something, and waits until the room has heard it; whether the server was there for that.
    pub(crate) fn try_chat(&mut self, room: &str, text: &str) -> bool {
        let message = json!({"type": "chat", "roomId": room, "text": text}).to_string();
        self.socket.send(Message::text(message)).is_ok() && self.socket.read().is_ok()
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.send_message(Message::text(message.to_string()));
    }

    pub(crate) fn send_message(&mut self, message: Message) {
        self.socket.send(message).unwrap();
    }

    /// Sends all of it in one write.
    pub(crate) fn send_together(&mut self, messages: &[Value]) {
        for message in messages {
            self.socket
                .write(Message::text(message.to_string()))
                .unwrap();
        }
        self.socket.flush().unwrap();
    }

    /// The next text.
    pub(crate) fn text(&mut self) -> String {
        match self.text_or_close() {
            Ok(text) => text,
            Err(close) => panic!("no text, but the close {close:?}"),
        }
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The next message, which is of this type.
    pub(crate) fn expect(&mut self, kind: &str) -> Value {
        let message = self.next();
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The next message of this type, whatever comes before it.
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Whether the connection is alive, and has nothing else to say.
    pub(crate) fn assert_quiet(&mut self) {
        self.send(&json!({"type": "ping", "requestId": "quiet"}));
        let pong = self.expect("pong");
        assert_eq!(pong["requestId"], "quiet");
    }

    /// Waits for so many pings of the server, and answers them.
    pub(crate) fn hear_pings(&mut self, count: u32) {
        for _ in 0..count {
            let message = self.read();
            assert!(message.is_ping(), "{message}");
        }
        self.socket.flush().unwrap();
    }

    /// Code and reason of the close, which is the next thing that the server says.
    pub(crate) fn closed(&mut self) -> (u16, String) {
        match self.text_or_close() {
            Err(close) => close,
            Ok(text) => panic!("no close, but {text}"),
        }
    }

    /// The next text, or code and reason of the close.
    pub(crate) fn text_or_close(&mut self) -> Result<String, (u16, String)> {
        let begin = Instant::now();
        loop {
            assert!(begin.elapsed() < HANG, "nothing comes but pings");
            match self.read() {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(Some(frame)) => {
                    return Err((frame.code.into(), frame.reason.as_str().to_owned()));
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other @ (Message::Binary(_) | Message::Close(None) | Message::Frame(_)) => {
                    panic!("neither text nor close with a code, but {other:?}")
                }
            }
        }
    }

    /// The next message of any kind.
    pub(crate) fn message(&mut self) -> Message {
        self.read()
    }

    /// The next message of any kind. A signal that reaches this process ends no wait.
    fn read(&mut self) -> Message {
        loop {
            match self.socket.read() {
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::Interrupted => {}
                read => return read.unwrap(),
            }
        }
    }

    /// Says goodbye, and waits until the server has said it too.
    pub(crate) fn close(mut self) {
        self.socket.close(None).unwrap();
        while self.socket.read().is_ok() {}
    }
}
