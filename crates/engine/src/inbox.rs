//! The bounded way from an engine to a listener.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tautline_protocol::model::RoomName;
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::Event;

/// The engine's end: never waits, never grows past its bound.
#[derive(Debug, Clone)]
pub struct Inbox {
    events: mpsc::Sender<Event>,
    lost: Arc<Mutex<HashSet<RoomName>>>,
}

/// The listener's end.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
    lost: Arc<Mutex<HashSet<RoomName>>>,
}

/// An inbox for `capacity` events.
pub fn inbox(capacity: usize) -> (Inbox, Events) {
    let (sender, receiver) = mpsc::channel(capacity);
    let lost = Arc::<Mutex<HashSet<RoomName>>>::default();
    (
        Inbox {
            events: sender,
            lost: Arc::clone(&lost),
        },
        Events {
            events: receiver,
            lost,
        },
    )
}

impl Inbox {
    /// Hands an event to the listener. If the inbox is full, the listener will hear of a gap in the
    /// event's room instead; rooms with a gap are remembered once each, so they are as bounded as
    /// the rooms that the listener watches. Signals are few and are lost to a full inbox.
    pub fn push(&self, event: Event) {
        match self.events.try_send(event) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(event)) => {
                let Some(room) = event.room() else { return };
                self.lost.lock().insert(room.clone());
                // The listener may have drained the queue, and looked for losses, just before the
                // insertion: this wakes it. If the queue is full still, it will look again by itself.
                drop(self.events.try_send(Event::Gap { room: room.clone() }));
            }
        }
    }
}

impl Events {
    /// Waits for events and moves up to `limit` of them to `into`; 0 when the engine is gone.
    ///
    /// A gap comes after everything that was queued before it.
    pub async fn receive(&mut self, into: &mut Vec<Event>, limit: usize) -> usize {
        let received = self.events.recv_many(into, limit).await;
        if self.events.is_empty() {
            let lost = std::mem::take(&mut *self.lost.lock());
            into.extend(lost.into_iter().map(|room| Event::Gap { room }));
        }
        received
    }
}

impl Event {
    /// The room that the event is of; none for a signal.
    pub fn room(&self) -> Option<&RoomName> {
        match self {
            Self::Published { publication, .. } => Some(&publication.room),
            Self::Cast { room, .. } | Self::Members { room, .. } | Self::Gap { room } => Some(room),
            Self::Signal(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(room: &str) -> Event {
        Event::Gap {
            room: RoomName::parse(room).unwrap(),
        }
    }

    #[tokio::test]
    async fn a_full_inbox_becomes_one_gap_per_room_after_what_was_queued() {
        let (inbox, mut events) = inbox(2);
        for room in ["a", "b", "c", "c", "d"] {
            inbox.push(gap(room));
        }
        let mut heard = Vec::new();
        events.receive(&mut heard, 10).await;
        let mut rooms: Vec<_> = heard
            .iter()
            .map(|event| event.room().unwrap().as_str())
            .collect();
        rooms[2..].sort_unstable();
        assert_eq!(rooms, ["a", "b", "c", "d"]);
    }

    #[tokio::test]
    async fn gaps_wait_until_the_queue_is_drained() {
        let (inbox, mut events) = inbox(2);
        for room in ["a", "b", "c"] {
            inbox.push(gap(room));
        }
        let mut heard = Vec::new();
        events.receive(&mut heard, 1).await;
        assert_eq!(heard.len(), 1);
        events.receive(&mut heard, 1).await;
        assert_eq!(heard.len(), 3);
    }
}
