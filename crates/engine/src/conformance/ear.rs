//! A listener that facts are told by.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tautline_protocol::model::{Position, Publication, PublicationId, RoomName};

use crate::{Engine, Event, Events, Listener, MemberChange, inbox};

/// What does not come within this time does not come: a guard against hanging, not a measure.
const GUARD: Duration = Duration::from_secs(30);

/// Takes events one by one.
pub(super) struct Ear {
    pub(super) listener: Listener,
    events: Events,
    heard: VecDeque<Event>,
}

/// A publication as it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) publication: Arc<Publication>,
    pub(super) previous: PublicationId,
}

impl Ear {
    pub(super) fn attach(engine: &dyn Engine, capacity: usize) -> Self {
        let (inbox, events) = inbox(capacity);
        Self {
            listener: engine.attach(inbox),
            events,
            heard: VecDeque::new(),
        }
    }

    /// Attaches an ear with much room, and watches `room`.
    pub(super) async fn watch(engine: &dyn Engine, room: &RoomName) -> (Self, Position) {
        let ear = Self::attach(engine, 100_000);
        let head = engine.watch(ear.listener, room).await.unwrap();
        (ear, head)
    }

    pub(super) async fn next(&mut self) -> Event {
        while self.heard.is_empty() {
            let mut heard = Vec::new();
            let received = guarded(self.events.receive(&mut heard, 64)).await;
            assert!(received > 0, "the engine dropped its inbox");
            self.heard.extend(heard);
        }
        self.heard.pop_front().unwrap()
    }

    /// The next event, which is a publication.
    pub(super) async fn publication(&mut self) -> Heard {
        let event = self.next().await;
        let Event::Published {
            publication,
            previous,
            at: _,
        } = event
        else {
            panic!("expected a publication, heard {event:?}");
        };
        Heard {
            publication,
            previous,
        }
    }

    pub(super) async fn publications(&mut self, count: usize) -> Vec<Heard> {
        let mut heard = Vec::new();
        while heard.len() < count {
            heard.push(self.publication().await);
        }
        heard
    }

    /// The next event, which is about members: what changed, and how many there are.
    pub(super) async fn members(&mut self) -> (MemberChange, u32) {
        let event = self.next().await;
        let Event::Members { change, count, .. } = event else {
            panic!("expected a change of members, heard {event:?}");
        };
        (change, count)
    }
}

/// Waits, but not forever.
pub(super) async fn guarded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, future)
        .await
        .expect("this comes within the guard's time")
}
