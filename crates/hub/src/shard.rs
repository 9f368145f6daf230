//! The driver of one thread's share: its connections, its rooms, its timers.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use bytes::Bytes;
use slab::Slab;
use tautline_engine::{Engine, Event, Events, Listener, MemberChange, Signal};
use tautline_protocol::model::{ConnectionId, NodeId, Position, Publication, Rate, RoomName};
use tautline_protocol::wire::Message;
use tokio::sync::Notify;

use crate::connection::Connection;
use crate::fanout::Frames;
use crate::flush::FlushQueue;
use crate::outbox::{OutboxLimits, Traffic};
use crate::room::{Heard, Room};
use crate::wheel::{Ticket, Wheel};
use crate::{Closing, Encode, Manner, Memory, OnGap, Sink, Stats, Wake};

/// So many events are taken from the inbox in one turn.
const EVENTS_PER_TURN: usize = 256;

/// So many publications are joined for the same subscribers at most.
const RUN_MESSAGES_MAX: usize = 64;
/// So many bytes of data are.
const RUN_BYTES_MAX: usize = 64 * 1024;
/// And no more than such a part of what an outbox may hold, so that its bounds are met in small steps.
const RUN_SHARE: usize = 4;

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
    flush: FlushQueue,
    wheel: Wheel,
    /// Rooms whose count is to be told, in the order of their time.
    counts: VecDeque<(Instant, RoomName)>,
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
            self.leave(id, &room, true);
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

    /// Everyone connected, to be ended one by one.
    pub fn connections(&self) -> Vec<ConnectionId> {
        let state = self.state.borrow();
        let id = |(slot, connection): (usize, &Connection)| {
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            self.name(slot, connection.serial)
        };
        state.connections.iter().map(id).collect()
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

    fn handle_events(self: &Rc<Self>, heard: &mut Vec<Event>) {
        let mut events = heard.drain(..).peekable();
        let mut run: Vec<(Arc<Publication>, Instant)> = Vec::new();
        let mut run_bytes = 0;
        let outbox = &self.limits.outbox;
        let bytes_max = RUN_BYTES_MAX.min(outbox.bytes_max / RUN_SHARE);
        let messages_max = RUN_MESSAGES_MAX.min(outbox.messages_max as usize / RUN_SHARE);
        while let Some(event) = events.next() {
            match event {
                Event::Published {
                    publication,
                    previous,
                    at,
                } => {
                    let (room, position) = (publication.room.clone(), publication.position);
                    let heard = self.hear(&publication, previous);
                    if matches!(heard, Heard::Next | Heard::Awaited) {
                        run_bytes += publication.data.len();
                        run.push((publication, at));
                    }
                    let goes_on = matches!(events.peek(), Some(Event::Published { publication, .. }) if publication.room == room);
                    let is_full = run.len() >= messages_max || run_bytes >= bytes_max;
                    if !goes_on || is_full || matches!(heard, Heard::Awaited | Heard::Gap) {
                        self.fan_out(&room, &std::mem::take(&mut run));
                        run_bytes = 0;
                    }
                    if heard == Heard::Gap {
                        self.break_off(&room, Some(position));
                    }
                }
                Event::Members {
                    room,
                    change,
                    count,
                } => self.tell_members(&room, &change, count),
                Event::Gap { room } => self.break_off(&room, None),
                // Only protocol versions that are not served yet speak of casts.
                Event::Cast { .. } => {}
                Event::Signal(signal) => self.obey(&signal),
            }
        }
    }

    /// Takes a publication to its room.
    fn hear(
        &self,
        publication: &Publication,
        previous: tautline_protocol::model::PublicationId,
    ) -> Heard {
        let mut state = self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(&publication.room) else {
            return Heard::Nothing;
        };
        room.handle_publication(publication, previous)
    }

    /// Appends publications, one after another in the room, to the outboxes of its live subscribers.
    fn fan_out(&self, name: &RoomName, run: &[(Arc<Publication>, Instant)]) {
        let state = &mut *self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        if !run.is_empty() {
            let messages: Vec<Message<'_>> = run
                .iter()
                .map(|(publication, _)| Message::Publication(publication))
                .collect();
            let mut frames = Frames::new(&*self.encode, &messages);
            let recipients = room.len();
            let mut delivered = 0;
            for slot in room.live() {
                let Some(connection) = state.connections.get_mut(slot as usize) else {
                    continue;
                };
                delivered += u64::from(frames.count());
                connection.push(
                    frames.of(connection.manner.variant),
                    frames.count(),
                    &self.limits.outbox,
                );
                if !std::mem::replace(&mut connection.queued, true) {
                    state.flush.push(slot, recipients);
                }
            }
            self.stats.delivered(delivered);
            if delivered > 0 {
                for (_, at) in run {
                    state.flush.measure(*at, recipients);
                }
            }
        }
        room.wake_waiting();
    }

    /// Has everyone in a room that goes on elsewhere catch up from where they stood, or ends them.
    fn break_off(self: &Rc<Self>, name: &RoomName, head: Option<Position>) {
        let mut state = self.state.borrow_mut();
        let State {
            connections, rooms, ..
        } = &mut *state;
        let Some(room) = rooms.get_mut(name) else {
            return;
        };
        let mut fallen = room.break_off(head).into_iter().peekable();
        let mut behind = Vec::new();
        for slot in room.everyone() {
            let has_fallen = fallen.next_if_eq(&slot).is_some();
            let Some(connection) = connections.get_mut(slot as usize) else {
                continue;
            };
            match connection.manner.on_gap {
                OnGap::Close => connection.close(Closing::Gap),
                OnGap::Tell if has_fallen => behind.push(self.name(slot, connection.serial)),
                OnGap::Tell => {}
            }
        }
        drop(state);
        for id in behind {
            self.go_on(id, name);
        }
    }

    fn tell_members(&self, name: &RoomName, change: &MemberChange, count: u32) {
        let now = now();
        let mut borrowed = self.state.borrow_mut();
        let state = &mut *borrowed;
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        let is_small = count <= self.limits.presence_events_max;
        if !is_small
            || room
                .told_of_members
                .take(now, self.limits.presence_rate)
                .is_err()
        {
            if room.count_to_tell.replace(count).is_none() {
                let at = now + self.limits.member_count_every;
                state.counts.push_back((at, name.clone()));
            }
            return;
        }
        // A count that waits would come later, and must not be older.
        if let Some(to_tell) = &mut room.count_to_tell {
            *to_tell = count;
        }
        drop(borrowed);
        let room = name;
        self.tell(
            name,
            &match change {
                MemberChange::Joined(member) => Message::MemberJoined {
                    room,
                    member,
                    count,
                },
                MemberChange::Left(member) => Message::MemberLeft {
                    room,
                    member,
                    count,
                },
            },
        );
    }

    /// Appends a message that has no place in the room's order to the outboxes of those who follow it.
    fn tell(&self, name: &RoomName, message: &Message<'_>) {
        let state = &mut *self.state.borrow_mut();
        let Some(room) = state.rooms.get(name) else {
            return;
        };
        let mut frames = Frames::new(&*self.encode, std::slice::from_ref(message));
        let recipients = room.len();
        for slot in room.following() {
            let Some(connection) = state.connections.get_mut(slot as usize) else {
                continue;
            };
            connection.push(frames.of(connection.manner.variant), 1, &self.limits.outbox);
            if !std::mem::replace(&mut connection.queued, true) {
                state.flush.push(slot, recipients);
            }
        }
    }

    fn obey(&self, signal: &Signal) {
        match signal {
            Signal::Disconnect(id) if self.is_mine(*id) => {
                self.close(*id, Closing::Disconnect);
            }
            Signal::Disconnect(_) => {}
            Signal::DisconnectUser(user) => {
                let mut state = self.state.borrow_mut();
                for (_, connection) in &mut state.connections {
                    if connection.about.user.as_ref() == Some(user) {
                        connection.close(Closing::Disconnect);
                    }
                }
            }
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let state = self.state.borrow();
        let count = state.counts.front().map(|(at, _)| *at);
        state.wheel.next().into_iter().chain(count).min()
    }

    fn handle_time(&self, now: Instant) {
        let mut state = self.state.borrow_mut();
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
