//! The bounded way from an engine to a listener.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use tautline_protocol::model::RoomName;
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{Event, Signal};

/// So many signals wait beside a full queue.
const SIGNALS_MAX: usize = 1_024;

/// The engine's end: never waits, never grows past its bound.
#[derive(Debug, Clone)]
pub struct Inbox {
    queue: mpsc::Sender<Event>,
    overflow: Arc<Mutex<Overflow>>,
}

/// The listener's end.
#[derive(Debug)]
pub struct Events {
    queue: mpsc::Receiver<Event>,
    overflow: Arc<Mutex<Overflow>>,
    /// Rooms whose gap waits for what was queued before it.
    pending: HashSet<RoomName>,
    /// How many events have come since.
    waited: usize,
}

/// What did not fit the queue.
#[derive(Debug, Default)]
struct Overflow {
    lost: HashSet<RoomName>,
    signals: Vec<Signal>,
}

/// An inbox for `capacity` events.
pub fn inbox(capacity: usize) -> (Inbox, Events) {
    let (sender, receiver) = mpsc::channel(capacity);
    let overflow = Arc::<Mutex<Overflow>>::default();
    let inbox = Inbox {
        queue: sender,
        overflow: Arc::clone(&overflow),
    };
    let events = Events {
        queue: receiver,
        overflow,
        pending: HashSet::new(),
        waited: 0,
    };
    (inbox, events)
}

impl Inbox {
    /// Hands an event to the listener.
    ///
    /// If the queue is full, the listener will hear of a gap in the event's room instead. Rooms with
    /// a gap are remembered once each, so they are as bounded as the rooms that the listener watches.
    /// A signal waits beside the queue and may be heard twice. A cast is dropped: nobody can read it
    /// again. False says that the listener will hear nothing, which only casts and the last of very
    /// many signals meet.
    pub fn push(&self, event: Event) -> bool {
        let Err(TrySendError::Full(event)) = self.queue.try_send(event) else {
            return true;
        };
        let waking = match event {
            Event::Cast { .. } => return false,
            Event::Signal(signal) => {
                let signals = &mut self.overflow.lock().signals;
                if signals.len() >= SIGNALS_MAX {
                    return signals.contains(&signal);
                }
                signals.push(signal.clone());
                Event::Signal(signal)
            }
            Event::Published { .. } | Event::Members { .. } | Event::Gap { .. } => {
                let Some(room) = event.room() else {
                    return false;
                };
                self.overflow.lock().lost.insert(room.clone());
                Event::Gap { room: room.clone() }
            }
        };
        // The listener may have drained the queue, and looked for what overflowed, just before: this
        // wakes it. If the queue is full still, it will look again by itself.
        drop(self.queue.try_send(waking));
        true
    }
}

impl Events {
    /// Waits for events and moves up to `limit` of them, and what did not fit the queue, to `into`;
    /// answers 0 when the engine is gone.
    ///
    /// A gap comes after everything that was queued before it, and not much later than that even if
    /// the queue is never empty.
    pub async fn receive(&mut self, into: &mut Vec<Event>, limit: usize) -> usize {
        let received = self.queue.recv_many(into, limit).await;
        let mut overflow = self.overflow.lock();
        into.extend(overflow.signals.drain(..).map(Event::Signal));
        if self.queue.is_empty() {
            self.pending.extend(overflow.lost.drain());
            self.waited = self.queue.max_capacity();
        } else if self.pending.is_empty() {
            self.pending = mem::take(&mut overflow.lost);
            self.waited = 0;
        } else {
            self.waited += received;
        }
        if self.waited >= self.queue.max_capacity() {
            let gaps = mem::take(&mut self.pending).into_iter();
            into.extend(gaps.map(|room| Event::Gap { room }));
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
    use tautline_protocol::model::EventName;

    use super::*;
    use crate::Cast;

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
    async fn a_gap_is_told_although_the_queue_is_never_empty() {
        let (inbox, mut events) = inbox(4);
        for room in ["a", "b", "c", "d", "lost"] {
            inbox.push(gap(room));
        }
        let mut heard = Vec::new();
        for _ in 0..6 {
            events.receive(&mut heard, 1).await;
            inbox.push(gap("next"));
        }
        let lost = heard
            .iter()
            .position(|event| event.room().unwrap().as_str() == "lost");
        assert!(lost >= Some(4), "told before what was queued: {heard:?}");
    }

    #[tokio::test]
    async fn signals_wait_beside_a_full_queue() {
        let (inbox, mut events) = inbox(1);
        inbox.push(gap("a"));
        let signal = |number: usize| Signal::DisconnectUser(number.to_string().into());
        for number in 0..SIGNALS_MAX {
            assert!(inbox.push(Event::Signal(signal(number))));
        }
        assert!(!inbox.push(Event::Signal(signal(SIGNALS_MAX))));
        let mut heard = Vec::new();
        events.receive(&mut heard, 1).await;
        assert_eq!(heard.len(), 1 + SIGNALS_MAX);
    }

    #[tokio::test]
    async fn a_cast_that_does_not_fit_is_no_gap() {
        let (inbox, mut events) = inbox(1);
        inbox.push(gap("a"));
        let cast = Cast {
            event: EventName::chat(),
            data: "1".into(),
            user: None,
            conflate: None,
        };
        let room = RoomName::parse("b").unwrap();
        let cast = Arc::new(cast);
        assert!(!inbox.push(Event::Cast { room, cast }));
        let mut heard = Vec::new();
        events.receive(&mut heard, 10).await;
        assert_eq!(heard.len(), 1);
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
