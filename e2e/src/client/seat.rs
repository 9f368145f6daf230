//! A room as a client sees it: where it stands, and what it has published there.

use std::collections::VecDeque;
use std::sync::Arc;

use tautline_protocol::model::{Position, RoomName};

use crate::history::{Event, Key, Missed, Room};

/// A client's place in a room.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) room: Room,
    pub(super) name: RoomName,
    /// The last that it has seen; none before the first join.
    pub(super) stands: Option<Position>,
    /// The room asks for acknowledgements: it remembers itself where the client goes on.
    pub(super) asks: bool,
    /// The next publication's number.
    next: u64,
    /// What is not acknowledged, oldest first.
    unacked: VecDeque<Key>,
    /// How many of them this connection has sent.
    sent: usize,
}

impl Seat {
    pub(super) fn in_room(room: &str) -> Self {
        Self {
            room: Arc::from(room),
            name: RoomName::parse(room).expect("rooms of a run have right names"),
            stands: None,
            asks: false,
            next: 0,
            unacked: VecDeque::new(),
            sent: 0,
        }
    }

    /// A new connection has sent nothing yet.
    pub(super) fn begin_anew(&mut self) {
        self.sent = 0;
    }

    /// Where the client says that it stands. Where the room has to know that, it says nothing.
    pub(super) fn since(&self) -> Option<Position> {
        self.stands.filter(|_| !self.asks)
    }

    /// Whether this was seen before in this connection, and comes again because it was not acknowledged.
    pub(super) fn comes_again(&self, came: Position) -> bool {
        let is_known =
            |stands: Position| stands.epoch == came.epoch && came.offset <= stands.offset;
        self.asks && self.stands.is_some_and(is_known)
    }

    /// One more publication to be sent, behind all others.
    pub(super) fn compose(&mut self, producer: u32) {
        self.unacked.push_back(Key {
            producer,
            sequence: self.next,
        });
        self.next += 1;
    }

    /// The next to be sent in this connection.
    pub(super) fn take_next(&mut self) -> Option<Key> {
        let key = *self.unacked.get(self.sent)?;
        self.sent += 1;
        Some(key)
    }

    /// How many wait for their acknowledgement.
    pub(super) fn waiting(&self) -> usize {
        self.unacked.len()
    }

    /// The server has acknowledged what was sent first. False if that is another one.
    pub(super) fn acknowledge(&mut self, key: Key) -> bool {
        let is_first = self.sent > 0 && self.unacked.front() == Some(&key);
        if is_first {
            self.unacked.pop_front();
            self.sent -= 1;
        }
        is_first
    }

    /// Moves behind what was delivered, or what is missing.
    pub(super) fn handle(&mut self, event: &Event) {
        match event {
            Event::Delivered { position, .. } | Event::Missed(Missed { position, .. }) => {
                self.stands = Some(*position);
            }
            Event::Joined {
                since: None,
                position,
                ..
            } => self.stands = Some(*position),
            Event::Joined { gap: Some(gap), .. } => self.stands = Some(gap.position),
            Event::Joined { .. }
            | Event::Sent(_)
            | Event::Published { .. }
            | Event::Redelivered { .. }
            | Event::Acked { .. }
            | Event::Left => {}
        }
    }

    /// Whether it has everything up to there.
    pub(super) fn has_come_to(&self, head: Position) -> bool {
        self.stands
            .is_some_and(|stands| stands.epoch == head.epoch && stands.offset >= head.offset)
    }
}
