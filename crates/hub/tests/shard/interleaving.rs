//! Whatever happens in whatever order: each guest gets each room without a hole and without a
//! repetition from where it joined until it left, or is told to end.

use std::collections::{BTreeMap, HashMap};
use std::future::Future as _;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use tautline_engine::EngineError;
use tautline_hub::{Joined, OutboxLimits, ShardLimits};
use tokio::task::{JoinHandle, spawn_local, yield_now};

use crate::house::{Guest, House, name, run, settle};
use crate::peer::Takes;

const ROOMS: [&str; 3] = ["a", "b", "bare"];
const GUESTS: usize = 4;

#[derive(Debug, Clone)]
enum Act {
    Publish(usize),
    Join {
        guest: usize,
        room: usize,
        history: Option<u32>,
    },
    /// Joins and follows at once, which an engine that answers at once allows.
    Enter {
        guest: usize,
        room: usize,
        history: Option<u32>,
    },
    DropJoin {
        guest: usize,
        room: usize,
    },
    Follow {
        guest: usize,
        room: usize,
    },
    Leave {
        guest: usize,
        room: usize,
    },
    Replace(usize),
    Takes(usize, Takes),
    ShutReads,
    ShutWatches,
    PassReads(usize),
    OpenGates,
    Turn,
    Settle,
}

fn act() -> impl Strategy<Value = Act> {
    let (guest, room) = (|| 0..GUESTS, || 0..ROOMS.len());
    let history = || prop_oneof![Just(None), (0..5_u32).prop_map(Some)];
    let takes = prop_oneof![
        2 => Just(Takes::All),
        1 => (1..100_usize).prop_map(Takes::Bytes),
        1 => Just(Takes::Nothing),
    ];
    prop_oneof![
        10 => room().prop_map(Act::Publish),
        4 => (guest(), room(), history())
            .prop_map(|(guest, room, history)| Act::Join { guest, room, history }),
        4 => (guest(), room(), history())
            .prop_map(|(guest, room, history)| Act::Enter { guest, room, history }),
        1 => (guest(), room()).prop_map(|(guest, room)| Act::DropJoin { guest, room }),
        6 => (guest(), room()).prop_map(|(guest, room)| Act::Follow { guest, room }),
        2 => (guest(), room()).prop_map(|(guest, room)| Act::Leave { guest, room }),
        1 => guest().prop_map(Act::Replace),
        3 => (guest(), takes).prop_map(|(guest, takes)| Act::Takes(guest, takes)),
        1 => Just(Act::ShutReads),
        1 => Just(Act::ShutWatches),
        1 => (1..4_usize).prop_map(Act::PassReads),
        2 => Just(Act::OpenGates),
        4 => Just(Act::Turn),
        4 => Just(Act::Settle),
    ]
}

/// How far a guest has come into a room.
enum Within {
    Joining(JoinHandle<Result<Joined, EngineError>>),
    Following,
}

/// A driver as a server has one: it says when it joins and leaves, in the peer's own stream.
struct Driver {
    guest: Guest,
    rooms: BTreeMap<usize, Within>,
    /// Whether it has followed a room that keeps nothing, and so may have met a gap.
    followed_bare: bool,
    ended: bool,
}

impl Driver {
    fn say(&self, house: &House, what: String) {
        house.shard.send(self.guest.id, what.into());
    }

    fn join(&mut self, house: &House, room: usize, history: Option<u32>) {
        if self.rooms.contains_key(&room) {
            return;
        }
        let (shard, id) = (Rc::clone(&house.shard), self.guest.id);
        let joining = spawn_local(async move { shard.join(id, &name(ROOMS[room]), history).await });
        self.rooms.insert(room, Within::Joining(joining));
    }

    /// Follows a room that it has joined; `published` are there now.
    async fn follow(&mut self, house: &House, room: usize, published: u64) {
        let joining = match self.rooms.get_mut(&room) {
            Some(Within::Joining(joining)) if joining.is_finished() => joining,
            _ => return,
        };
        let joined = joining.await.unwrap().unwrap();
        self.follow_as(house, room, (joined, published));
    }

    /// Joins and follows in one step, if the engine answers at once.
    fn enter(&mut self, house: &House, (room, history): (usize, Option<u32>), published: u64) {
        if self.rooms.contains_key(&room) {
            return;
        }
        let room_name = name(ROOMS[room]);
        let mut joining = pin!(house.shard.join(self.guest.id, &room_name, history));
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(joined) = joining.as_mut().poll(&mut context) {
            self.follow_as(house, room, (joined.unwrap(), published));
        }
    }

    fn follow_as(&mut self, house: &House, room: usize, (joined, published): (Joined, u64)) {
        let history = joined.history.unwrap_or_default();
        let since = history
            .last()
            .map(|publication| publication.position.offset.to_string());
        let since = since.unwrap_or_else(|| format!("<={published}"));
        self.say(house, format!("joined {} {since}\n", ROOMS[room]));
        self.guest.follow(ROOMS[room]);
        self.rooms.insert(room, Within::Following);
        self.followed_bare |= ROOMS[room] == "bare";
    }

    fn leave(&mut self, house: &House, room: usize) {
        match self.rooms.remove(&room) {
            Some(Within::Joining(joining)) => {
                joining.abort();
                self.guest.leave(ROOMS[room]);
            }
            Some(Within::Following) => {
                self.guest.leave(ROOMS[room]);
                self.say(house, format!("left {}\n", ROOMS[room]));
            }
            None => {}
        }
    }

    /// Ends if it was told to.
    fn listen(&mut self, house: &House) {
        if !self.ended && self.guest.closing().is_some() {
            self.ended = true;
            for room in 0..ROOMS.len() {
                self.leave(house, room);
            }
        }
    }

    /// What came is whole; and complete, if the guest was not told to end.
    fn check(&self, published: Option<&[u64]>) {
        let lines = self.guest.peer.lines();
        // Where the next publication of each room is expected: at most there, before the first.
        let mut next: HashMap<&str, (u64, bool)> = HashMap::new();
        for line in lines.iter().filter_map(|line| line.strip_suffix('\n')) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["joined", room, since] => {
                    let at_most = since.strip_prefix("<=");
                    let since: u64 = at_most.unwrap_or(since).parse().unwrap();
                    let before = next.insert(room, (since + 1, at_most.is_none()));
                    assert_eq!(before, None, "{lines:?}");
                }
                ["left", room] => {
                    assert!(next.remove(room).is_some(), "{lines:?}");
                }
                ["p", room, offset, _] => {
                    let offset: u64 = offset.parse().unwrap();
                    let (expected, exactly) = next[room];
                    assert!(
                        offset == expected || !exactly && offset < expected,
                        "{room} {offset}, not {expected}: {lines:?}"
                    );
                    next.insert(room, (offset + 1, true));
                }
                _ => panic!("{line}"),
            }
        }
        if let Some(published) = published.filter(|_| !self.ended) {
            for (room, published) in ROOMS.iter().zip(published) {
                if let Some(next) = next.get(room) {
                    assert_eq!(*next, (published + 1, true), "{room}: {lines:?}");
                }
            }
        }
    }
}

struct World {
    house: House,
    drivers: Vec<Driver>,
    published: [u64; ROOMS.len()],
}

impl World {
    fn new(inbox_capacity: usize, outbox: OutboxLimits) -> Self {
        let limits = ShardLimits {
            outbox,
            ..ShardLimits::default()
        };
        let house = House::with(limits, inbox_capacity);
        let drivers = (0..GUESTS).map(|_| Self::driver(&house)).collect();
        Self {
            house,
            drivers,
            published: [0; ROOMS.len()],
        }
    }

    fn driver(house: &House) -> Driver {
        Driver {
            guest: house.guest(),
            rooms: BTreeMap::new(),
            followed_bare: false,
            ended: false,
        }
    }

    async fn perform(&mut self, act: Act) {
        let house = &self.house;
        match act {
            Act::Publish(room) => self.published[room] = house.publish(ROOMS[room], "x").await,
            Act::Join { guest, .. }
            | Act::Enter { guest, .. }
            | Act::DropJoin { guest, .. }
            | Act::Follow { guest, .. }
            | Act::Leave { guest, .. }
            | Act::Takes(guest, _)
                if self.drivers[guest].ended => {}
            Act::Join {
                guest,
                room,
                history,
            } => self.drivers[guest].join(house, room, history),
            Act::Enter {
                guest,
                room,
                history,
            } => {
                let published = self.published[room];
                self.drivers[guest].enter(house, (room, history), published);
            }
            Act::DropJoin { guest, room } => {
                if let Some(Within::Joining(_)) = self.drivers[guest].rooms.get(&room) {
                    self.drivers[guest].leave(house, room);
                }
            }
            Act::Follow { guest, room } => {
                let published = self.published[room];
                self.drivers[guest].follow(house, room, published).await;
            }
            Act::Leave { guest, room } => self.drivers[guest].leave(house, room),
            Act::Replace(guest) => {
                let mut gone = std::mem::replace(&mut self.drivers[guest], Self::driver(house));
                // Joins that are under way go on, for a connection that is gone.
                gone.rooms.retain(|_, within| match within {
                    Within::Joining(joining) => joining.is_finished(),
                    Within::Following => true,
                });
                for room in 0..ROOMS.len() {
                    gone.leave(house, room);
                }
                house.shard.detach(gone.guest.id);
                gone.check(None);
            }
            Act::Takes(guest, takes) => self.drivers[guest].guest.takes(takes),
            Act::ShutReads => house.engine.reads.shut(),
            Act::ShutWatches => house.engine.watches.shut(),
            Act::PassReads(answers) => house.engine.reads.pass(answers),
            Act::OpenGates => {
                house.engine.reads.open();
                house.engine.watches.open();
            }
            Act::Turn => yield_now().await,
            Act::Settle => settle().await,
        }
    }

    fn listen(&mut self) {
        for driver in &mut self.drivers {
            driver.listen(&self.house);
        }
    }

    /// Lets everything come to its end, with one more publication in each room.
    async fn finish(&mut self) {
        self.perform(Act::OpenGates).await;
        for _ in 0..2 {
            for guest in 0..GUESTS {
                self.perform(Act::Takes(guest, Takes::All)).await;
            }
            settle().await;
            self.listen();
        }
        for room in 0..ROOMS.len() {
            for guest in 0..GUESTS {
                self.perform(Act::Follow { guest, room }).await;
            }
            settle().await;
            self.listen();
            self.perform(Act::Publish(room)).await;
            settle().await;
            self.listen();
        }
        for driver in &mut self.drivers {
            driver.check(Some(&self.published));
            for room in 0..ROOMS.len() {
                driver.leave(&self.house, room);
            }
        }
        settle().await;
        for room in ROOMS {
            assert_eq!(self.house.engine.watchers(room), 0, "{room} is left behind");
        }
    }
}

fn check(acts: Vec<Act>, (inbox_capacity, outbox): (usize, OutboxLimits), is_narrow: bool) {
    run(async move {
        let mut world = World::new(inbox_capacity, outbox);
        for act in acts {
            world.perform(act).await;
            world.listen();
        }
        world.finish().await;
        for driver in &world.drivers {
            assert!(!driver.ended || driver.followed_bare || is_narrow);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_lost_or_doubled_with_room_to_spare(
        acts in prop::collection::vec(act(), 0..200),
    ) {
        check(acts, (8192, OutboxLimits::default()), false);
    }

    #[test]
    fn nothing_is_lost_or_doubled_in_narrow_bounds(
        acts in prop::collection::vec(act(), 0..200),
        inbox_capacity in 1..20_usize,
        bytes_max in 50..1000_usize,
        messages_max in 3..100_u32,
    ) {
        let outbox = OutboxLimits { bytes_max, messages_max, ..OutboxLimits::default() };
        check(acts, (inbox_capacity, outbox), true);
    }
}
