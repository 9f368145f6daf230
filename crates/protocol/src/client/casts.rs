//! Casts that may not leave yet: the newest of each word, for as long as the connection lives.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::model::{EventName, RoomName};

/// So many wait at most; the oldest makes room.
const CASTS_MAX: usize = 64;

/// What is relayed.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) room: RoomName,
    pub(super) event: EventName,
    pub(super) data: Bytes,
    pub(super) conflate: Option<Arc<str>>,
}

/// Casts that wait.
#[derive(Debug, Default)]
pub(super) struct Casts {
    waiting: VecDeque<Outgoing>,
}

impl Casts {
    /// Takes one in. One with the same words that waits is replaced, where it stands.
    pub(super) fn push(&mut self, cast: Outgoing) {
        let same = |other: &&mut Outgoing| {
            other.conflate.is_some()
                && (&other.room, &other.event, &other.conflate)
                    == (&cast.room, &cast.event, &cast.conflate)
        };
        if let Some(waiting) = self.waiting.iter_mut().find(same) {
            waiting.data = cast.data;
            return;
        }
        if self.waiting.len() >= CASTS_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(cast);
    }

    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        self.waiting.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// Shows where it goes, never what it is: payloads do not belong in logs.
impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Outgoing({} {:?}, {} bytes)",
            self.room,
            self.event,
            self.data.len()
        )
    }
}
