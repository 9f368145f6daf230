//! What a room still has, and what it no longer does.

use std::sync::Arc;

use tautline_protocol::model::{Position, Publication};

/// Which part of a room's past is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The newest, at most so many.
    Last {
        /// How many.
        limit: u32,
    },
    /// What came after a position that the caller has seen.
    After {
        /// What was seen.
        position: Position,
        /// How many, oldest first.
        limit: u32,
    },
    /// What came before an offset.
    Before {
        /// The first that is not wanted.
        offset: u64,
        /// How many, the newest of them.
        limit: u32,
    },
}

/// A part of a room's past, oldest first and contiguous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The publications.
    pub publications: Vec<Arc<Publication>>,
    /// Where the room stood when it was read.
    pub head: Position,
    /// Whether the range holds more than the page: newer ones for `After`, older ones for `Last` and `Before`.
    pub more: bool,
    /// What lies between the position that [`Range::After`] asked for and the page, and is lost.
    /// The page then begins with the oldest that is kept. Always none for the other ranges.
    ///
    /// None, for [`Range::After`], is a promise: the room held exactly this id at exactly this offset,
    /// and nothing is missing between it and the page.
    pub missing: Option<Missing>,
}

/// Publications that cannot be handed out any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The first missing offset.
    pub from: u64,
    /// Where the last missing one stands: whoever goes on from there misses nothing more. Before the
    /// first one if nothing is missing in this order.
    pub last: Position,
    /// Why.
    pub reason: MissingReason,
}

/// Why publications are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingReason {
    /// They were trimmed.
    Evicted,
    /// The position is of another order: another epoch, an offset that this one has not reached, or
    /// another publication had this offset. What is missing is counted in the order of the page,
    /// from its first offset on, and is nothing (the last offset is 0) if all of it is kept.
    EpochChanged,
}
