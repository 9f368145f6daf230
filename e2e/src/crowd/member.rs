//! Somebody with a client that people use, who writes down everything.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fastrand::Rng;
use tautline_protocol::model::Position;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::hands::{Hands, Happening, Heard, Standing};
use super::place::Place;
use super::{Content, Order, Person, Progress, Told};
use crate::history::{Entry, Event, History, Key};

/// So many publications of a room wait for their acknowledgement at most.
const WINDOW: usize = 16;
/// One of so many messages is acknowledged, with all before it.
const ACKED_EVERY: u32 = 12;
/// Nothing has happened for so many ticks: everything that came was read.
const QUIET_MIN: u32 = 3;

/// A member of rooms, by a client that people use.
#[derive(Debug)]
pub struct Member {
    person: Person,
    hands: Hands,
    is_connected: bool,
    places: Vec<Place>,
    /// How many publications are not settled.
    unsettled: usize,
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
    /// Somebody who comes with this client.
    pub fn new(
        hands: Hands,
        person: Person,
        orders: watch::Receiver<Order>,
        progress: Arc<Progress>,
        seed: u64,
    ) -> Self {
        let forgets = person.number % 4 < 2;
        let places = person.rooms.iter();
        Self {
            places: places.map(|room| Place::in_room(room, forgets)).collect(),
            history: History {
                client: format!("member {}", person.number),
                entries: Vec::new(),
            },
            hands,
            is_connected: false,
            person,
            unsettled: 0,
            faults: Vec::new(),
            orders,
            progress,
            paused: 0,
            quiet: 0,
            random: Rng::with_seed(seed),
        }
    }

    /// Follows and publishes, until it is to end.
    pub async fn run(mut self) -> Told {
        let mut pace = interval(self.person.pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_done() {
            tokio::select! {
                biased;
                happening = self.hands.next() => self.handle(happening),
                _ = pace.tick() => self.tick(),
                changed = self.orders.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
            }
        }
        Told {
            history: self.history,
            faults: self.faults,
        }
    }

    fn handle(&mut self, happening: Happening) {
        if let Happening::Quiet = happening {
            self.is_quiet();
            return;
        }
        self.quiet = 0;
        match happening {
            Happening::Heard(at, heard) => self.heard(at, heard),
            Happening::Settled(at, sequence, place) => self.settled(at, sequence, place),
            Happening::Standing(standing) => self.stands(standing),
            Happening::Quiet => {}
        }
    }

    /// Something happened in a room.
    fn heard(&mut self, at: usize, heard: Heard) {
        let Some(place) = self.places.get_mut(at) else {
            return;
        };
        let events = place.handle(heard, &mut self.faults);
        if !events.is_empty() {
            place.era = self.progress.era.load(Ordering::Acquire);
        }
        for event in events {
            if let Event::Delivered { .. } = event {
                self.progress.delivered.fetch_add(1, Ordering::Relaxed);
            }
            if let Event::Left = event {
                self.hands.join_anew(at);
            }
            self.note(at, event);
        }
        self.acknowledge(at);
    }

    fn settled(&mut self, at: usize, sequence: u64, place: Result<Position, String>) {
        let producer = self.person.number;
        let key = Key { producer, sequence };
        match place {
            Ok(position) => {
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
        self.unsettled -= 1;
        if self.unsettled == 0 {
            self.progress.unsettled.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The connection is in another state.
    fn stands(&mut self, standing: Standing) {
        let was_connected = self.is_connected;
        self.is_connected = matches!(standing, Standing::Connected);
        match standing {
            Standing::Connected => {
                self.progress.welcomes.fetch_add(1, Ordering::Relaxed);
            }
            Standing::Away(Some(notice)) if was_connected => {
                self.progress.notices.note(notice, self.hands.sort());
            }
            Standing::Away(_) => {}
            Standing::Nonsense(reason) => self.faults.push(reason),
            Standing::Closed(reason) => self.faults.push(format!("closed: {reason}")),
        }
    }

    /// In a pause, it says so once everything has been read.
    fn is_quiet(&mut self) {
        let pause = self.progress.pause.load(Ordering::Acquire);
        if pause == self.paused {
            return;
        }
        self.quiet = if self.is_connected { 0 } else { self.quiet + 1 };
        if self.quiet >= QUIET_MIN {
            self.paused = pause;
            self.progress.pausing.fetch_add(1, Ordering::Release);
        }
    }

    /// Publishes one more in some room, unless that has enough; in a pause, it asks whether all is quiet.
    fn tick(&mut self) {
        if self.progress.pause.load(Ordering::Acquire) != self.paused {
            self.hands.ask_whether_quiet();
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
        let content = Content::of(key).to_json();
        // Everybody uses the same keys: one is its user's alone.
        if let Err(error) = self.hands.publish(chosen, key.sequence, &content) {
            self.faults.push(format!("{key} was not taken: {error}"));
            return;
        }
        place.unsettled += 1;
        if self.unsettled == 0 {
            self.progress.unsettled.fetch_add(1, Ordering::Relaxed);
        }
        self.unsettled += 1;
        self.note(chosen, Event::Sent(key));
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
            self.hands.acknowledge(at, stands);
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
