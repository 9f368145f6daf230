//! One connection of a member, from the first packet on. It never waits, and whatever ends it is no error.

use std::io::{ErrorKind, Read as _};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use mio::net::TcpStream;
use rustix::net::sockopt::set_socket_linger;

use super::words::{Word, understand};
use crate::load::frame::{self, CLOSE, Frame, PING, PONG, TEXT};
use crate::load::pipe::write_some;

/// What a member learns from its connection.
#[derive(Debug)]
pub(super) enum News {
    /// The server takes it in: it may say `hello`.
    Upgraded,
    Said(Word),
    /// It was refused, with this status of HTTP.
    Refused(u16),
    /// It is over.
    Ended,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    is_connected: bool,
    is_upgraded: bool,
    unsent: Vec<u8>,
    partial: Vec<u8>,
}

impl Line {
    /// Begins to connect; `first` is what the proxy says, and the request. Nothing if the system refuses that at once.
    pub(super) fn dial(server: SocketAddr, first: String) -> Option<Self> {
        let stream = TcpStream::connect(server).ok()?;
        // None of many thousands may keep a port for a minute.
        set_socket_linger(&stream, Some(Duration::ZERO)).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self {
            stream,
            is_connected: false,
            is_upgraded: false,
            unsent: first.into_bytes(),
            partial: Vec::new(),
        })
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Says something, as far as the socket takes it; the rest leaves when it becomes writable.
    pub(super) fn say(&mut self, message: &str) {
        self.send(&frame::from_client(TEXT, message.as_bytes()));
    }

    fn send(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        self.flush();
    }

    fn flush(&mut self) {
        if !self.is_connected {
            return;
        }
        // Where the socket takes nothing any more, reading tells why.
        if let Ok(written) = write_some(&mut self.stream, &self.unsent) {
            self.unsent.drain(..written);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
            }
        }
    }

    /// Goes on with what has become possible, and tells what came.
    pub(super) fn go_on(&mut self, scratch: &mut [u8], news: &mut Vec<News>) -> Result<()> {
        if !self.is_connected {
            if !matches!(self.stream.take_error(), Ok(None)) {
                news.push(News::Ended);
                return Ok(());
            }
            if self.stream.peer_addr().is_err() {
                return Ok(());
            }
            self.is_connected = true;
        }
        self.flush();
        loop {
            match self.stream.read(scratch) {
                Ok(0) => break,
                Ok(read) => {
                    let fresh = scratch.get(..read).unwrap_or_default();
                    self.partial.extend_from_slice(fresh);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return self.look(news);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.look(news)?;
        if !matches!(news.last(), Some(News::Ended | News::Refused(_))) {
            news.push(News::Ended);
        }
        Ok(())
    }

    /// Looks at all that is whole.
    fn look(&mut self, news: &mut Vec<News>) -> Result<()> {
        let bytes = std::mem::take(&mut self.partial);
        let mut used = 0;
        if !self.is_upgraded {
            let Some(end) = frame::end_of_head(&bytes) else {
                self.partial = bytes;
                return Ok(());
            };
            if !bytes.starts_with(b"HTTP/1.1 101 ") {
                let status = status(bytes.get(..end).unwrap_or_default());
                news.push(News::Refused(status));
                return Ok(());
            }
            self.is_upgraded = true;
            news.push(News::Upgraded);
            used = end;
        }
        while let Some(frame) = Frame::first(bytes.get(used..).unwrap_or_default()) {
            used += frame.size;
            match frame.opcode {
                PING => self.send(&frame::from_client(PONG, frame.payload)),
                PONG => {}
                CLOSE => {
                    news.push(News::Ended);
                    return Ok(());
                }
                _ => news.push(News::Said(understand(frame.payload)?)),
            }
        }
        self.partial = bytes.get(used..).unwrap_or_default().to_vec();
        Ok(())
    }
}

/// The status of a refusal.
fn status(head: &[u8]) -> u16 {
    let head = String::from_utf8_lossy(head);
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    status.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_a_status() {
        let head = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n\r\n";
        assert_eq!(status(head), 503);
        assert_eq!(status(b"nonsense\r\n\r\n"), 0);
    }
}
