//! Where in a room's order a publication stands.

use std::fmt;

/// One life of a room's order. A new epoch means that earlier offsets say nothing any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

/// The identity of one publication: a UUID, ordered by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PublicationId(pub [u8; 16]);

/// A point in a room's order: the publication with this `offset`, and its `id` as proof.
///
/// Offsets are contiguous from 1 within an epoch; offset 0, with the zero id, is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The life of the order that `offset` counts in.
    pub epoch: Epoch,
    /// How many publications the room had seen with this one.
    pub offset: u64,
    /// The id of the publication at `offset`.
    pub id: PublicationId,
}

impl Position {
    /// The position before a room's first publication.
    pub fn start(epoch: Epoch) -> Self {
        Self {
            epoch,
            offset: 0,
            id: PublicationId::default(),
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PublicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for PublicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
