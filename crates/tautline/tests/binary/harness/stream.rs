//! A TCP stream on which a test says what it likes, and hears exactly what the server says.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::{Answer, HANG};

/// One end of a TCP connection to the server.
pub(crate) struct Stream(BufReader<TcpStream>);

/// A frame of the server: never masked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// FIN, the reserved bits and the opcode.
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl Stream {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        Self(BufReader::new(stream))
    }

    /// A stream whose upgrade was accepted.
    pub(crate) fn upgraded(address: SocketAddr) -> Self {
        Self::connect(address).upgrade("")
    }

    /// Upgrades at `/`, with these headers too.
    pub(crate) fn upgrade(mut self, headers: &str) -> Self {
        self.write(upgrade("/", headers).as_bytes());
        let answer = self.head();
        assert_eq!(answer.status, 101, "{answer:?}");
        self
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// Writes what the server may be too tired to take.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.0.get_mut().write_all(bytes).is_ok()
    }

    pub(crate) fn finish_writing(&self) {
        self.0.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// The head of an answer.
    pub(crate) fn head(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.0.read_line(&mut head).unwrap();
            assert_ne!(read, 0, "the stream ended within the head: {head:?}");
        }
        Answer::parse(&head)
    }

    /// An answer whose body ends with the stream, or that has none because it upgrades.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if answer.status != 101 {
            answer.body = String::from_utf8(self.rest()).unwrap();
        }
        answer
    }

    /// An answer, or none if the stream ends without one.
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        (!self.is_at_end()).then(|| self.answer())
    }

    /// Everything up to the end of the stream.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            // The server has not read everything that was sent, and has closed nevertheless.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the stream does not end: {error}"),
        }
        rest
    }

    /// Whether the stream ends here, without another word.
    pub(crate) fn is_at_end(&mut self) -> bool {
        loop {
            match self.0.fill_buf() {
                Ok(bytes) => return bytes.is_empty(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }

    /// Whether the server ends the stream within this time, without a word.
    pub(crate) fn ends_within(&mut self, time: Duration) -> bool {
        self.0.get_ref().set_read_timeout(Some(time)).unwrap();
        match self.0.read(&mut [0]) {
            Ok(0) => true,
            Ok(_) => panic!("the server has said something"),
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }

    /// The next frame.
    pub(crate) fn frame(&mut self) -> Frame {
        let mut start = [0; 2];
        self.0.read_exact(&mut start).unwrap();
        let [first, length] = start;
        let length = match length {
            126 => u64::from(u16::from_be_bytes(self.bytes())),
            127 => u64::from_be_bytes(self.bytes()),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).unwrap();
        Frame { first, payload }
    }

    /// Code and reason of the close that ends the stream, whatever frames come before it.
    pub(crate) fn closed(&mut self) -> (u16, String) {
        loop {
            let frame = self.frame();
            if frame.first == Frame::CLOSE {
                let (code, reason) = frame.close();
                return (code, reason.to_owned());
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }
}

const MASKED: u8 = 0x80;
const LENGTH_IN_TWO_BYTES: u8 = 0x7e;
const LENGTH_IN_EIGHT_BYTES: u8 = 0x7f;

impl Frame {
    pub(crate) const TEXT: u8 = 0x81;
    pub(crate) const COMPRESSED_TEXT: u8 = 0xc1;
    pub(crate) const CLOSE: u8 = 0x88;
    pub(crate) const PING: u8 = 0x89;
    pub(crate) const PONG: u8 = 0x8a;

    /// Code and reason of a close frame.
    pub(crate) fn close(&self) -> (u16, &str) {
        assert_eq!(self.first, Self::CLOSE, "{self:?}");
        let (code, reason) = self.payload.split_first_chunk().unwrap();
        (
            u16::from_be_bytes(*code),
            std::str::from_utf8(reason).unwrap(),
        )
    }
}

/// A correct request for an upgrade, with these headers too, each with its line break.
pub(crate) fn upgrade(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: tautline.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// A text as a client's frame.
pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    client_frame(Frame::TEXT, text.as_bytes())
}

/// A client's frame with this first byte. Its mask is zero, which leaves the payload as it is.
pub(crate) fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![first];
    if length < 126 {
        frame.push(MASKED | u8::try_from(length).unwrap());
    } else if let Ok(length) = u16::try_from(length) {
        frame.push(MASKED | LENGTH_IN_TWO_BYTES);
        frame.extend(length.to_be_bytes());
    } else {
        frame.push(MASKED | LENGTH_IN_EIGHT_BYTES);
        frame.extend((length as u64).to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
