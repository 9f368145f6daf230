//! What was published to a room.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use super::{EventName, Position, RoomName};

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// One publication of a room, in its place of the room's order.
#[derive(Clone, PartialEq, Eq)]
pub struct Publication {
    /// The room that it was published to.
    pub room: RoomName,
    /// Its place in the room's order.
    pub position: Position,
    /// What kind of publication it is, in the application's words.
    pub event: EventName,
    /// The application's data: one JSON value.
    pub data: Bytes,
    /// Who published it; none if the backend did.
    pub user: Option<Arc<str>>,
    /// What the publisher called it: v1's `requestId`, v2's `producer`.
    pub tag: Option<Arc<str>>,
    /// When the engine gave it its place.
    pub sent_at: Timestamp,
}

impl Publication {
    /// The data as one of the application's types.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.data)
    }
}

/// Shows where, never what: payloads do not belong in logs.
impl std::fmt::Debug for Publication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Publication({} {} {:?}, {} bytes)",
            self.room,
            self.position.offset,
            self.event,
            self.data.len()
        )
    }
}
