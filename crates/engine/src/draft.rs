//! What comes in: a publication before it has its place.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::{EventName, Position, Retention};

/// A publication that has no place yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What kind of publication it is.
    pub event: EventName,
    /// One JSON value.
    pub data: Bytes,
    /// Who publishes; none for the backend.
    pub user: Option<Arc<str>>,
    /// What the publisher calls it.
    pub tag: Option<Arc<str>>,
    /// Makes a second attempt recognizable.
    pub key: Option<Key>,
}

impl Draft {
    /// What makes two drafts with one key the same; the tag is the attempt's own. The same on every
    /// machine and in every version, because it outlives the process.
    pub(crate) fn content(&self) -> u64 {
        let mut sum = crc32fast::Hasher::new();
        let event = self.event.as_str().as_bytes();
        sum.update(event);
        // No event's name has this byte.
        sum.update(b"\0");
        sum.update(&self.data);
        let length = event.len() as u64 + self.data.len() as u64;
        u64::from(sum.finalize()) << 32 | length & u64::from(u32::MAX)
    }
}

/// The publisher's name for one publication. Scoped by room and user, so that nobody can claim another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(pub Arc<str>);

/// What is relayed to the members of a room, never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// What kind of message it is.
    pub event: EventName,
    /// One JSON value.
    pub data: Bytes,
    /// Who sent it.
    pub user: Option<Arc<str>>,
    /// A later cast with the same word replaces one that still waits to be written.
    pub conflate: Option<Arc<str>>,
}

/// What a room's rule asks of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How much is kept, and for how long.
    pub history: Retention,
    /// What must be reached before a publication is told and answered.
    pub level: Level,
    /// How long keys are remembered, whatever is trimmed meanwhile.
    pub key_window: Duration,
}

/// What a publication has survived when it is answered. Later is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is in this process's memory.
    Memory,
    /// It is on the engine's servers.
    Broker,
    /// It is synced to this machine's disk.
    Disk,
}

/// The answer to a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its place.
    pub position: Position,
    /// Whether an earlier publication with the same key already had this place.
    pub duplicate: bool,
    /// The level that was reached.
    pub level: Level,
}
