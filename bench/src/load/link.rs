//! One connection of the load client, from the TCP handshake to its end.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use mio::net::TcpStream;
use rustls::ClientConfig;

use super::frame::{self, CLOSE, Frame, PING, PONG};
use super::pipe::Pipe;
use super::typed::Missed;
use super::wire::{Step, Wire};

/// Where and how the connections of one swarm connect.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) wire: Wire,
    /// One of each user; connections take them in turn.
    pub(crate) tokens: Vec<String>,
    /// Whom to trust, where TLS is spoken.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// What the connections have missed, where they come back.
    pub(crate) missed: Option<Missed>,
    /// What a proxy in front says of the connection of this index, before all else, where one is
    /// played.
    pub(crate) introduction: Option<fn(usize) -> String>,
}

impl Target {
    fn token(&self, index: usize) -> &str {
        let turn = index % self.tokens.len().max(1);
        self.tokens.get(turn).map_or("", String::as_str)
    }
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Upgrading,
    Joining,
    Joined,
    Closing,
    Closed,
}

/// A connection that joins one room.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) index: usize,
    pub(crate) phase: Phase,
    pub(crate) room: String,
    /// Publications or echoes so far: the load loops count, the link only keeps the figure.
    pub(crate) received: u64,
    /// Bytes of the frames that came until the room was joined.
    pub(crate) greeting: u64,
    pipe: Pipe,
    partial: Vec<u8>,
    unsent: Vec<u8>,
}

impl Link {
    /// Connects, and asks for the upgrade.
    pub(crate) fn open(index: usize, room: String, target: &Target) -> Result<Self> {
        let pipe = Pipe::connect(target.address, target.tls.as_ref())?;
        let (partial, unsent) = (Vec::new(), Vec::new());
        let mut link = Self {
            index,
            phase: Phase::Upgrading,
            room,
            received: 0,
            greeting: 0,
            pipe,
            partial,
            unsent,
        };
        if let Some(introduce) = target.introduction {
            link.send(introduce(index).as_bytes())?;
        }
        let offer = target
            .wire
            .subprotocol()
            .map(|offer| format!("Sec-WebSocket-Protocol: {offer}\r\n"))
            .unwrap_or_default();
        link.send(
            format!(
                "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 {offer}\r\n",
                target.wire.path(),
                target.address
            )
            .as_bytes(),
        )?;
        Ok(link)
    }

    /// Writes at once what the socket takes; the rest leaves when it becomes writable.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let written = self.pipe.write(bytes)?;
        self.unsent
            .extend_from_slice(bytes.get(written..).unwrap_or_default());
        Ok(())
    }

    /// Writes what had to wait.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.pipe.flush()?;
        if !self.unsent.is_empty() {
            let written = self.pipe.write(&self.unsent)?;
            self.unsent.drain(..written);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
            }
        }
        Ok(())
    }

    /// Begins the closing handshake.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.phase = Phase::Closing;
        self.send(&frame::from_client(CLOSE, &1000_u16.to_be_bytes()))
    }

    /// Lets the kernel forget the connection at once (RST, no `TIME_WAIT`) when it is dropped.
    pub(crate) fn abandon(&mut self) -> Result<()> {
        Ok(rustix::net::sockopt::set_socket_linger(
            self.pipe.stream(),
            Some(Duration::ZERO),
        )?)
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.pipe.stream()
    }

    /// Reads what has come; `to_the_end` when the kernel reported that the other side has finished,
    /// because a short read otherwise means that the socket is empty.
    pub(crate) fn read(
        &mut self,
        target: &Target,
        scratch: &mut [u8],
        to_the_end: bool,
        on_message: &mut impl FnMut(&mut Self, &Frame<'_>) -> Result<()>,
    ) -> Result<()> {
        loop {
            let read = match self.pipe.read(scratch) {
                Ok(0) => return self.ended(),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) if self.phase == Phase::Closing => return self.ended(),
                Err(error) => return Err(error).context("the server reset a connection"),
            };
            self.take(scratch.get(..read).unwrap_or_default(), target, on_message)?;
            if read < scratch.len() && !to_the_end && self.pipe.reads_all() {
                return Ok(());
            }
        }
    }

    fn ended(&mut self) -> Result<()> {
        ensure!(
            self.phase == Phase::Closing,
            "the server ended a connection while it was {:?}",
            self.phase
        );
        self.phase = Phase::Closed;
        Ok(())
    }

    /// Looks at whole frames where they lie; only a part of a frame is copied.
    fn take(
        &mut self,
        fresh: &[u8],
        target: &Target,
        on_message: &mut impl FnMut(&mut Self, &Frame<'_>) -> Result<()>,
    ) -> Result<()> {
        if self.partial.is_empty() {
            let used = self.frames(fresh, target, on_message)?;
            self.partial
                .extend_from_slice(fresh.get(used..).unwrap_or_default());
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.partial);
        bytes.extend_from_slice(fresh);
        let used = self.frames(&bytes, target, on_message)?;
        if used < bytes.len() {
            bytes.drain(..used);
            self.partial = bytes;
        }
        Ok(())
    }

    fn frames(
        &mut self,
        bytes: &[u8],
        target: &Target,
        on_message: &mut impl FnMut(&mut Self, &Frame<'_>) -> Result<()>,
    ) -> Result<usize> {
        let mut used = 0;
        if self.phase == Phase::Upgrading {
            let Some(end) = frame::end_of_head(bytes) else {
                return Ok(0);
            };
            self.upgraded(bytes, target)?;
            used = end;
        }
        while let Some(frame) = Frame::first(bytes.get(used..).unwrap_or_default()) {
            used += frame.size;
            match frame.opcode {
                PING => self.send(&frame::from_client(PONG, frame.payload))?,
                PONG => {}
                CLOSE => self.closed(&frame)?,
                _ if self.phase == Phase::Joined => on_message(self, &frame)?,
                _ => self.joining(&frame, target)?,
            }
        }
        Ok(used)
    }

    fn upgraded(&mut self, head: &[u8], target: &Target) -> Result<()> {
        if !head.starts_with(b"HTTP/1.1 101") {
            bail!("the upgrade was refused: {}", String::from_utf8_lossy(head));
        }
        self.phase = Phase::Joining;
        let wire = target.wire;
        let token = target.token(self.index);
        for message in wire.opening(token, &self.room, target.missed.as_ref()) {
            self.send(&frame::from_client(wire.opcode(), &message))?;
        }
        Ok(())
    }

    fn joining(&mut self, frame: &Frame<'_>, target: &Target) -> Result<()> {
        let wire = target.wire;
        self.greeting += frame.size as u64;
        match wire.step(frame.payload, &self.room) {
            Step::Wait => {}
            Step::Joined => {
                if let Some(missed) = &target.missed {
                    ensure!(
                        missed.is_in(frame.payload),
                        "not all that was missed, or more, is in: {}",
                        String::from_utf8_lossy(frame.payload)
                    );
                }
                self.phase = Phase::Joined;
            }
            Step::Refused => bail!(
                "the join was refused: {}",
                String::from_utf8_lossy(frame.payload)
            ),
            Step::Send(messages) => {
                for message in messages {
                    self.send(&frame::from_client(wire.opcode(), message.as_bytes()))?;
                }
            }
        }
        Ok(())
    }

    fn closed(&self, frame: &Frame<'_>) -> Result<()> {
        let (code, reason) = frame.payload.split_at_checked(2).unwrap_or_default();
        ensure!(
            self.phase == Phase::Closing,
            "the server closed a connection while it was {:?}: {:?} {}",
            self.phase,
            code.first_chunk().map(|code| u16::from_be_bytes(*code)),
            String::from_utf8_lossy(reason)
        );
        Ok(())
    }
}
