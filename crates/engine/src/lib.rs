//! Keeps a room's publications and tells every interested listener of them.
//!
//! [`Engine`] is the contract; [`memory`] is its reference, [`embedded`] keeps what matters on a disk;
//! [`conformance`] is the suite that every engine passes. An engine knows rooms as names: never who listens behind a [`Listener`], never a
//! socket, never the wire.
//!
//! One trait, because storing and broadcasting are one atomic step per room. What is not part of
//! that step, but must live where the rooms live, stands beside it: [`Members`] and [`Keep`].

#[expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a fact that does not hold panics"
)]
pub mod conformance;
mod draft;
pub mod embedded;
mod error;
mod event;
mod inbox;
pub mod memory;
mod page;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::{ConnectionId, Member, NodeId, Position, RoomName};

pub use draft::{Cast, Draft, Key, Level, Published, Terms};
pub use error::EngineError;
pub use event::{Event, MemberChange, Recipient, Signal};
pub use inbox::{Events, Inbox, inbox};
pub use page::{Missing, MissingReason, Page, Range};

/// What an engine answers, some day.
///
/// The call itself takes effect in order; only the answer is awaited. An engine whose work blocks
/// does it on threads of its own, never on the caller's.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + Send + 'a>>;

/// One who listens for events: a shard. Given out by [`Engine::attach`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Listener(pub u16);

/// What an engine can do. Configuration that asks for more refuses to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether it keeps publications at all.
    pub history: bool,
    /// The strongest level that it can promise.
    pub level: Level,
    /// Whether other nodes hear of what is published here.
    pub cluster: bool,
}

/// Keeps rooms in order, and tells every listener that watches them.
///
/// **Order.** `publish` is atomic per room: position, record and event are one step. It takes its
/// place in the room's order when it is called, not when its answer is awaited, so that calls of
/// one caller keep their order. Every listener hears a room's publications in the order of their
/// positions, each with the id of the one before.
///
/// **Level.** A publication is answered, and leaves the engine as an event, only when the level
/// that its terms ask for is reached. What may still be forgotten is not told.
///
/// **Positions.** Offsets of a room are contiguous from 1 within an epoch and are never reused in
/// it. The head, and the last trimmed publication, outlive trimming. Where an engine cannot know
/// that its order went on unbroken, the epoch changes.
///
/// **Loss.** Whoever watches hears every publication after the head that [`Engine::watch`] answered,
/// or [`Event::Gap`]. An engine never guesses.
pub trait Engine: Members + Keep + Debug + Send + Sync {
    /// What this engine can do.
    fn capabilities(&self) -> Capabilities;

    /// Adds a listener for as long as the engine lives. Its events go to `inbox`, and a full inbox
    /// turns them into gaps.
    fn attach(&self, inbox: Inbox) -> Listener;

    /// Gives `draft` the next place in the room, keeps it as `terms` say, and tells who watches.
    ///
    /// A draft whose key the room has seen from the same user within the first one's window changes
    /// nothing and is answered with the first one's position; if its content (event and data; the
    /// tag is the attempt's own) differs, with [`EngineError::Conflict`]. No key is forgotten
    /// early: a room that cannot remember another answers [`EngineError::Full`].
    fn publish<'a>(
        &'a self,
        room: &'a RoomName,
        draft: Draft,
        terms: Terms,
    ) -> Answer<'a, Published>;

    /// Tells who watches, on every node, of something that is not kept and has no position.
    fn relay<'a>(&'a self, room: &'a RoomName, cast: Cast) -> Answer<'a, ()>;

    /// Tells listeners, on every node that `recipient` names, to act. A listener that looks for a
    /// connection in vain has nothing to do, and may be told twice.
    ///
    /// [`EngineError::Full`] if some listener could not be told: try again.
    fn signal(&self, recipient: Recipient, signal: Signal) -> Answer<'_, ()>;

    /// A part of what the room keeps, with an honest account of what it no longer does. A room that
    /// nobody ever used is one that begins now.
    fn read<'a>(&'a self, room: &'a RoomName, range: Range) -> Answer<'a, Page>;

    /// Where the room stands.
    fn head<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Position>;

    /// Has the listener hear of the room from now on, and answers where "now" is.
    fn watch<'a>(&'a self, listener: Listener, room: &'a RoomName) -> Answer<'a, Position>;

    /// Has the listener hear of the room no more.
    fn unwatch(&self, listener: Listener, room: &RoomName);
}

/// Who is present. A member belongs to the lease of its connection's node and ends with it.
pub trait Members {
    /// Keeps the members of a node for `lease` from now. A node that does not renew loses them all,
    /// and everyone who watches their rooms is told.
    fn renew(&self, node: NodeId, lease: Duration) -> Answer<'_, ()>;

    /// Adds a member and tells who watches. If the connection is a member already, what it shows changes to this,
    /// and nothing if it is the same. If a member of the same user is lost, the new one takes its place, and who
    /// watches is told that it returned; if it shows nothing, it shows what the lost one did.
    /// Answers how many there are, or [`EngineError::Unavailable`] while its node has no lease:
    /// renew first.
    fn enter<'a>(&'a self, room: &'a RoomName, member: Member) -> Answer<'a, u32>;

    /// Takes a member away and tells who watches; nothing changes if it is none.
    /// Answers how many are left.
    fn leave<'a>(&'a self, room: &'a RoomName, connection: ConnectionId) -> Answer<'a, u32>;

    /// Takes a member away when `grace` is over, unless its user has entered by then in its place. Until then it is
    /// present. At once if there is no grace, or if too many wait like this already.
    /// Answers how many are left.
    fn lose<'a>(
        &'a self,
        room: &'a RoomName,
        connection: ConnectionId,
        grace: Duration,
    ) -> Answer<'a, u32>;

    /// Everyone present, in the order in which they came.
    fn members<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Vec<Member>>;
}

/// Small things that must live where the rooms live: cursors of acknowledged rooms, and keys that
/// end by themselves (tickets, revocations).
pub trait Keep {
    /// How far a user has acknowledged a room.
    fn cursor<'a>(&'a self, room: &'a RoomName, user: &'a str) -> Answer<'a, Option<Position>>;

    /// Has a user's cursor begin there, if there is none: of those who say so at the same time one is heard. Answers
    /// where it stands.
    fn begin<'a>(&'a self, room: &'a RoomName, user: &'a str, at: Position)
    -> Answer<'a, Position>;

    /// Moves a user's cursor forward, never back within an epoch, and never from the room's epoch
    /// to another. Answers where it stands.
    fn advance<'a>(
        &'a self,
        room: &'a RoomName,
        user: &'a str,
        to: Position,
    ) -> Answer<'a, Position>;

    /// Keeps `value` under `key` for `ttl`, if nothing is kept there. Answers whether it was kept.
    fn put_if_absent<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> Answer<'a, bool>;

    /// What is kept under `key`.
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Bytes>>;
}
