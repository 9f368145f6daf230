//! A shard, its engine and its guests, on one thread.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use tautline_engine::{Draft, Engine, Level, Terms, inbox};
use tautline_hub::{
    Closing, Joined, Manner, Memory, OnGap, PageMax, Parting, Resumed, Shard, ShardLimits, Variant,
    Wake,
};
use tautline_protocol::model::{
    Acks, ConnectionId, Epoch, EventName, Member, NodeId, Position, Retention, RoomName,
    SlowConsumers,
};
use tokio::task::LocalSet;

use crate::delayed::Delayed;
use crate::peer::{Lines, Peer, Takes};

pub(crate) const NODE: NodeId = NodeId(1);

/// Runs a test with time that stands still while there is anything to do.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(LocalSet::new().run_until(test));
}

pub(crate) fn name(room: &str) -> RoomName {
    RoomName::parse(room).unwrap()
}

/// Waits until nobody has anything to do: only then does the time go on.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Publishes to a room that keeps its last thousands; `bare` rooms keep nothing.
pub(crate) async fn publish(engine: &dyn Engine, room: &str, data: &str) -> u64 {
    publish_event(engine, room, (EventName::chat(), data)).await
}

async fn publish_event(engine: &dyn Engine, room: &str, (event, data): (EventName, &str)) -> u64 {
    let draft = Draft {
        event,
        data: Bytes::copy_from_slice(data.as_bytes()),
        user: None,
        tag: None,
        key: None,
    };
    let terms = Terms {
        history: Retention {
            count: if room.starts_with("bare") { 0 } else { 5000 },
            age: Duration::from_hours(1),
        },
        level: Level::Memory,
        key_window: Duration::from_mins(1),
    };
    let published = engine.publish(&name(room), draft, terms).await.unwrap();
    published.position.offset
}

/// One shard that runs, and the order in which its guests were written to.
pub(crate) struct House {
    pub(crate) engine: Arc<Delayed>,
    pub(crate) shard: Rc<Shard>,
    pub(crate) lines: Rc<Lines>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) order: Rc<RefCell<Vec<u32>>>,
    guests: Cell<u32>,
}

/// A connection with its peer.
pub(crate) struct Guest {
    pub(crate) id: ConnectionId,
    pub(crate) peer: Rc<Peer>,
    shard: Rc<Shard>,
}

impl House {
    /// A house with the usual bounds.
    pub(crate) fn open() -> Self {
        Self::with(ShardLimits::default(), 8192)
    }

    pub(crate) fn with(limits: ShardLimits, inbox_capacity: usize) -> Self {
        Self::beside(&Arc::default(), 0, (limits, inbox_capacity))
    }

    /// A house in which so many bytes may wait for everyone.
    pub(crate) fn with_memory(bytes_max: usize) -> Self {
        let memory = Arc::new(Memory::new(bytes_max));
        Self::build(&Arc::default(), 0, (ShardLimits::default(), 8192), memory)
    }

    /// A shard of an engine that others listen to as well.
    pub(crate) fn beside(engine: &Arc<Delayed>, index: u16, limits: (ShardLimits, usize)) -> Self {
        Self::build(engine, index, limits, Arc::default())
    }

    fn build(
        engine: &Arc<Delayed>,
        index: u16,
        (limits, inbox_capacity): (ShardLimits, usize),
        memory: Arc<Memory>,
    ) -> Self {
        let (inbox, events) = inbox(inbox_capacity);
        let listener = engine.attach(inbox);
        let lines = Rc::<Lines>::default();
        let shard = Shard::new(
            (NODE, index),
            (Arc::clone(engine) as _, listener),
            Rc::clone(&lines) as _,
            limits,
            Arc::clone(&memory),
        );
        let running = Rc::clone(&shard);
        tokio::task::spawn_local(async move { running.run(events).await });
        Self {
            engine: Arc::clone(engine),
            shard,
            lines,
            order: Rc::default(),
            memory,
            guests: Cell::new(0),
        }
    }

    pub(crate) fn guest(&self) -> Guest {
        self.guest_as(Variant(0))
    }

    pub(crate) fn guest_as(&self, variant: Variant) -> Guest {
        self.invite(Manner {
            variant,
            on_gap: OnGap::Close,
        })
    }

    /// A guest who is told what is missing.
    pub(crate) fn tolerant_guest(&self) -> Guest {
        self.invite(Manner {
            variant: Variant(1),
            on_gap: OnGap::Tell,
        })
    }

    fn invite(&self, manner: Manner) -> Guest {
        self.guests.set(self.guests.get() + 1);
        let peer = Rc::new(Peer::new(self.guests.get(), Rc::clone(&self.order)));
        Guest {
            id: self.shard.attach(Rc::clone(&peer) as _, manner),
            peer,
            shard: Rc::clone(&self.shard),
        }
    }

    /// So many guests that follow a room.
    pub(crate) async fn guests_in(&self, room: &str, count: usize) -> Vec<Guest> {
        let mut guests = Vec::new();
        for _ in 0..count {
            let guest = self.guest();
            guest.enter(room).await;
            guests.push(guest);
        }
        guests
    }

    pub(crate) async fn publish(&self, room: &str, data: &str) -> u64 {
        publish(&*self.engine, room, data).await
    }

    /// Publishes an event whose name is its data.
    pub(crate) async fn publish_event(&self, room: &str, event: &str) -> u64 {
        let publication = (EventName::parse(event).unwrap(), event);
        publish_event(&*self.engine, room, publication).await
    }

    pub(crate) async fn publish_many(&self, room: &str, count: usize) {
        for _ in 0..count {
            self.publish(room, "x").await;
        }
    }
}

impl Guest {
    /// Joins, without following yet.
    pub(crate) async fn join(&self, room: &str, history: Option<u32>) -> Joined {
        self.shard
            .join(self.id, &name(room), history)
            .await
            .unwrap()
    }

    /// Joins at a position, without following yet.
    pub(crate) async fn resume(&self, room: &str, (since, bytes): (Position, usize)) -> Resumed {
        let max = PageMax {
            messages: u32::MAX,
            bytes,
        };
        let room = name(room);
        let resumed = self.shard.resume(self.id, &room, (since, max));
        resumed.await.unwrap()
    }

    /// Joins where the room stands, and follows it as one who acknowledges.
    pub(crate) async fn enter_owing(&self, room: &str, acks: Acks) {
        let settled = self.join(room, None).await.position;
        let owed = (acks, settled);
        self.shard.owe(self.id, &name(room), owed, &[]);
        self.follow(room);
    }

    /// Acknowledges everything up to an offset. False if nothing is owed there.
    pub(crate) fn acknowledge(&self, room: &str, (epoch, offset): (Epoch, u64)) -> bool {
        let room = name(room);
        let owed = self.shard.owed(self.id, &room, (epoch, offset));
        if let Some(owed) = owed {
            self.shard.settle(self.id, &room, owed);
        }
        owed.is_some()
    }

    pub(crate) fn follow(&self, room: &str) {
        self.follow_slowly(room, SlowConsumers::Close);
    }

    /// Follows a room in which this becomes of those who are slow.
    pub(crate) fn follow_slowly(&self, room: &str, slow_consumers: SlowConsumers) {
        self.shard
            .follow(self.id, &name(room), (None, slow_consumers));
    }

    /// Joins without history, and follows.
    pub(crate) async fn enter(&self, room: &str) {
        self.join(room, None).await;
        self.follow(room);
    }

    /// Joins, follows, and is announced.
    pub(crate) async fn enter_announced(&self, room: &str, user: &str) {
        self.join(room, None).await;
        let member = Member {
            connection: self.id,
            user: user.into(),
            name: user.into(),
            state: None,
        };
        let manner = (Some(member), SlowConsumers::Close);
        self.shard.follow(self.id, &name(room), manner);
    }

    pub(crate) fn leave(&self, room: &str) {
        self.shard.leave(self.id, &name(room), Parting::Silent);
    }

    pub(crate) fn wake(&self) -> Wake {
        self.shard
            .poll_wake(self.id, &Context::from_waker(Waker::noop()))
    }

    pub(crate) fn closing(&self) -> Option<Closing> {
        self.wake().closing
    }

    /// Has the peer take so much, and the driver hear of it.
    pub(crate) fn takes(&self, takes: Takes) {
        self.peer.takes.set(takes);
        if self.wake().blocked && takes != Takes::Nothing {
            self.shard.writable(self.id);
        }
    }

    pub(crate) fn offsets(&self, room: &str) -> Vec<u64> {
        self.peer.offsets(room)
    }
}
