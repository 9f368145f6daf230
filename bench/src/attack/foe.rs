//! One connection of an attacker. It never waits, and forgives the server everything.

use std::io::{ErrorKind, Read as _};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use mio::net::TcpStream;
use rustix::net::sockopt::set_socket_linger;

use super::address;
use super::arms::Arms;
use super::fate::Fate;
use super::plan::{Manner, Plan};
use crate::load::frame::{self, CLOSE, Frame};
use crate::load::pipe::write_some;

/// One connection of an attacker.
#[derive(Debug)]
pub(super) struct Foe {
    pub(super) stream: TcpStream,
    /// Whether the upgrade was accepted.
    pub(super) inside: bool,
    number: u64,
    unsent: Vec<u8>,
    partial: Vec<u8>,
}

impl Foe {
    /// Connects; what comes first is sent when that is done.
    pub(super) fn open(plan: &Plan, arms: &Arms, number: u64, server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        // None of many thousands may keep a port for a minute.
        set_socket_linger(&stream, Some(Duration::ZERO))?;
        let mut first = address::of_attacker(number).into_bytes();
        first.extend((plan.request)(arms, number).into_bytes());
        Ok(Self {
            stream,
            inside: false,
            number,
            unsent: first,
            partial: Vec::new(),
        })
    }

    /// Whether it may strike: who has not got rid of the last one may not.
    pub(super) fn is_ready(&self, plan: &Plan) -> bool {
        let waits_outside = plan.manner == Manner::Linger && self.number % 2 == 1;
        self.unsent.is_empty() && (self.inside || waits_outside)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        self.flush();
    }

    /// Writes what the socket takes. Where it takes nothing any more, reading tells why.
    pub(super) fn flush(&mut self) {
        if let Ok(written) = write_some(&mut self.stream, &self.unsent) {
            self.unsent.drain(..written);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
            }
        }
    }

    /// Reads all there is, and hears how it ends if it does.
    pub(super) fn read(&mut self, plan: &Plan, arms: &Arms, scratch: &mut [u8]) -> Option<Fate> {
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Some(Fate::Cut),
                Ok(read) => {
                    let fate = self.hear(plan, arms, scratch.get(..read).unwrap_or_default());
                    if fate.is_some() {
                        return fate;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Some(Fate::Cut),
            }
        }
    }

    /// Whether it reads nothing any more.
    pub(super) fn has_stopped(&self, plan: &Plan) -> bool {
        self.inside && plan.manner == Manner::StopReading
    }

    fn hear(&mut self, plan: &Plan, arms: &Arms, fresh: &[u8]) -> Option<Fate> {
        if self.inside {
            return self.frames(fresh);
        }
        self.partial.extend_from_slice(fresh);
        let end = frame::end_of_head(&self.partial)?;
        let status = status(&self.partial);
        if status != 101 {
            return Some(Fate::Refused(status));
        }
        self.inside = true;
        let behind = self.partial.split_off(end);
        self.partial = Vec::new();
        if plan.manner == Manner::Leave {
            return Some(Fate::Left);
        }
        self.send(&(plan.greeting)(arms, self.number));
        self.frames(&behind)
    }

    /// Looks for a close frame; nothing else is of interest.
    fn frames(&mut self, fresh: &[u8]) -> Option<Fate> {
        self.partial.extend_from_slice(fresh);
        let mut used = 0;
        while let Some(frame) = Frame::first(self.partial.get(used..).unwrap_or_default()) {
            used += frame.size;
            if frame.opcode == CLOSE {
                let code = frame.payload.first_chunk().copied();
                return Some(code.map_or(Fate::Cut, |code| Fate::Closed(u16::from_be_bytes(code))));
            }
        }
        self.partial.drain(..used);
        None
    }
}

/// The status of a head of HTTP/1.1; zero if it is none.
fn status(head: &[u8]) -> u16 {
    let digits = head
        .get(b"HTTP/1.1 ".len()..)
        .and_then(|rest| rest.get(..3));
    digits
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_and_nothing_else_is_one() {
        assert_eq!(status(b"HTTP/1.1 429 Too Many Requests\r\n\r\n"), 429);
        assert_eq!(status(b"nonsense\r\n\r\n"), 0);
    }
}
