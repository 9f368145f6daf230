//! A connection between a program and the server, and what becomes of what is sent on it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tautline_protocol::client::Line;
use tautline_protocol::server::v2::Session;

use crate::dice::Dice;
use crate::house::LinkId;

/// A connection, or an attempt at one.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    /// Whose it is: the program, and which of its lives.
    pub(crate) program: usize,
    pub(crate) life: u32,
    pub(crate) line: Line,
    /// Whether the program knows it: from `Open` until it hears, or says, that it is over.
    pub(crate) is_known: bool,
    /// Whether the program has heard that it is open.
    pub(crate) is_open: bool,
    /// The server has said that it goes away, whether that was heard or not.
    pub(crate) is_going: bool,
    pub(crate) to_server: Wire,
    pub(crate) to_program: Wire,
    /// The server's side, for as long as it is there.
    pub(crate) desk: Option<Desk>,
}

/// The server's side of a connection.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) session: Session,
    /// What is kept back while something is decided.
    pub(crate) unread: VecDeque<Bytes>,
    /// What the session makes something of at this moment.
    pub(crate) reading: Option<Bytes>,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Wire {
    frames: VecDeque<(Instant, Frame)>,
    latency: (Duration, Duration),
    /// Nothing arrives before this, and nothing overtakes.
    last: Instant,
    /// Nothing arrives any more, and nobody is told.
    pub(crate) is_dead: bool,
}

/// What travels.
#[derive(Debug, Clone)]
pub(crate) enum Frame {
    /// The upgrade was accepted.
    Open,
    /// The upgrade was refused with this status.
    Refused(u16),
    /// Nobody is there.
    Unreachable,
    Message(Bytes),
    Close(u16, String),
    /// The connection has ended without a word.
    Lost,
}

impl Wire {
    pub(crate) fn new(now: Instant, latency: (Duration, Duration)) -> Self {
        Self {
            frames: VecDeque::new(),
            latency,
            last: now,
            is_dead: false,
        }
    }

    pub(crate) fn push(&mut self, now: Instant, frame: Frame, dice: &mut Dice) {
        if !self.is_dead {
            let (from, to) = self.latency;
            self.last = self.last.max(now + dice.between(from, to));
            self.frames.push_back((self.last, frame));
        }
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.frames.front().map(|(at, _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        self.frames.pop_front().map(|(_, frame)| frame)
    }

    /// The connection is lost: some of what is on its way still arrives, and then the end.
    pub(crate) fn lose(&mut self, now: Instant, dice: &mut Dice) {
        let arriving = dice.index(self.frames.len() + 1);
        self.frames.truncate(arriving);
        self.push(now, Frame::Lost, dice);
        self.is_dead = true;
    }

    /// Nothing arrives for so long; then all of it does.
    pub(crate) fn stall(&mut self, until: Instant) {
        self.last = self.last.max(until);
        for (at, _) in &mut self.frames {
            *at = until.max(*at);
        }
    }

    /// Nothing arrives, ever.
    pub(crate) fn die(&mut self) {
        self.frames.clear();
        self.is_dead = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

impl Link {
    /// Whether nothing will ever happen on it again.
    pub(crate) fn is_over(&self) -> bool {
        let is_silent = self.to_server.is_empty() && self.to_program.is_empty();
        !self.is_known && self.desk.is_none() && is_silent
    }
}
