//! The physical limit: a server that does nothing but what no server can leave out.
//!
//! One thread, one epoll loop. A publication makes it write the same prepared bytes to every member
//! of the room: one `send` for each message and member, or, coalesced, one `send` for all that came
//! in one read. With a directory it also writes to the disk: all publications of a turn of the loop are one
//! transaction, and each of them is answered by one `send`. It checks no token, parses no publication and queues nothing for members; what it
//! reads is the first letter of a message's type, and the room of a join.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde_json::json;

use crate::load::fanout::TEXT_128;
use crate::load::frame::{self, CLOSE, Frame, TEXT};
use crate::load::pipe::write_some;
use crate::load::wire::LETTER;
use crate::rows::{self, Rows};

/// What is said of a publication that is on the disk.
const PUBLISHED: &[u8] = br#"{"type":"published","payload":{"epoch":"0123456789abcdef","offset":1234567,"id":"01890a5d-ac96-774b-bcce-b302099a8057","duplicate":false,"level":"disk"}}"#;

const LISTENER: Token = Token(usize::MAX);

/// What is sent back, and how.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// One `send` for all messages of a read, instead of one for each.
    pub(crate) coalesced: bool,
    /// The size of a delivered frame, header and payload: Tautline's own in the same run.
    pub(crate) frame_bytes: usize,
    /// The size of the frame that answers a join: Tautline's with all that was missed, or zero for
    /// as little as can be said.
    pub(crate) joined_bytes: usize,
    /// Where publications are written, if they are.
    pub(crate) directory: Option<PathBuf>,
}

/// Serves until it is killed; says on `ready` where it listens.
pub(crate) fn serve(settings: &Settings, ready: &mut dyn std::io::Write) -> Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    writeln!(
        ready,
        "{}",
        json!({ "message": "listening", "address": listener.local_addr()?.to_string() })
    )?;
    let mut server = Server {
        coalesced: settings.coalesced,
        publication: padded("chat", settings.frame_bytes)?,
        joined: match settings.joined_bytes {
            0 => frame::from_server(TEXT, br#"{"type":"joined"}"#),
            bytes => padded("joined", bytes)?,
        },
        ..Server::default()
    };
    let database = settings.directory.as_deref().map(rows::open).transpose()?;
    let mut rows = database.as_ref().map(Rows::prepare).transpose()?;
    let mut events = Events::with_capacity(1024);
    let mut scratch = vec![0; 64 * 1024];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                server.accept(&listener, &poll)?;
                continue;
            }
            if event.is_writable() {
                server.flush(event.token().0)?;
            }
            if event.is_readable() {
                server.read(event.token().0, &mut scratch, event.is_read_closed())?;
            }
        }
        if let Some(rows) = &mut rows {
            server.write_down(rows)?;
        }
    }
}

/// A frame with a text, padded to this size.
fn padded(kind: &str, bytes: usize) -> Result<Vec<u8>> {
    let payload = |pad: &str| json!({ "pad": pad, "text": TEXT_128, "type": kind }).to_string();
    let frame = |pad| frame::from_server(TEXT, payload(&"-".repeat(pad)).as_bytes());
    // A longer payload has a longer header.
    let pad = bytes
        .checked_sub(frame(bytes).len() - bytes)
        .context("a frame cannot be smaller than its text")?;
    let frame = (pad..pad + 8).map(frame).find(|frame| frame.len() == bytes);
    frame.with_context(|| format!("no frame has exactly {bytes} bytes"))
}

#[derive(Debug)]
struct Peer {
    stream: TcpStream,
    upgraded: bool,
    room: usize,
    partial: Vec<u8>,
    /// Large echoes only: publications that do not fit in the socket end the server, because the
    /// load never outruns it.
    unsent: Vec<u8>,
}

#[derive(Debug, Default)]
struct Server {
    coalesced: bool,
    publication: Vec<u8>,
    joined: Vec<u8>,
    peers: Vec<Option<Peer>>,
    free: Vec<usize>,
    names: HashMap<String, usize>,
    /// By room: the indices of its members.
    members: Vec<Vec<usize>>,
    batch: Vec<u8>,
    /// Who has published in this turn, and is to be answered when it is written down.
    unwritten: Vec<usize>,
}

impl Server {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("the bare server cannot accept"),
            };
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or(self.peers.len());
            poll.registry().register(
                &mut stream,
                Token(index),
                Interest::READABLE | Interest::WRITABLE,
            )?;
            let (partial, unsent) = (Vec::new(), Vec::new());
            let peer = Some(Peer {
                stream,
                upgraded: false,
                room: usize::MAX,
                partial,
                unsent,
            });
            match self.peers.get_mut(index) {
                Some(place) => *place = peer,
                None => self.peers.push(peer),
            }
        }
    }

    fn flush(&mut self, index: usize) -> Result<()> {
        if let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut)
            && !peer.unsent.is_empty()
        {
            let written = write_some(&mut peer.stream, &peer.unsent)?;
            peer.unsent.drain(..written);
        }
        Ok(())
    }

    fn read(&mut self, index: usize, scratch: &mut [u8], to_the_end: bool) -> Result<()> {
        loop {
            let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) else {
                return Ok(());
            };
            match peer.stream.read(scratch) {
                Ok(0) => return self.remove(index),
                Ok(read) => {
                    self.take(index, scratch.get(..read).unwrap_or_default())?;
                    if read < scratch.len() && !to_the_end {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return self.remove(index),
            }
        }
    }

    /// Acts on every whole frame of one read.
    fn take(&mut self, index: usize, fresh: &[u8]) -> Result<()> {
        let peer = self
            .peers
            .get_mut(index)
            .and_then(Option::as_mut)
            .context("a peer that reads is connected")?;
        let mut bytes = std::mem::take(&mut peer.partial);
        bytes.extend_from_slice(fresh);
        let mut used = 0;
        if !peer.upgraded {
            let Some(end) = frame::end_of_head(&bytes) else {
                peer.partial = bytes;
                return Ok(());
            };
            peer.upgraded = true;
            peer.stream.write_all(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            )?;
            used = end;
        }
        let (mut publications, mut ended) = (0, false);
        self.batch.clear();
        while let Some(frame) = Frame::first(bytes.get(used..).unwrap_or_default()) {
            used += frame.size;
            match (frame.opcode, frame.byte(LETTER)) {
                (TEXT, Some(b'c')) => publications += 1,
                (TEXT, Some(b'r')) => self.echo(index, &frame)?,
                (TEXT, Some(b'j')) => self.join(index, &frame)?,
                (TEXT, Some(b'p')) => self.unwritten.push(index),
                (TEXT, Some(b'h')) => self
                    .batch
                    .extend(frame::from_server(TEXT, br#"{"type":"welcome"}"#)),
                (TEXT, _) => self
                    .batch
                    .extend(frame::from_server(TEXT, br#"{"type":"auth_ok"}"#)),
                _ => {
                    frame.append_answer(&mut self.batch);
                    ended |= frame.opcode == CLOSE;
                }
            }
        }
        bytes.drain(..used);
        self.answer(index, bytes)?;
        self.publish(index, publications)?;
        if ended { self.remove(index) } else { Ok(()) }
    }

    /// Sends what `take` gathered for the peer itself, and keeps the part of a frame that has come.
    fn answer(&mut self, index: usize, partial: Vec<u8>) -> Result<()> {
        let peer = self
            .peers
            .get_mut(index)
            .and_then(Option::as_mut)
            .context("a peer that is answered is connected")?;
        if !partial.is_empty() {
            peer.partial = partial;
        }
        if !self.batch.is_empty() {
            let written = if peer.unsent.is_empty() {
                write_some(&mut peer.stream, &self.batch)?
            } else {
                0
            };
            peer.unsent
                .extend_from_slice(self.batch.get(written..).unwrap_or_default());
        }
        Ok(())
    }

    fn join(&mut self, index: usize, frame: &Frame<'_>) -> Result<()> {
        let message = String::from_utf8(frame.unmasked())?;
        let name = message
            .split(r#""roomId":""#)
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let fresh = self.members.len();
        let room = *self
            .names
            .entry(name.context("a join names its room")?.to_owned())
            .or_insert(fresh);
        if room == fresh {
            self.members.push(Vec::new());
        }
        self.members
            .get_mut(room)
            .context("every name has its room")?
            .push(index);
        self.peers
            .get_mut(index)
            .and_then(Option::as_mut)
            .context("a peer that joins is connected")?
            .room = room;
        self.batch.extend_from_slice(&self.joined);
        Ok(())
    }

    /// One transaction for all that came.
    fn write_down(&mut self, rows: &mut Rows<'_>) -> Result<()> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        rows.write(self.unwritten.len())?;
        let answer = frame::from_server(TEXT, PUBLISHED);
        for index in self.unwritten.drain(..) {
            // Whoever has left needs no answer.
            if let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) {
                peer.stream.write_all(&answer).ok();
            }
        }
        Ok(())
    }

    /// The request itself goes back: it is as large as any answer to it.
    fn echo(&mut self, index: usize, frame: &Frame<'_>) -> Result<()> {
        frame.append_answer(&mut self.batch);
        if self.coalesced {
            return Ok(());
        }
        self.answer(index, Vec::new())?;
        self.batch.clear();
        Ok(())
    }

    fn publish(&mut self, publisher: usize, publications: usize) -> Result<()> {
        if publications == 0 {
            return Ok(());
        }
        let peer = self
            .peers
            .get(publisher)
            .and_then(Option::as_ref)
            .context("a publisher is connected")?;
        let members = self
            .members
            .get(peer.room)
            .context("a publisher has joined")?;
        let (sends, bytes) = if self.coalesced {
            (1, self.publication.repeat(publications))
        } else {
            (publications, self.publication.clone())
        };
        for _ in 0..sends {
            for &member in members {
                let peer = self
                    .peers
                    .get_mut(member)
                    .and_then(Option::as_mut)
                    .context("a member is connected")?;
                peer.stream
                    .write_all(&bytes)
                    .context("a member does not keep up with the bare server")?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, index: usize) -> Result<()> {
        let peer = self
            .peers
            .get_mut(index)
            .and_then(Option::take)
            .context("a peer ends once")?;
        if let Some(members) = self.members.get_mut(peer.room) {
            members.retain(|member| *member != index);
        }
        self.free.push(index);
        Ok(())
    }
}
