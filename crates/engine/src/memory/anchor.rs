//! A room that a disk keeps, too.
//!
//! The room in memory is what has been told: positions, watchers, members, and the newest publications.
//! One that a disk keeps changes only after the disk has; whoever writes the disk does that.

use std::sync::Arc;
use std::time::Duration;

use tautline_protocol::model::{Position, Retention, RoomName};

use super::Budget;
use super::cursors::Cursors;
use super::expiring::Expiring;
use super::log::{Kept, Log};
use super::room::{KeyOfUser, Room, Seen};
use super::span::Span;
use crate::{Page, Range};

/// What ties a room to a disk. Rooms of the memory engine have an empty one.
#[derive(Debug, Default)]
pub(super) struct Anchor {
    on_disk: Option<OnDisk>,
    /// So many calls wait for the disk.
    waiting: usize,
    /// Nobody watched or read the room at the last sweep, nor since.
    quiet: bool,
}

/// Where a disk has the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OnDisk {
    /// The number of its row.
    pub(crate) row: i64,
    /// The last publication that the row says is trimmed.
    pub(crate) trimmed: Position,
}

/// What a room that comes to a disk brings along.
#[derive(Debug)]
pub(crate) struct Belongings {
    pub(crate) span: Span,
    pub(crate) retention: Retention,
    pub(crate) kept: Vec<Kept>,
    pub(crate) keys: Vec<(KeyOfUser, Seen, Duration)>,
    pub(crate) cursors: Vec<(Box<str>, Position)>,
}

/// Where a read is to be answered.
#[derive(Debug)]
pub(crate) enum Where {
    /// Here.
    Page(Page),
    /// From the disk.
    Disk(Stored),
}

/// What is asked for of a room that a disk keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    /// The number of its row.
    pub(crate) row: i64,
    /// Where the room stands; the disk may be ahead of what has been told.
    pub(crate) head: Position,
    pub(crate) retention: Retention,
    /// The last publication before those in memory.
    pub(crate) below: Position,
    /// So many before those are wanted in memory, too.
    pub(crate) wanted: usize,
}

impl Anchor {
    /// Whether the room is a disk's, or will be.
    pub(super) fn holds(&self) -> bool {
        self.on_disk.is_some() || self.waiting > 0
    }
}

impl Room {
    /// A room that goes on where the disk has it.
    pub(crate) fn resumed(
        name: RoomName,
        span: Span,
        (row, retention): (i64, Retention),
        ring_max: usize,
        budget: Arc<Budget>,
    ) -> Self {
        let mut room = Self::new(name, span.head.epoch, Arc::clone(&budget));
        room.log = Log::resumed(span, retention, budget);
        let trimmed = span.trimmed;
        room.anchor(OnDisk { row, trimmed }, ring_max);
        room
    }

    /// Says that a call of this room waits for the disk. From now on all go there, so that they keep their order.
    pub(crate) fn wait(&mut self) {
        self.anchor.waiting += 1;
    }

    /// Says that such a call waits no more.
    pub(crate) fn waited(&mut self) {
        self.anchor.waiting = self.anchor.waiting.saturating_sub(1);
    }

    /// Whether any call of this room waits for the disk.
    pub(crate) fn is_waiting(&self) -> bool {
        self.anchor.waiting > 0
    }

    /// Whether a disk keeps the room, or will.
    pub(crate) fn is_anchored(&self) -> bool {
        self.anchor.holds()
    }

    /// Says where the disk has the room now.
    pub(crate) fn anchor(&mut self, on_disk: OnDisk, ring_max: usize) {
        self.anchor.on_disk = Some(on_disk);
        self.keys = Expiring::default();
        self.log.bound(ring_max);
        self.log.trimmed_elsewhere(on_disk.trimmed.offset);
    }

    /// Says that the disk has forgotten the room, which had nothing but its positions.
    pub(crate) fn weigh(&mut self) {
        self.anchor.on_disk = None;
        self.log.unbound();
    }

    pub(crate) fn on_disk(&self) -> Option<OnDisk> {
        self.anchor.on_disk
    }

    /// The room's head, and what is said to be trimmed of it where a disk has it.
    pub(crate) fn span(&self) -> Span {
        let in_memory = self.log.span();
        let trimmed = self.anchor.on_disk.map(|on_disk| on_disk.trimmed);
        Span {
            trimmed: trimmed.unwrap_or(in_memory.trimmed),
            head: in_memory.head,
        }
    }

    pub(crate) fn retention(&self) -> Retention {
        self.log.retention()
    }

    /// All that a room has which no disk keeps yet.
    pub(crate) fn belongings(&mut self, now: Duration) -> Belongings {
        self.log.trim(now);
        self.keys.expire(now);
        let keys = self.keys.iter();
        let cursors = self.cursors.iter();
        Belongings {
            span: self.log.span(),
            retention: self.log.retention(),
            kept: self.log.kept().cloned().collect(),
            keys: keys
                .map(|(key, seen, end)| (key.clone(), *seen, end))
                .collect(),
            cursors: cursors.map(|(user, at)| (user.into(), at)).collect(),
        }
    }

    /// Answers a read from memory, or says where the disk has what is asked for.
    pub(crate) fn look(&mut self, range: Range, now: Duration) -> Where {
        self.anchor.quiet = false;
        match self.anchor.on_disk {
            Some(OnDisk { row, .. }) if !self.log.covers(range, now) => Where::Disk(Stored {
                row,
                head: self.log.head(),
                retention: self.log.retention(),
                below: self.log.span().trimmed,
                wanted: self.log.wanted(),
            }),
            Some(_) | None => Where::Page(self.read(range, now)),
        }
    }

    /// Takes back what the disk has of the newest publications; see [`Log::refill`].
    pub(crate) fn refill(&mut self, before: Position, kept: Vec<Kept>, whole: bool) {
        self.log.refill(before, kept, whole);
    }

    /// Lets go of what the disk has, too, if nobody uses the room. Whether the disk may have something to let go of.
    pub(crate) fn settle(&mut self, now: Duration, idle_ttl: Duration) -> bool {
        let Some(OnDisk { trimmed, .. }) = self.anchor.on_disk else {
            return false;
        };
        if self.is_watched() {
            self.anchor.quiet = false;
        } else if self.anchor.quiet {
            self.log.cool();
        }
        self.anchor.quiet |= !self.is_watched();
        let in_memory = self.log.span();
        let ended = !self.log.is_whole() || in_memory.trimmed.offset > trimmed.offset;
        ended || self.may_be_forgotten(now, idle_ttl)
    }

    /// Whether the disk may forget the room, if it has no keys of it.
    pub(crate) fn may_be_forgotten(&self, now: Duration, idle_ttl: Duration) -> bool {
        let idle = self.is_idle() && self.anchor.waiting == 0 && self.span().is_empty();
        idle && now.saturating_sub(self.used) >= idle_ttl
    }

    pub(crate) fn cursors(&mut self) -> &mut Cursors {
        &mut self.cursors
    }

    pub(crate) fn name(&self) -> &RoomName {
        &self.name
    }
}
