//! How much a store may keep, and how much may wait for it.

use std::time::Duration;

use crate::memory::MemoryLimits;

/// The bounds of an [`super::EmbeddedEngine`]. Whoever meets one is answered with [`crate::EngineError::Full`],
/// or with [`crate::EngineError::Stalled`] where it is a matter of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddedLimits {
    /// The bounds of what is in memory, for rooms of all levels.
    pub memory: MemoryLimits,
    /// Bytes of the database. One that is full refuses durable publications until something has ended.
    pub bytes_max: u64,
    /// Keys that the disk remembers within their window, of all rooms. A forgotten key would let a
    /// publication in twice, so that a store that is full of them refuses publications with a key.
    pub keys_max: u64,
    /// Publications of one room that are in memory, too, while the room is in use.
    pub ring_max: usize,
    /// How long the disk remembers the positions of a room that nobody uses and that keeps nothing.
    pub stored_room_ttl: Duration,
    /// Calls that wait for the disk.
    pub waiting_max: usize,
    /// Bytes of what waits for the disk.
    pub waiting_bytes_max: usize,
    /// A larger file is not searched for damage when it is opened, which takes about a second for each GB;
    /// what is read is checked whatever its size.
    pub checked_bytes_max: u64,
    /// Reads of what is not in memory that wait for the disk.
    pub reads_max: usize,
}

impl Default for EmbeddedLimits {
    fn default() -> Self {
        Self {
            memory: MemoryLimits::default(),
            bytes_max: 64 << 30,
            keys_max: 10_000_000,
            ring_max: 128,
            stored_room_ttl: Duration::from_hours(7 * 24),
            waiting_max: 65_536,
            waiting_bytes_max: 64 << 20,
            checked_bytes_max: 4 << 30,
            reads_max: 16_384,
        }
    }
}
