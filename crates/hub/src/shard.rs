//! The driver of one thread's share: its connections, its rooms, its timers.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use bytes::Bytes;
use slab::Slab;
use tautline_engine::{Engine, Events, Listener};
use tautline_protocol::model::{ConnectionId, NodeId, Rate, RoomName};
use tautline_protocol::wire::Message;
use tokio::sync::Notify;

use crate::connection::Connection;
use crate::flush::FlushQueue;
use crate::outbox::{OutboxLimits, Traffic};
use crate::owing::Account;
use crate::room::Room;
use crate::wheel::{Ticket, Wheel};
use crate::{Closing, Encode, Manner, Memory, OnGap, Parting, Sink, Stats, Wake};

/// So many events are taken from the inbox in one turn.
const EVENTS_PER_TURN: usize = 256;

/// The bounds of a shard.
#[derive(Debug, Clone, Copy)]
pub struct ShardLimits {
    /// Of each connection's outbox.
    pub outbox: OutboxLimits,
    /// Above so many members a room's presence is told as a count.
    pub presence_events_max: u32,
    /// Above so many comings and goings it is told as a count, too; none without limit.
    pub presence_rate: Option<Rate>,
    /// How long a count waits for others.
    pub member_count_every: Duration,
    /// How long members whose connections are lost stay present.
    pub presence_grace: Duration,
}

impl Default for ShardLimits {
    fn default() -> Self {
        Self {
            outbox: OutboxLimits::default(),
            presence_events_max: 200,
            presence_rate: Some(Rate {
                per_second: 20,
                burst: 200,
            }),
            member_count_every: Duration::from_secs(1),
            presence_grace: Duration::from_secs(5),
        }
    }
}

/// One thread's share of connections and rooms. Never leaves its thread.
///
/// [`Shard::run`] is its one loop: it takes the engine's events, appends the frames to the outboxes,
/// and writes each connection that has something at the end of the turn, so that many messages cost
/// one system call. Each connection has a driver of its own, which reads; it calls
/// [`Shard::attach`] first, [`Shard::detach`] last, and waits with [`Shard::poll_wake`].
pub struct Shard {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) listener: Listener,
    pub(crate) encode: Rc<dyn Encode>,
    pub(crate) limits: ShardLimits,
    pub(crate) state: RefCell<State>,
    node: NodeId,
    index: u16,
    /// Wakes the loop: something is to be written, or an earlier timer was set.
    stirred: Notify,
    pub(crate) stats: Arc<Stats>,
    pub(crate) memory: Arc<Memory>,
}

pub(crate) struct State {
    pub(crate) connections: Slab<Connection>,
    pub(crate) rooms: HashMap<RoomName, Room>,
    pub(crate) flush: FlushQueue,
    wheel: Wheel<Ticket>,
    /// Who may have to be given something again.
    pub(crate) debts: Wheel<Account>,
    /// So many accounts were opened.
    pub(crate) accounts: u64,
    /// Rooms whose count is to be told, in the order of their time.
    pub(crate) counts: VecDeque<(Instant, RoomName)>,
    serial: u32,
    /// The bytes that wait in all outboxes.
    pub(crate) waiting: Rc<Cell<usize>>,
    /// How many of them the process knows of.
    pub(crate) told_waiting: usize,
}

impl Shard {
    /// A shard that hears of the engine's events as `listener`.
    pub fn new(
        (node, index): (NodeId, u16),
        (engine, listener): (Arc<dyn Engine>, Listener),
        encode: Rc<dyn Encode>,
        limits: ShardLimits,
        memory: Arc<Memory>,
    ) -> Rc<Self> {
        let state = State {
            connections: Slab::new(),
            rooms: HashMap::new(),
            flush: FlushQueue::default(),
            wheel: Wheel::new(now()),
            debts: Wheel::new(now()),
            accounts: 0,
            counts: VecDeque::new(),
            serial: 0,
            waiting: Rc::default(),
            told_waiting: 0,
        };
        Rc::new(Self {
            engine,
            listener,
            encode,
            limits,
            state: state.into(),
            node,
            index,
            stirred: Notify::new(),
            stats: Arc::default(),
            memory,
        })
    }

    /// What this shard counts.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Adds a connection.
    pub fn attach(&self, sink: Rc<dyn Sink>, manner: Manner) -> ConnectionId {
        let mut state = self.state.borrow_mut();
        state.serial = state.serial.wrapping_add(1);
        let serial = state.serial;
        let connection = Connection::new(serial, sink, manner, Rc::clone(&state.waiting));
        let slot = state.connections.insert(connection);
        let slot = u32::try_from(slot).expect("a process holds far fewer descriptors");
        self.name(slot, serial)
    }

    /// Notes whose connection it is.
    pub fn identify(&self, id: ConnectionId, user: Arc<str>) {
        self.with(id, |connection| connection.about.user = Some(user));
    }

    /// Takes a connection away, and says what went through its outbox.
    ///
    /// It leaves the rooms that it is still in: rooms know it by its place, and that is given to another.
    pub fn detach(&self, id: ConnectionId) -> Traffic {
        let rooms = self.with(id, |connection| connection.about.rooms.clone());
        for room in rooms.unwrap_or_default() {
            self.leave(id, &room, Parting::Told);
        }
        let mut state = self.state.borrow_mut();
        if state.connection(id).is_none() {
            return Traffic::default();
        }
        let mut connection = state.connections.remove(id.slot as usize);
        connection.wake_until_low();
        let traffic = connection.outbox.traffic();
        // What waited there waits no more.
        drop(connection);
        self.tell_waiting(&mut state);
        traffic
    }

    /// Appends a frame for one connection.
    pub fn send(&self, id: ConnectionId, frame: Bytes) {
        self.with(id, |connection| {
            connection.push(frame, 1, &self.limits.outbox);
        });
        self.enqueue(id);
    }

    /// Appends what a room keeps for one connection, beside the bounds of its outbox. [`Shard::join`] has waited
    /// until there was room for it.
    pub fn send_history(&self, id: ConnectionId, frame: Bytes) {
        self.with(id, |connection| connection.push_history(frame));
        self.enqueue(id);
    }

    /// Appends the last frame for a connection; nothing follows it.
    pub fn send_last(&self, id: ConnectionId, frame: Bytes) {
        self.with(id, |connection| connection.push_last(frame));
        self.enqueue(id);
    }

    /// Writes what waits for one connection now.
    pub fn writable(&self, id: ConnectionId) {
        let now = now();
        let written = self.with(id, |connection| connection.flush(now, &self.limits.outbox));
        self.stats.wrote(written.unwrap_or(0));
        self.tell_waiting(&mut self.state.borrow_mut());
    }

    /// The bytes that wait for one connection.
    pub fn queued(&self, id: ConnectionId) -> usize {
        self.with(id, |connection| connection.outbox.bytes())
            .unwrap_or(0)
    }

    /// What the driver of a connection is to do; its waker is kept for when there is more.
    pub fn poll_wake(&self, id: ConnectionId, context: &Context<'_>) -> Wake {
        let wake = self
            .with(id, |connection| connection.take_wake(context.waker()))
            .unwrap_or_default();
        if let Some(closing) = wake.closing {
            self.stats.closed(closing);
        }
        wake
    }

    /// Has the driver of a connection woken at `at`.
    pub fn wake_at(&self, id: ConnectionId, at: Instant) {
        let mut state = self.state.borrow_mut();
        let earliest = state.wheel.next();
        state.wheel.set(
            at,
            Ticket {
                slot: id.slot,
                serial: id.serial,
            },
        );
        if state.wheel.next() != earliest {
            self.stirred.notify_one();
        }
    }

    /// Tells a connection to end.
    pub fn close(&self, id: ConnectionId, closing: Closing) {
        self.with(id, |connection| connection.close(closing));
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.state.borrow().connections.is_empty()
    }

    /// Everyone connected, to be ended one by one: first those who can be told things, then the others.
    pub fn connections(&self) -> (Vec<ConnectionId>, Vec<ConnectionId>) {
        let (mut told, mut others) = (Vec::new(), Vec::new());
        for (slot, connection) in &self.state.borrow().connections {
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            let group = match connection.manner.on_gap {
                OnGap::Tell => &mut told,
                OnGap::Close => &mut others,
            };
            group.push(self.name(slot, connection.serial));
        }
        (told, others)
    }

    /// What the whole cluster calls a connection of this shard.
    pub(crate) fn name(&self, slot: u32, serial: u32) -> ConnectionId {
        ConnectionId {
            node: self.node,
            shard: self.index,
            slot,
            serial,
        }
    }

    /// Whether a connection's name says that it is of this shard.
    pub(crate) fn is_mine(&self, id: ConnectionId) -> bool {
        (id.node, id.shard) == (self.node, self.index)
    }

    /// The shard's loop. Ends when the engine is gone.
    pub async fn run(self: Rc<Self>, mut events: Events) {
        let mut heard = Vec::with_capacity(EVENTS_PER_TURN);
        loop {
            let next = self
                .next_timer()
                .unwrap_or_else(|| now() + Duration::from_hours(1));
            tokio::select! {
                biased;
                received = events.receive(&mut heard, EVENTS_PER_TURN) => {
                    if received == 0 && heard.is_empty() {
                        return;
                    }
                    self.handle_events(&mut heard);
                }
                () = tokio::time::sleep_until(next.into()) => {}
                () = self.stirred.notified() => {}
            }
            let now = now();
            self.handle_time(now);
            self.flush_turn(now);
            // Drivers that have something to read, and other rooms, get their turn.
            tokio::task::yield_now().await;
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let state = self.state.borrow();
        let count = state.counts.front().map(|(at, _)| *at);
        let timers = state.wheel.next().into_iter().chain(state.debts.next());
        timers.chain(count).min()
    }

    fn handle_time(self: &Rc<Self>, now: Instant) {
        let mut state = self.state.borrow_mut();
        while let Some(debts) = state.debts.due(now) {
            for account in debts {
                tokio::task::spawn_local(Rc::clone(self).collect(account));
            }
        }
        while let Some(tickets) = state.wheel.due(now) {
            for ticket in tickets {
                let connection = state.connections.get_mut(ticket.slot as usize);
                if let Some(connection) =
                    connection.filter(|connection| connection.serial == ticket.serial)
                {
                    connection.fire();
                }
            }
        }
        while let Some((_, name)) = state.counts.pop_front_if(|(at, _)| *at <= now) {
            let count = state
                .rooms
                .get_mut(&name)
                .and_then(|room| room.count_to_tell.take());
            drop(state);
            if let Some(count) = count {
                self.tell(&name, &Message::MemberCount { room: &name, count });
            }
            state = self.state.borrow_mut();
        }
    }

    /// Writes each connection that has something, as many as fit into one turn.
    fn flush_turn(&self, now: Instant) {
        let state = &mut *self.state.borrow_mut();
        let mut written = 0;
        for slot in state.flush.turn() {
            // A connection that blocked is written to when its socket says so.
            if let Some(connection) = state
                .connections
                .get_mut(slot as usize)
                .filter(|connection| connection.queued)
            {
                connection.queued = false;
                if !connection.blocked {
                    written += connection.flush(now, &self.limits.outbox);
                }
            }
        }
        state.flush.count_written(self::now, self.stats.fan_outs());
        self.stats.wrote(written);
        self.stats.set_rooms(state.rooms.len());
        self.weigh(state);
        if !state.flush.is_empty() {
            self.stirred.notify_one();
        }
    }

    /// Has the loop look what there is to be done.
    pub(crate) fn stir(&self) {
        self.stirred.notify_one();
    }

    pub(crate) fn enqueue(&self, id: ConnectionId) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connection(id) else {
            return;
        };
        if !std::mem::replace(&mut connection.queued, true) {
            state.flush.push(id.slot, 1);
            self.stirred.notify_one();
        }
    }

    pub(crate) fn with<T>(
        &self,
        id: ConnectionId,
        act: impl FnOnce(&mut Connection) -> T,
    ) -> Option<T> {
        self.state.borrow_mut().connection(id).map(act)
    }
}

/// The runtime's time: the machine's, unless a test has stopped it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl State {
    /// A connection, if it is still the one that `id` names.
    pub(crate) fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections
            .get_mut(id.slot as usize)
            .filter(|connection| connection.serial == id.serial)
    }
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}
