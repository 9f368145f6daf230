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
    /// So many messages are sent beyond what is acknowledged, if the room asks for that. It remembers itself where
    /// the client goes on.
    pub(super) in_flight: Option<u32>,
    /// Up to where nothing is owed in this connection.
    settled: u64,
    /// Up to where anything was ever acknowledged: an older copy of the room may remember that.
    acked: u64,
    /// The client leaves it to such a room to remember.
    forgets: bool,
    /// The next publication's number.
    next: u64,
    /// What is not acknowledged, oldest first.
    unacked: VecDeque<Key>,
    /// How many of them this connection has sent.
    sent: usize,
}

impl Seat {
    pub(super) fn in_room(room: &str, forgets: bool) -> Self {
        Self {
            room: Arc::from(room),
            name: RoomName::parse(room).expect("rooms of a run have right names"),
            stands: None,
            in_flight: None,
            settled: 0,
            acked: 0,
            forgets,
            next: 0,
            unacked: VecDeque::new(),
            sent: 0,
        }
    }

    /// A new connection has sent nothing yet.
    pub(super) fn begin_anew(&mut self) {
        self.sent = 0;
    }

    /// Where the client says that it stands. Who leaves that to the room says nothing.
    pub(super) fn since(&self) -> Option<Position> {
        let is_left_to_room = self.forgets && self.in_flight.is_some();
        self.stands.filter(|_| !is_left_to_room)
    }

    /// Whether a message may come before anything more is acknowledged.
    pub(super) fn may_come(&self, came: Position) -> bool {
        self.in_flight.is_none_or(|in_flight| {
            came.offset <= self.settled.max(self.acked) + u64::from(in_flight)
        })
    }

    /// Whether this was seen before in this connection, and comes again because it was not acknowledged.
    pub(super) fn comes_again(&self, came: Position) -> bool {
        let is_known =
            |stands: Position| stands.epoch == came.epoch && came.offset <= stands.offset;
        self.in_flight.is_some() && self.stands.is_some_and(is_known)
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
        self.settle(event);
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

    fn settle(&mut self, event: &Event) {
        match event {
            Event::Acked { offset, .. } => self.acked = self.acked.max(*offset),
            Event::Missed(missed)
            | Event::Joined {
                gap: Some(missed), ..
            } => self.settled = missed.to,
            Event::Joined {
                since, position, ..
            } => self.settled = since.unwrap_or(*position).offset,
            Event::Delivered { .. }
            | Event::Sent(_)
            | Event::Published { .. }
            | Event::Redelivered { .. }
            | Event::Left => {}
        }
    }

    /// Whether it has everything up to there.
    pub(super) fn has_come_to(&self, head: Position) -> bool {
        self.stands
            .is_some_and(|stands| stands.epoch == head.epoch && stands.offset >= head.offset)
    }
}
