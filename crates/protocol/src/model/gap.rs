//! What a subscriber misses of a room.

use super::Position;

/// Publications that a subscriber does not get, one after another in the room's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The offset of the first.
    pub from: u64,
    /// Where the last one stands: the room goes on behind it. Before the first one if the order is
    /// another and nothing of it is missing.
    pub until: Position,
    /// Why.
    pub reason: GapReason,
}

/// Why publications are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// The room does not keep them any more.
    Evicted,
    /// The subscriber stood in another order of the room.
    EpochChanged,
    /// They are more than a subscriber is given at once.
    Limit,
    /// The subscriber took less than it was sent.
    SlowConsumer,
}
