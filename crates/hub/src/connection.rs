//! A connection as its shard knows it.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use tautline_protocol::model::{RoomName, SlowConsumers};

use crate::casts::Topic;
use crate::outbox::{Flushed, Outbox, Overflow};
use crate::shard::now;
use crate::{OutboxLimits, Seen, Sink, Variant};

/// Why the shard wants a connection to end. What is said to the peer is the driver's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// It takes less than it is sent.
    SlowConsumer,
    /// It missed something that cannot be given to it any more.
    Gap,
    /// So much waits for everyone that the largest queues are given up, its own among them.
    Memory,
    /// Writing to it failed.
    Broken(io::ErrorKind),
    /// The server goes away.
    Drain,
    /// Somebody asked for it.
    Disconnect,
}

/// How a connection is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// In which bytes.
    pub variant: Variant,
    /// What it hears of what is missing.
    pub on_gap: OnGap,
}

/// What becomes of a connection that misses something of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnGap {
    /// It is ended, and comes back for what the room keeps.
    Close,
    /// It is told what is missing, and goes on.
    Tell,
}

/// What a connection's driver is woken for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// End, for this reason. Said once.
    pub closing: Option<Closing>,
    /// A timer that was set has fired. Said once.
    pub due: bool,
    /// Bytes wait for a peer that takes none: when the socket is writable, call [`crate::Shard::writable`].
    pub blocked: bool,
    /// Since when the peer has taken nothing, if something waits for it.
    pub stalled: Option<Instant>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own: any of them may hold with any other"
)]
pub(crate) struct Connection {
    pub(crate) serial: u32,
    pub(crate) manner: Manner,
    pub(crate) about: About,
    /// Whether it is in a queue to be flushed.
    pub(crate) queued: bool,
    pub(crate) blocked: bool,
    pub(crate) due: bool,
    pub(crate) outbox: Outbox,
    sink: Rc<dyn Sink>,
    waker: Option<Waker>,
    /// Those who wait until little waits here.
    until_low: Vec<Waker>,
    closing: Option<Closing>,
    /// Whether it was told to end: from then on only the driver's last word is written.
    ending: bool,
}

/// What is told of it to whoever looks in.
pub(crate) struct About {
    pub(crate) user: Option<Arc<str>>,
    /// Where it is a member, in the order of the joins.
    pub(crate) rooms: Vec<RoomName>,
    pub(crate) seen: Seen,
}

impl About {
    /// Notes that it is a member now.
    pub(crate) fn enter(&mut self, room: &RoomName) {
        if self.rooms.is_empty() {
            // Most are in one room, and there are many of them.
            self.rooms.reserve_exact(1);
        }
        if !self.rooms.contains(room) {
            self.rooms.push(room.clone());
        }
    }
}

impl Connection {
    pub(crate) fn new(
        serial: u32,
        sink: Rc<dyn Sink>,
        manner: Manner,
        waiting: Rc<Cell<usize>>,
    ) -> Self {
        let opened = now();
        Self {
            serial,
            manner,
            about: About {
                user: None,
                rooms: Vec::new(),
                seen: Seen {
                    opened,
                    read_at: opened,
                },
            },
            queued: false,
            blocked: false,
            due: false,
            outbox: Outbox::new(waiting),
            sink,
            waker: None,
            until_low: Vec::new(),
            closing: None,
            ending: false,
        }
    }

    /// Appends frames for the peer. One that takes too little is told to end.
    pub(crate) fn push(&mut self, frames: Bytes, messages: u32, limits: &OutboxLimits) {
        if !self.offer(frames, messages, limits) {
            self.close(Closing::SlowConsumer);
        }
    }

    /// Appends frames for the peer. False if it takes too little for them.
    pub(crate) fn offer(&mut self, frames: Bytes, messages: u32, limits: &OutboxLimits) -> bool {
        if self.ending {
            return true;
        }
        let Err(Overflow(frames)) = self.outbox.push(frames, messages, limits) else {
            return true;
        };
        // Slow is who was offered what waits and did not take it. Within a turn nobody was yet.
        if !self.blocked {
            self.flush(now(), limits);
        }
        self.ending || self.outbox.push(frames, messages, limits).is_ok()
    }

    /// Appends frames for the peer, unless it gets the newest alone and takes nothing now. False if it is behind.
    pub(crate) fn offer_where(
        &mut self,
        slow_consumers: SlowConsumers,
        (frames, messages): (Bytes, u32),
        limits: &OutboxLimits,
    ) -> bool {
        let is_behind = self.blocked
            && slow_consumers == SlowConsumers::Latest
            && self.may_skip(slow_consumers);
        !is_behind && self.offer(frames, messages, limits)
    }

    /// Whether it may stay where members who take too little may.
    pub(crate) fn may_skip(&self, slow_consumers: SlowConsumers) -> bool {
        slow_consumers != SlowConsumers::Close && self.manner.on_gap == OnGap::Tell
    }

    /// Keeps a cast for the peer until it takes one, in the place of an older one of its topic.
    pub(crate) fn hold(&mut self, topic: &Rc<Topic>, frame: Bytes, limits: &OutboxLimits) {
        if !self.ending {
            self.outbox.hold(topic, frame, limits);
        }
    }

    /// Appends a room's history for the peer, beside the bounds.
    pub(crate) fn push_history(&mut self, frame: Bytes) {
        if !self.ending {
            self.outbox.push_history(frame);
        }
    }

    /// Appends the driver's last word, whatever the bounds: nothing follows it.
    pub(crate) fn push_last(&mut self, frame: Bytes) {
        self.ending = true;
        self.outbox.push_last(frame);
    }

    /// Tells the driver to end; the first reason counts.
    pub(crate) fn close(&mut self, closing: Closing) {
        if !self.ending {
            self.ending = true;
            self.closing = Some(closing);
            if matches!(closing, Closing::SlowConsumer | Closing::Memory) {
                self.outbox.clear_unbegun();
            }
            self.wake_until_low();
            self.wake();
        }
    }

    /// Writes what waits, as far as the peer takes it, and says how many bytes that was.
    pub(crate) fn flush(&mut self, now: Instant, limits: &OutboxLimits) -> u64 {
        let before = self.outbox.traffic().bytes_written;
        self.queued = false;
        let was_blocked = self.blocked;
        self.blocked = false;
        self.outbox.release_casts(limits);
        let mut flushed = self.outbox.flush(&*self.sink, now);
        if matches!(flushed, Flushed::All) && self.outbox.has_casts() {
            self.outbox.release_casts(limits);
            flushed = self.outbox.flush(&*self.sink, now);
        }
        match flushed {
            Flushed::All => {}
            Flushed::Blocked => {
                self.blocked = true;
                if !was_blocked {
                    self.wake();
                }
            }
            Flushed::Broken(error) => self.close(Closing::Broken(error.kind())),
        }
        if self.outbox.is_low(limits) {
            self.wake_until_low();
        }
        self.outbox.traffic().bytes_written - before
    }

    pub(crate) fn fire(&mut self) {
        self.due = true;
        self.wake();
    }

    /// What there is to wake for; if nothing, `waker` is kept for when there is.
    pub(crate) fn take_wake(&mut self, waker: &Waker) -> Wake {
        if !self
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            self.waker = Some(waker.clone());
        }
        Wake {
            closing: self.closing.take(),
            due: std::mem::take(&mut self.due),
            blocked: self.blocked,
            stalled: self.outbox.traffic().written_at.filter(|_| self.blocked),
        }
    }

    /// Whether more may be fetched for it: little waits, or it ends. If not, `waker` is woken when it may be.
    pub(crate) fn is_low(&mut self, limits: &OutboxLimits, waker: &Waker) -> bool {
        let is_low = self.ending || self.outbox.is_low(limits);
        self.wake_unless(is_low, waker);
        is_low
    }

    /// Whether it takes what it is sent, or ends. If not, `waker` is woken when it may.
    pub(crate) fn is_idle(&mut self, waker: &Waker) -> bool {
        let is_idle = self.ending || !self.blocked && self.outbox.is_empty();
        self.wake_unless(is_idle, waker);
        is_idle
    }

    /// Wakes those who wait until little waits here.
    pub(crate) fn wake_until_low(&mut self) {
        for waker in std::mem::take(&mut self.until_low) {
            waker.wake();
        }
    }

    fn wake_unless(&mut self, is_ready: bool, waker: &Waker) {
        if !is_ready && !self.until_low.iter().any(|known| known.will_wake(waker)) {
            self.until_low.push(waker.clone());
        }
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("serial", &self.serial)
            .field("closing", &self.closing)
            .finish_non_exhaustive()
    }
}
