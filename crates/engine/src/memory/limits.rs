//! How much the memory engine may keep.

use std::time::Duration;

/// The bounds of a [`super::MemoryEngine`]. Whoever meets one is answered with
/// [`crate::EngineError::Full`], except where it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Rooms that are known at the same time.
    pub rooms_max: usize,
    /// Bytes of history in all rooms together. A room that finds no place gives up its own past; one that
    /// has none keeps nothing.
    pub history_bytes_max: usize,
    /// Keys that a room remembers within their window. A forgotten key would let a publication in
    /// twice, so that a room that is full of them refuses publications with a key.
    pub keys_max: usize,
    /// Members of a room.
    pub members_max: usize,
    /// Members in all rooms whose connections are lost and whose users may be back. Who is lost beyond that is gone
    /// at once.
    pub lost_max: usize,
    /// Users whose cursors a room keeps.
    pub cursors_max: usize,
    /// Nodes with a lease.
    pub nodes_max: usize,
    /// Values that are kept for their time to live.
    pub kept_max: usize,
    /// How long a room that nobody watches, and that keeps nothing, is remembered after its last use.
    pub idle_room_ttl: Duration,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            rooms_max: 1_000_000,
            history_bytes_max: 1024 * 1024 * 1024,
            keys_max: 1_000_000,
            members_max: 100_000,
            lost_max: 100_000,
            cursors_max: 100_000,
            nodes_max: 1_000,
            kept_max: 1_000_000,
            idle_room_ttl: Duration::from_mins(10),
        }
    }
}
