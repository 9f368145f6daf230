//! How a connection comes into a room, keeps up with it, and leaves.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tautline_engine::{EngineError, Missing, MissingReason, Page, Range};
use tautline_protocol::model::{
    ConnectionId, Gap, GapReason, Member, Position, Publication, RoomName, SlowConsumers,
};
use tautline_protocol::wire::Message;

use crate::connection::{Connection, OnGap};
use crate::fanout::Frames;
use crate::shard::State;
use crate::subscription::{CATCH_UP_BYTES_MAX, CATCH_UP_MESSAGES_MAX, Step};
use crate::{Closing, Shard};

/// So many publications are read at once for a subscriber that catches up.
pub(crate) const PAGE_MESSAGES_MAX: u32 = 100;

/// A connection is in a room, and gets nothing of it until [`Shard::follow`] is called.
#[derive(Debug)]
pub struct Joined {
    /// The newest of what the room keeps, if that was asked for; no more than is given to who catches up.
    pub history: Option<Vec<Arc<Publication>>>,
    /// Where it stands: what comes behind it follows.
    pub position: Position,
}

/// How a connection parts from a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// It was never announced there.
    Silent,
    /// It may have been announced, and its leaving is told.
    Told,
    /// The same, but it is lost: its leaving is told if its user is not back in time.
    Lost,
}

/// A connection is in a room again, and gets no more of it than this until [`Shard::follow`] is called.
#[derive(Debug)]
pub struct Resumed {
    /// What is missing behind the position that it came with.
    pub gap: Option<Gap>,
    /// What the first page follows: that position, or the end of the gap.
    pub behind: Position,
    /// The first page behind that, oldest first.
    pub publications: Vec<Arc<Publication>>,
    /// Where it stands with them.
    pub position: Position,
    /// Whether more was published by now, and follows.
    pub more: bool,
}

/// The most of a first page: several rooms may be answered at once.
#[derive(Debug, Clone, Copy)]
pub struct PageMax {
    /// So many publications.
    pub messages: u32,
    /// So many bytes of data.
    pub bytes: usize,
}

impl Shard {
    /// Brings a connection into a room, and reads the newest `history` of what it keeps. Who is in it without
    /// following it may be brought in anew for that.
    ///
    /// What is published from here on reaches the connection after [`Shard::follow`], all of it. History is not read
    /// before the peer has taken most of what was sent to it, so that only one of several waits for it.
    pub async fn join(
        &self,
        id: ConnectionId,
        name: &RoomName,
        history: Option<u32>,
    ) -> Result<Joined, EngineError> {
        let entering = Entering::new(self, name);
        if history.is_some() {
            self.drained(id).await;
        }
        let mut head = self.head(name).await?;
        let page = match history {
            Some(limit) => {
                let limit = limit.min(CATCH_UP_MESSAGES_MAX);
                Some(self.engine.read(name, Range::Last { limit }).await?)
            }
            None => None,
        };
        if page.is_some() {
            // It may have been lost while the page was read.
            head = self.head(name).await?;
        }
        let cursor = page.as_ref().map_or(head, |page| page.head);
        self.subscribe(id, name, cursor);
        drop(entering);
        Ok(Joined {
            history: page.map(|page| newest(page.publications)),
            position: cursor,
        })
    }

    /// Brings a connection that has seen a room up to `since` into it again, and reads on from there.
    pub async fn resume(
        &self,
        id: ConnectionId,
        name: &RoomName,
        (since, max): (Position, PageMax),
    ) -> Result<Resumed, EngineError> {
        let entering = Entering::new(self, name);
        self.head(name).await?;
        let range = Range::After {
            position: since,
            limit: PAGE_MESSAGES_MAX.min(max.messages),
        };
        let mut page = self.engine.read(name, range).await?;
        // It may have been lost while the page was read.
        self.head(name).await?;
        let gap = page.missing.map(gap);
        let behind = gap.map_or(since, |gap| gap.until);
        let mut bytes = 0;
        let fits = |publication: &&Arc<Publication>| {
            bytes += publication.data.len();
            bytes <= max.bytes
        };
        let fitting = page.publications.iter().take_while(fits).count();
        page.publications.truncate(fitting);
        let last = page.publications.last();
        let position = last.map_or(behind, |publication| publication.position);
        self.subscribe(id, name, position);
        drop(entering);
        Ok(Resumed {
            gap,
            behind,
            more: position != page.head,
            position,
            publications: page.publications,
        })
    }

    fn subscribe(&self, id: ConnectionId, name: &RoomName, cursor: Position) {
        let State {
            connections, rooms, ..
        } = &mut *self.state.borrow_mut();
        if let Some(connection) = connections.get_mut(id.slot as usize)
            && connection.serial == id.serial
            && let Some(room) = rooms.get_mut(name)
        {
            room.subscribe(id.slot, cursor);
            connection.about.enter(name);
        }
    }

    /// Lets a connection that has joined follow the room, behind what it was given, and announces it.
    pub fn follow(
        self: &Rc<Self>,
        id: ConnectionId,
        name: &RoomName,
        (member, slow_consumers): (Option<Member>, SlowConsumers),
    ) {
        if let Some(room) = self.state.borrow_mut().rooms.get_mut(name) {
            room.slow_consumers = slow_consumers;
        }
        self.go_on(id, name);
        if let Some(member) = member {
            let (engine, name) = (Arc::clone(&self.engine), name.clone());
            // Presence is told by the engine's event; one that cannot be told is told by the next.
            start(async move { drop(engine.enter(&name, member).await) });
        }
    }

    /// Takes a connection out of a room. What becomes of its member there is for `parting` to say.
    pub fn leave(&self, id: ConnectionId, name: &RoomName, parting: Parting) {
        let mut state = self.state.borrow_mut();
        let Some(connection) = state.connection(id) else {
            return;
        };
        connection.about.rooms.retain(|room| room != name);
        connection.outbox.forget_casts(name);
        if let Some(room) = state.rooms.get_mut(name) {
            room.unsubscribe(id.slot);
            room.tidy();
            room.forget_newest();
        }
        drop(state);
        self.forget_if_empty(name);
        let (engine, name) = (Arc::clone(&self.engine), name.clone());
        let grace = self.limits.presence_grace;
        match parting {
            Parting::Silent => {}
            Parting::Told => start(async move { drop(engine.leave(&name, id).await) }),
            Parting::Lost => start(async move { drop(engine.lose(&name, id, grace).await) }),
        }
    }

    /// Has a subscriber come to where the room stands, if it stands elsewhere.
    pub(crate) fn go_on(self: &Rc<Self>, id: ConnectionId, name: &RoomName) {
        if !matches!(
            self.step(id, name),
            None | Some(Step::Live | Step::Wait | Step::Hold)
        ) {
            tokio::task::spawn_local(Rc::clone(self).catch_up(id, name.clone()));
        }
    }

    /// Gives a subscriber page after page until it stands where the room stands.
    async fn catch_up(self: Rc<Self>, id: ConnectionId, name: RoomName) {
        while let Some(step) = self.step(id, &name) {
            let goes_on = match step {
                Step::Live | Step::Wait | Step::Hold => false,
                Step::Ask(cursor) => self.ask(id, &name, cursor).await,
                Step::Read(after) | Step::Lost(after) => self.read_on(id, &name, after).await,
                Step::Newest(cursor) => self.give_newest(id, &name, cursor).await,
                Step::Skip(gap) => self.skip(id, &name, gap),
            };
            if !goes_on {
                break;
            }
        }
        if let Some(room) = self.state.borrow_mut().rooms.get_mut(&name) {
            room.forget_newest();
        }
    }

    /// Asks where a room stands. False if the subscriber does not need that any more.
    async fn ask(&self, id: ConnectionId, name: &RoomName, cursor: Position) -> bool {
        let entering = Entering::new(self, name);
        let is_known = self.head(name).await.is_ok();
        drop(entering);
        if !self.is_reading(id, name, cursor) {
            return false;
        }
        if !is_known {
            self.close(id, Closing::Gap);
        }
        is_known
    }

    /// Gives a subscriber the page after a position, and tells what the engine no longer has. False if it
    /// does not read on from there.
    async fn read_on(&self, id: ConnectionId, name: &RoomName, mut after: Position) -> bool {
        let left = self
            .left(id, name)
            .and_then(|left| u32::try_from(left).ok());
        let range = Range::After {
            position: after,
            limit: left.map_or(PAGE_MESSAGES_MAX, |left| left.clamp(1, PAGE_MESSAGES_MAX)),
        };
        let page = self.engine.read(name, range).await;
        if !self.is_reading(id, name, after) {
            return false;
        }
        // Nothing is missing, and nothing follows, although the room stands elsewhere: nobody knows more.
        let says_something = |page: &Page| page.missing.is_some() || !page.publications.is_empty();
        let Some(page) = page.ok().filter(says_something) else {
            self.close(id, Closing::Gap);
            return false;
        };
        if let Some(missing) = page.missing {
            if !self.skip(id, name, gap(missing)) {
                return false;
            }
            after = missing.last;
        }
        self.give(id, name, (after, page)).await
    }

    /// Moves a subscriber behind what it does not get. False if it cannot be told, and is ended.
    fn skip(&self, id: ConnectionId, name: &RoomName, gap: Gap) -> bool {
        let mut state = self.state.borrow_mut();
        let Some(connection) = state.connection(id) else {
            return false;
        };
        if connection.manner.on_gap == OnGap::Close {
            connection.close(Closing::Gap);
            return false;
        }
        let message = Message::Gap { room: name, gap };
        let frame = self.encode.encode(connection.manner.variant, &message);
        connection.push(frame, 1, &self.limits.outbox);
        let room = state.rooms.get_mut(name);
        if let Some(room) = room {
            if let Some(ledger) = &mut room.ledger {
                ledger.skip(id.slot, gap.until);
            }
            if let Some(subscription) = room.subscription(id.slot) {
                subscription.skip(gap.until);
            }
        }
        drop(state);
        self.enqueue(id);
        true
    }

    /// Appends a page to a subscriber's outbox, as fast as that drains, and as far as it acknowledges. False if the
    /// subscriber does not read on from there any more: it has left, and may have come again.
    async fn give(
        &self,
        id: ConnectionId,
        name: &RoomName,
        (mut after, page): (Position, Page),
    ) -> bool {
        for publication in &page.publications {
            self.drained(id).await;
            if !self.is_reading(id, name, after) {
                return false;
            }
            if self.left(id, name) == Some(0) {
                return true;
            }
            after = publication.position;
            self.give_one(id, publication);
        }
        true
    }

    fn give_one(&self, id: ConnectionId, publication: &Publication) {
        let mut state = self.state.borrow_mut();
        if let Some(room) = state.rooms.get_mut(&publication.room)
            && let Some(subscription) = room.subscription(id.slot)
        {
            subscription.advance(publication);
        }
        if let Some(connection) = state.connection(id) {
            let message = Message::Publication(publication);
            let frame = self.encode.encode(connection.manner.variant, &message);
            connection.push(frame, 1, &self.limits.outbox);
        }
        let given = [publication.position.id];
        self.note_given(&mut state, id, &publication.room, given);
        drop(state);
        self.enqueue(id);
    }

    /// How many more publications of a room a connection may be given now; none if any number.
    fn left(&self, id: ConnectionId, name: &RoomName) -> Option<usize> {
        self.state.borrow().rooms.get(name)?.left(id.slot)
    }

    /// Gives a subscriber what is newest behind where it stands, once it takes something again, and tells what it
    /// replaced. False if the subscriber does not go on from there any more.
    async fn give_newest(&self, id: ConnectionId, name: &RoomName, mut cursor: Position) -> bool {
        self.when(id, Connection::is_idle).await;
        if !self.is_reading(id, name, cursor) {
            return false;
        }
        let mut state = self.state.borrow_mut();
        let State {
            connections, rooms, ..
        } = &mut *state;
        let (Some(room), Some(connection)) =
            (rooms.get_mut(name), connections.get_mut(id.slot as usize))
        else {
            return false;
        };
        let limits = &self.limits.outbox;
        while let Some(next) = room.next(id.slot, cursor) {
            let gap = next.gap.map(|gap| Message::Gap { room: name, gap });
            let messages = gap
                .into_iter()
                .chain([Message::Publication(&next.publication)]);
            let messages: Vec<Message<'_>> = messages.collect();
            let mut frames = Frames::new(&*self.encode, &messages);
            let bytes = frames.of(connection.manner.variant);
            if !connection.offer(bytes, frames.count(), limits) {
                break;
            }
            cursor = next.publication.position;
            if let Some(subscription) = room.subscription(id.slot) {
                subscription.skip(cursor);
            }
            if !connection.outbox.is_low(limits) {
                break;
            }
        }
        drop(state);
        self.enqueue(id);
        true
    }

    /// Waits until little waits for a connection.
    pub(crate) async fn drained(&self, id: ConnectionId) {
        let limits = &self.limits.outbox;
        self.when(id, |connection, waker| connection.is_low(limits, waker))
            .await;
    }

    /// Waits until a connection is ready for something, or gone.
    async fn when(&self, id: ConnectionId, is_ready: impl Fn(&mut Connection, &Waker) -> bool) {
        poll_fn(|context| {
            let is_ready = self.with(id, |connection| is_ready(connection, context.waker()));
            if is_ready.unwrap_or(true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Where a room stands; the engine is asked if that is not known.
    async fn head(&self, name: &RoomName) -> Result<Position, EngineError> {
        let known = || self.state.borrow().rooms.get(name)?.head();
        if let Some(head) = known() {
            return Ok(head);
        }
        let watched = self.engine.watch(self.listener, name).await?;
        if let Some(room) = self.state.borrow_mut().rooms.get_mut(name) {
            room.handle_watched(watched);
        }
        Ok(known().unwrap_or(watched))
    }

    fn is_reading(&self, id: ConnectionId, name: &RoomName, after: Position) -> bool {
        let state = &mut *self.state.borrow_mut();
        state.connection(id).is_some()
            && state
                .rooms
                .get_mut(name)
                .and_then(|room| room.subscription(id.slot))
                .is_some_and(|subscription| subscription.is_reading_after(after))
    }

    fn step(&self, id: ConnectionId, name: &RoomName) -> Option<Step> {
        let state = &mut *self.state.borrow_mut();
        state.connection(id)?;
        state.rooms.get_mut(name)?.step(id.slot)
    }

    fn forget_if_empty(&self, name: &RoomName) {
        let mut state = self.state.borrow_mut();
        if state
            .rooms
            .get(name)
            .is_some_and(|room| room.is_empty() && room.entering == 0)
        {
            state.rooms.remove(name);
            self.engine.unwatch(self.listener, name);
        }
    }
}

/// The last of these publications, no more bytes of data than one connection is given at once.
fn newest(mut publications: Vec<Arc<Publication>>) -> Vec<Arc<Publication>> {
    let mut bytes = 0;
    let fits = |publication: &&Arc<Publication>| {
        bytes += publication.data.len();
        bytes <= CATCH_UP_BYTES_MAX
    };
    let fitting = publications.iter().rev().take_while(fits).count();
    publications.drain(..publications.len() - fitting);
    publications
}

/// What an engine misses, as a subscriber is told.
fn gap(missing: Missing) -> Gap {
    Gap {
        from: missing.from,
        until: missing.last,
        reason: match missing.reason {
            MissingReason::Evicted => GapReason::Evicted,
            MissingReason::EpochChanged => GapReason::EpochChanged,
        },
    }
}

/// Makes a call of the engine now, so that it takes its place among the others, and has its answer
/// awaited in the background.
fn start(call: impl Future<Output = ()> + 'static) {
    let mut call = Box::pin(call);
    let now = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    if now.is_pending() {
        tokio::task::spawn_local(call);
    }
}

/// Keeps a room that somebody is about to join; gives it up again even if the joining is dropped midway.
struct Entering<'a> {
    shard: &'a Shard,
    name: &'a RoomName,
}

impl<'a> Entering<'a> {
    fn new(shard: &'a Shard, name: &'a RoomName) -> Self {
        let mut state = shard.state.borrow_mut();
        // The common case is a room that is known: no clone of its name for that.
        match state.rooms.get_mut(name) {
            Some(room) => room.entering += 1,
            None => state.rooms.entry(name.clone()).or_default().entering = 1,
        }
        Self { shard, name }
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        if let Some(room) = self.shard.state.borrow_mut().rooms.get_mut(self.name) {
            room.entering -= 1;
        }
        self.shard.forget_if_empty(self.name);
    }
}
