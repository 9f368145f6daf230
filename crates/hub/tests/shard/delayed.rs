//! The memory engine, but its answers can be held back, and it says who watches.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tautline_engine::memory::MemoryEngine;
use tautline_engine::{
    Answer, Capabilities, Cast, Draft, Engine, EngineError, Inbox, Keep, Listener, Members, Page,
    Published, Range, Recipient, Signal, Terms,
};
use tautline_protocol::model::{ConnectionId, Member, NodeId, Position, RoomName};
use tokio::sync::Semaphore;

/// Calls take effect at once; answers come when the gates let them.
#[derive(Debug, Default)]
pub(crate) struct Delayed {
    inner: MemoryEngine,
    pub(crate) reads: Gate,
    pub(crate) watches: Gate,
    pub(crate) fails_to_watch: AtomicBool,
    watched: Mutex<BTreeSet<(u16, RoomName)>>,
}

/// Holds answers back, oldest first, once it is shut.
#[derive(Debug)]
pub(crate) struct Gate {
    shut: AtomicBool,
    passes: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            shut: AtomicBool::new(false),
            passes: Semaphore::new(0),
        }
    }
}

impl Gate {
    pub(crate) fn shut(&self) {
        self.shut.store(true, Ordering::Relaxed);
        self.passes.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets so many of those that wait, or will wait, pass.
    pub(crate) fn pass(&self, answers: usize) {
        self.passes.add_permits(answers);
    }

    /// Lets all pass, and those to come.
    pub(crate) fn open(&self) {
        self.shut.store(false, Ordering::Relaxed);
        self.passes.add_permits(Semaphore::MAX_PERMITS / 1_000_000);
    }

    fn hold<'a, T: Send + 'a>(&'a self, answer: Answer<'a, T>) -> Answer<'a, T> {
        if !self.shut.load(Ordering::Relaxed) {
            return answer;
        }
        Box::pin(async move {
            let answer = answer.await;
            self.passes.acquire().await.unwrap().forget();
            answer
        })
    }
}

impl Delayed {
    /// How many listeners watch a room.
    pub(crate) fn watchers(&self, room: &str) -> usize {
        let watched = self.watched.lock().unwrap();
        watched
            .iter()
            .filter(|(_, name)| name.as_str() == room)
            .count()
    }
}

impl Engine for Delayed {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn attach(&self, inbox: Inbox) -> Listener {
        self.inner.attach(inbox)
    }

    fn publish<'a>(
        &'a self,
        room: &'a RoomName,
        draft: Draft,
        terms: Terms,
    ) -> Answer<'a, Published> {
        self.inner.publish(room, draft, terms)
    }

    fn relay<'a>(&'a self, room: &'a RoomName, cast: Cast) -> Answer<'a, ()> {
        self.inner.relay(room, cast)
    }

    fn signal(&self, recipient: Recipient, signal: Signal) -> Answer<'_, ()> {
        self.inner.signal(recipient, signal)
    }

    fn read<'a>(&'a self, room: &'a RoomName, range: Range) -> Answer<'a, Page> {
        self.reads.hold(self.inner.read(room, range))
    }

    fn head<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Position> {
        self.inner.head(room)
    }

    fn watch<'a>(&'a self, listener: Listener, room: &'a RoomName) -> Answer<'a, Position> {
        if self.fails_to_watch.load(Ordering::Relaxed) {
            return Box::pin(async { Err(EngineError::Full("of this test")) });
        }
        let mut watched = self.watched.lock().unwrap();
        watched.insert((listener.0, room.clone()));
        self.watches.hold(self.inner.watch(listener, room))
    }

    fn unwatch(&self, listener: Listener, room: &RoomName) {
        let mut watched = self.watched.lock().unwrap();
        watched.remove(&(listener.0, room.clone()));
        self.inner.unwatch(listener, room);
    }
}

impl Members for Delayed {
    fn renew(&self, node: NodeId, lease: Duration) -> Answer<'_, ()> {
        self.inner.renew(node, lease)
    }

    fn enter<'a>(&'a self, room: &'a RoomName, member: Member) -> Answer<'a, u32> {
        self.inner.enter(room, member)
    }

    fn leave<'a>(&'a self, room: &'a RoomName, connection: ConnectionId) -> Answer<'a, u32> {
        Members::leave(&self.inner, room, connection)
    }

    fn lose<'a>(
        &'a self,
        room: &'a RoomName,
        connection: ConnectionId,
        grace: Duration,
    ) -> Answer<'a, u32> {
        Members::lose(&self.inner, room, connection, grace)
    }

    fn members<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Vec<Member>> {
        self.inner.members(room)
    }
}

impl Keep for Delayed {
    fn cursor<'a>(&'a self, room: &'a RoomName, user: &'a str) -> Answer<'a, Option<Position>> {
        self.inner.cursor(room, user)
    }

    fn begin<'a>(
        &'a self,
        room: &'a RoomName,
        user: &'a str,
        at: Position,
    ) -> Answer<'a, Position> {
        self.inner.begin(room, user, at)
    }

    fn advance<'a>(
        &'a self,
        room: &'a RoomName,
        user: &'a str,
        to: Position,
    ) -> Answer<'a, Position> {
        self.inner.advance(room, user, to)
    }

    fn put_if_absent<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> Answer<'a, bool> {
        self.inner.put_if_absent(key, value, ttl)
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Bytes>> {
        self.inner.get(key)
    }
}
