//! The client that people use, in the hands of somebody who writes down everything.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use fastrand::Rng;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tautline_client::{
    Acknowledged, BuildError, Client, ConnectionState, EndingKind, PublishError, QueueBounds,
    Retry, RoomEvent, Timeouts,
};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::place::Place;
use super::{Content, Order, Person, Progress, Told};
use crate::history::{Entry, Event, History, Key};

/// So many publications of a room wait for their acknowledgement at most.
const WINDOW: usize = 16;
/// One of so many messages is acknowledged, with all before it.
const ACKED_EVERY: u32 = 12;
/// Faults are found quickly, and everybody is soon back: a run is to see many of them.
const TIMEOUTS: Timeouts = Timeouts {
    token: Duration::from_secs(4),
    dial: Duration::from_secs(4),
    hello: Duration::from_secs(4),
    probe: Duration::from_secs(3),
    silence: Duration::from_secs(3),
    call: Duration::from_secs(10),
};
const RETRY: Retry = Retry {
    base: Duration::from_millis(250),
    cap: Duration::from_millis(250),
    give_up_after: None,
};
/// Nothing that is published is given up while a run lasts, nor do keys end.
const QUEUE: QueueBounds = QueueBounds {
    messages_max: 1024,
    bytes_max: 1 << 22,
    ttl: Duration::from_mins(9),
};

/// What became of a publication: where, which, and what.
type Settled = (usize, Key, Result<Acknowledged, PublishError>);

/// A member of rooms, by the client that people use.
#[derive(Debug)]
pub struct Member {
    person: Person,
    client: Client,
    state: watch::Receiver<ConnectionState>,
    places: Vec<Place>,
    unsettled: FuturesUnordered<BoxFuture<'static, Settled>>,
    history: History,
    faults: Vec<String>,
    orders: watch::Receiver<Order>,
    progress: Arc<Progress>,
    /// The last pause that was kept, and for how many ticks nothing has happened in one.
    paused: usize,
    quiet: u32,
    random: Rng,
}

impl Member {
    /// Somebody who comes to this address. Must be called within a runtime.
    pub fn new(
        person: Person,
        address: SocketAddr,
        orders: watch::Receiver<Order>,
        progress: Arc<Progress>,
        seed: u64,
    ) -> Result<Self, BuildError> {
        let client = Client::builder("ws://tautline.test/")
            .token(&person.token)
            .encoding(person.encoding)
            .timeouts(TIMEOUTS)
            .retry(RETRY)
            .queue(QUEUE)
            .connector(move |_| async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(stream)
            })
            .spawn()?;
        let forgets = person.number % 4 < 2;
        let places = person.rooms.iter();
        Ok(Self {
            places: places
                .map(|room| Place::in_room(&client, room, forgets))
                .collect(),
            history: History {
                client: format!("member {}", person.number),
                entries: Vec::new(),
            },
            state: client.state(),
            client,
            person,
            unsettled: FuturesUnordered::new(),
            faults: Vec::new(),
            orders,
            progress,
            paused: 0,
            quiet: 0,
            random: Rng::with_seed(seed),
        })
    }

    /// Follows and publishes, until it is to end.
    pub async fn run(mut self) -> Told {
        let mut pace = interval(self.person.pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_done() {
            tokio::select! {
                biased;
                (at, event) = next(&mut self.places) => self.saw(at, event),
                Some(settled) = self.unsettled.next() => self.settled(settled),
                Ok(()) = self.state.changed() => self.is_another(),
                _ = pace.tick() => self.tick(),
                changed = self.orders.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
            }
        }
        self.client.close();
        Told {
            history: self.history,
            faults: self.faults,
        }
    }

    /// Something happened in a room.
    fn saw(&mut self, at: usize, event: Option<RoomEvent>) {
        self.quiet = 0;
        let Some(place) = self.places.get_mut(at) else {
            return;
        };
        let Some(event) = event else {
            place.is_over = true;
            let room = &place.room;
            self.faults.push(format!("{room} is over before its time"));
            return;
        };
        let events = place.handle(event, &mut self.faults);
        if !events.is_empty() {
            place.era = self.progress.era.load(Ordering::Acquire);
        }
        for event in events {
            if let Event::Delivered { .. } = event {
                self.progress.delivered.fetch_add(1, Ordering::Relaxed);
            }
            self.note(at, event);
        }
        self.acknowledge(at);
    }

    fn settled(&mut self, (at, key, result): Settled) {
        self.quiet = 0;
        match result {
            Ok(Acknowledged { position, .. }) => {
                self.progress.acknowledged.fetch_add(1, Ordering::Relaxed);
                self.note(at, Event::Published { key, position });
            }
            Err(error) => self
                .faults
                .push(format!("{key} was not published: {error}")),
        }
        if let Some(place) = self.places.get_mut(at) {
            place.unsettled -= 1;
        }
        if self.unsettled.is_empty() {
            self.progress.unsettled.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The connection is in another state.
    fn is_another(&mut self) {
        self.quiet = 0;
        match &*self.state.borrow_and_update() {
            ConnectionState::Connected { .. } => {
                self.progress.welcomes.fetch_add(1, Ordering::Relaxed);
            }
            ConnectionState::Reconnecting { cause, .. } if cause.kind == EndingKind::Nonsense => {
                self.faults.push(cause.to_string());
            }
            ConnectionState::Closed { cause } => self.faults.push(format!("closed: {cause}")),
            ConnectionState::Idle
            | ConnectionState::Connecting { .. }
            | ConnectionState::Reconnecting { .. } => {}
        }
    }

    /// Publishes one more in some room, unless that has enough. In a pause it says so once it has read everything.
    fn tick(&mut self) {
        let pause = self.progress.pause.load(Ordering::Acquire);
        if pause != self.paused {
            let is_away = !matches!(&*self.state.borrow(), ConnectionState::Connected { .. });
            self.quiet = if is_away { self.quiet + 1 } else { 0 };
            if self.quiet > 2 {
                self.paused = pause;
                self.progress.pausing.fetch_add(1, Ordering::Release);
            }
            return;
        }
        let chosen = self.random.usize(..self.places.len().max(1));
        // Also when nothing comes any more, because as much is in flight as may be.
        self.acknowledge(chosen);
        let is_at_work = matches!(*self.orders.borrow(), Order::Work);
        let Some(place) = self.places.get_mut(chosen) else {
            return;
        };
        if !is_at_work || place.unsettled >= WINDOW {
            return;
        }
        let key = place.compose(self.person.number);
        // Everybody uses the same keys: one is its user's alone.
        let counted = key.sequence.to_string();
        let content = Content::of(key);
        let pending = place.handle.enqueue_with_key(&counted, "chat", &content);
        match pending {
            Ok(pending) => {
                place.unsettled += 1;
                if self.unsettled.is_empty() {
                    self.progress.unsettled.fetch_add(1, Ordering::Relaxed);
                }
                let settled = async move { (chosen, key, pending.await) };
                self.unsettled.push(Box::pin(settled));
                self.note(chosen, Event::Sent(key));
            }
            Err(error) => self.faults.push(format!("{key} was not taken: {error}")),
        }
    }

    /// Acknowledges what has come, where that is asked for, and now and then so late that it comes again.
    fn acknowledge(&mut self, at: usize) {
        if self.random.u32(..ACKED_EVERY) > 0 {
            return;
        }
        let Some(place) = self.places.get(at).filter(|place| place.wants_acks) else {
            return;
        };
        if let Some(stands) = place.stands {
            place.handle.acknowledge_position(stands);
            let (epoch, offset) = (stands.epoch, stands.offset);
            self.note(at, Event::Acked { epoch, offset });
        }
    }

    fn note(&mut self, at: usize, event: Event) {
        if let Some(place) = self.places.get(at) {
            self.history.entries.push(Entry {
                room: Arc::clone(&place.room),
                era: place.era,
                event,
            });
        }
    }

    fn is_done(&self) -> bool {
        let is_over = self.places.iter().any(|place| place.is_over);
        match &*self.orders.borrow() {
            Order::Work | Order::Settle => is_over,
            Order::Stop => true,
            Order::Finish(heads) => self.places.iter().all(|place| {
                let head = heads.get(&place.room);
                place.is_over || head.is_none_or(|head| place.has_come_to(*head))
            }),
        }
    }
}

/// What happens next in any room.
async fn next(places: &mut [Place]) -> (usize, Option<RoomEvent>) {
    poll_fn(|context| {
        for (at, place) in places.iter_mut().enumerate() {
            if let Poll::Ready(event) = poll(place, context) {
                return Poll::Ready((at, event));
            }
        }
        Poll::Pending
    })
    .await
}

fn poll(place: &mut Place, context: &mut Context<'_>) -> Poll<Option<RoomEvent>> {
    match &mut place.stream {
        Some(stream) if !place.is_over => Pin::new(stream).poll_next_unpin(context),
        _ => Poll::Pending,
    }
}
