//! Rooms in this process: the reference that other engines are measured by.
//!
//! [`MemoryEngine`] is the driver: it has the locks, the clock and the random ids. A room is a plain
//! machine under its part's lock: a publication gets its place, is kept and is pushed to the
//! watchers' inboxes in one step. Nothing here waits, so that every answer is ready at once.
//! Nothing here runs by itself either: [`MemoryEngine::sweep`] is called by the server.

pub(crate) mod anchor;
mod budget;
mod clock;
pub(crate) mod cursors;
pub(crate) mod expiring;
mod keep;
mod leases;
mod limits;
pub(crate) mod log;
mod lost;
mod members;
#[cfg(test)]
mod model;
pub(crate) mod room;
pub(crate) mod rooms;
mod roster;
pub(crate) mod span;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use tautline_protocol::model::{Position, RoomName};
use uuid::ContextV7;

pub use budget::Budget;
pub use clock::{Clock, ManualClock, Now, SystemClock};
pub use limits::MemoryLimits;

use crate::{
    Answer, Capabilities, Cast, Draft, Engine, EngineError, Event, Inbox, Level, Listener, Page,
    Published, Range, Recipient, Signal, Terms,
};
use expiring::Expiring;
use leases::Leases;
use lost::Lost;
use room::{Room, Stamp};
use rooms::{Rooms, new_id};

/// Keeps everything in this process, for this process alone.
#[derive(Debug)]
pub struct MemoryEngine {
    pub(crate) limits: MemoryLimits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rooms: Rooms,
    leases: Mutex<Leases>,
    lost: Mutex<Lost>,
    pub(crate) kept: Mutex<Expiring<Arc<str>, Bytes>>,
    inboxes: RwLock<Vec<Inbox>>,
    next_part: AtomicUsize,
}

impl Default for MemoryEngine {
    fn default() -> Self {
        Self::new(MemoryLimits::default(), Arc::new(SystemClock::default()))
    }
}

impl MemoryEngine {
    /// An engine without rooms.
    pub fn new(limits: MemoryLimits, clock: Arc<dyn Clock>) -> Self {
        Self {
            limits,
            clock,
            rooms: Rooms::new(limits.rooms_max, limits.history_bytes_max),
            leases: Mutex::default(),
            lost: Mutex::default(),
            kept: Mutex::default(),
            inboxes: RwLock::default(),
            next_part: AtomicUsize::new(0),
        }
    }

    /// How much history is kept.
    pub fn budget(&self) -> &Arc<Budget> {
        self.rooms.budget()
    }

    /// Lets go of what has ended: to be called once a second or so, from any one thread.
    ///
    /// Each call takes away the members of nodes whose lease has ended, those who were lost for too long, and the
    /// values whose time is over. Of the rooms it visits one in 64, so that no call takes long: trims what is too old,
    /// forgets keys whose window has ended, and forgets rooms that have been idle for
    /// [`MemoryLimits::idle_room_ttl`]. A forgotten room begins again with a new epoch. One in which
    /// nothing was ever published is forgotten as soon as it is left, so that names alone cost nothing.
    pub fn sweep(&self) {
        self.sweep_with(|_, _| ());
    }

    /// [`MemoryEngine::sweep`], which calls `visit` with every room that it visits.
    pub(crate) fn sweep_with(&self, mut visit: impl FnMut(&mut Room, Duration)) {
        let now = self.clock.now().monotonic;
        // Taken in a statement of its own: rooms are never locked while the leases are.
        let ended = self.leases.lock().take_ended(now);
        for node in ended {
            self.rooms.for_each(|room| room.leave_with(node));
        }
        let gone = self.lost.lock().take_ended(now);
        for (room, connection) in gone {
            self.rooms.vacate(&room, |room| room.leave(connection));
        }
        self.kept.lock().expire(now);
        let part = self.next_part.fetch_add(1, Ordering::Relaxed);
        self.rooms.forget(part, |room| {
            let forget = room.sweep(now, &self.limits);
            visit(room, now);
            forget
        });
    }

    /// Calls `act` with the room, which is in use from now on, and with the time.
    pub(crate) fn open<T>(
        &self,
        room: &RoomName,
        act: impl FnOnce(&mut Room, &ContextV7, Now) -> T,
    ) -> Result<T, EngineError> {
        let now = self.clock.now();
        self.rooms.open(room, |room, ids| {
            room.touch(now.monotonic);
            act(room, ids, now)
        })
    }
}

impl Engine for MemoryEngine {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            history: true,
            level: Level::Memory,
            cluster: false,
        }
    }

    fn attach(&self, inbox: Inbox) -> Listener {
        let mut inboxes = self.inboxes.write();
        let listener =
            u16::try_from(inboxes.len()).expect("a process has fewer shards than 65,536");
        inboxes.push(inbox);
        Listener(listener)
    }

    fn publish<'a>(
        &'a self,
        room: &'a RoomName,
        draft: Draft,
        terms: Terms,
    ) -> Answer<'a, Published> {
        if terms.level > Level::Memory {
            return answer(Err(EngineError::Unsupported("levels above memory")));
        }
        let opened = self.open(room, |room, ids, now| {
            let id = new_id(now.wall, ids);
            room.publish(draft, terms, Stamp { id, now }, self.limits.keys_max)
        });
        answer(opened.flatten())
    }

    fn relay<'a>(&'a self, room: &'a RoomName, cast: Cast) -> Answer<'a, ()> {
        self.rooms.find(room, |room| room.relay(cast));
        answer(Ok(()))
    }

    /// Every listener of this process hears it, whichever node it is for: there is no other.
    fn signal(&self, _recipient: Recipient, signal: Signal) -> Answer<'_, ()> {
        let mut told = true;
        for inbox in &*self.inboxes.read() {
            told &= inbox.push(Event::Signal(signal.clone()));
        }
        answer(if told {
            Ok(())
        } else {
            Err(EngineError::Full("a listener holds no more signals"))
        })
    }

    fn read<'a>(&'a self, room: &'a RoomName, range: Range) -> Answer<'a, Page> {
        answer(self.open(room, |room, _, now| room.read(range, now.monotonic)))
    }

    fn head<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Position> {
        answer(self.open(room, |room, _, _| room.head()))
    }

    fn watch<'a>(&'a self, listener: Listener, room: &'a RoomName) -> Answer<'a, Position> {
        let inbox = self.inboxes.read().get(usize::from(listener.0)).cloned();
        let Some(inbox) = inbox else {
            return answer(Err(EngineError::Unsupported("listeners it did not attach")));
        };
        answer(self.open(room, |room, _, _| room.watch(listener, &inbox)))
    }

    fn unwatch(&self, listener: Listener, room: &RoomName) {
        self.rooms.vacate(room, |room| room.unwatch(listener));
    }
}

/// An answer that is there already.
pub(crate) fn answer<'a, T: Send + 'a>(result: Result<T, EngineError>) -> Answer<'a, T> {
    Box::pin(std::future::ready(result))
}
