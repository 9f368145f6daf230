//! What a client writes down, in the order in which it did and saw it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tautline_protocol::model::{Epoch, Position};

/// A room's name.
pub type Room = Arc<str>;

/// One publication, as its producer counts them. It travels in the publication's data, and its number as the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Who published.
    pub producer: u32,
    /// The how-manieth of this producer in this room.
    pub sequence: u64,
}

/// What a server says of messages that a client will not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// The first that is missing.
    pub from: u64,
    /// The last that is missing.
    pub to: u64,
    /// Where it goes on, with the new epoch if it changed.
    pub position: Position,
}

/// Something that a client did or saw in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It sent a publication, perhaps not for the first time.
    Sent(Key),
    /// It was told that its publication is at this place.
    Published {
        /// Which.
        key: Key,
        /// Where.
        position: Position,
    },
    /// It became a member, or one again.
    Joined {
        /// Where it stood, if it remembered that.
        since: Option<Position>,
        /// Behind which it gets messages, if it did not say where it stood.
        position: Position,
        /// Whether it was told that nothing is missing.
        recovered: bool,
        /// What it was told that it has missed.
        gap: Option<Missed>,
    },
    /// It received a message.
    Delivered {
        /// The message's place.
        position: Position,
        /// What was published there; none if it is nothing that anybody wrote.
        key: Option<Key>,
    },
    /// It received a message of an acked room again, which it had not acked.
    Redelivered {
        /// The message's place.
        position: Position,
        /// What was published there; none if it is nothing that anybody wrote.
        key: Option<Key>,
    },
    /// It was told that it has missed something.
    Missed(Missed),
    /// It acked everything up to there.
    Acked {
        /// In which life of the room.
        epoch: Epoch,
        /// Up to where.
        offset: u64,
    },
    /// It left, or forgot where it stood.
    Left,
}

/// An event and its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it happened.
    pub room: Room,
    /// How often the server had gone back to an older copy of its disk before.
    pub era: usize,
    /// What happened.
    pub event: Event,
}

/// What one client did and saw, over all its connections.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// How the client is called in what is found.
    pub client: String,
    /// In the order in which it happened to the client.
    pub entries: Vec<Entry>,
}

/// What a room promises of publications that were acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// They are there as long as the server runs: a new epoch may know nothing of them.
    Memory,
    /// They are there whatever happens to the server.
    Durable,
}

/// What a room has in the end.
#[derive(Debug, Clone)]
pub struct Log {
    /// Which room.
    pub room: Room,
    /// What it promises.
    pub promise: Promise,
    /// The place behind the last publication that was trimmed; the start if none was.
    pub behind: Position,
    /// What is kept, oldest first.
    pub publications: Vec<(Position, Option<Key>)>,
}

/// The end of an era: the server went on with an older copy of its disk.
#[derive(Debug, Clone, Default)]
pub struct Rewind {
    /// Whether it was brought back as the manual says: then nobody may be told that nothing is missing.
    pub is_announced: bool,
    /// Where durable rooms stood before the copy was made. Nothing up to there may be lost.
    pub heads: HashMap<Room, Position>,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.producer, self.sequence)
    }
}
