//! In rooms that ask for acknowledgements, nobody is given more than agreed, and everything until it is acknowledged.

use std::ops::RangeInclusive;
use std::time::Duration;

use tautline_engine::{Engine as _, Keep as _};
use tautline_hub::{OutboxLimits, ShardLimits};
use tautline_protocol::model::{Acks, Epoch};
use tokio::time::sleep;

use crate::house::{Guest, House, name, run, settle};
use crate::peer::Takes;

const TIMEOUT: Duration = Duration::from_secs(30);

fn at_most(in_flight_max: u32) -> Acks {
    Acks {
        timeout: TIMEOUT,
        in_flight_max,
    }
}

/// Somebody who owes what it is given in a room.
async fn debtor(house: &House, room: &str, acks: Acks) -> Guest {
    let guest = house.tolerant_guest();
    house.shard.identify(guest.id, "ann".into());
    guest.enter_owing(room, acks).await;
    guest
}

fn all(offsets: RangeInclusive<u64>) -> Vec<u64> {
    offsets.collect()
}

async fn epoch(house: &House, room: &str) -> Epoch {
    house.engine.head(&name(room)).await.unwrap().epoch
}

#[test]
fn who_acknowledges_nothing_is_given_no_more_than_agreed() {
    run(async {
        let house = House::open();
        let guest = debtor(&house, "r", at_most(3)).await;
        let other = house.guest();
        other.enter("r").await;
        house.publish_many("r", 10).await;
        settle().await;
        assert_eq!(guest.offsets("r"), [1, 2, 3]);
        assert_eq!(other.offsets("r"), all(1..=10));
    });
}

#[test]
fn who_acknowledges_is_given_what_follows_and_then_what_comes() {
    run(async {
        let house = House::open();
        let guest = debtor(&house, "r", at_most(3)).await;
        let epoch = epoch(&house, "r").await;
        house.publish_many("r", 7).await;
        settle().await;
        for (acknowledged, given) in [(2, 5), (3, 6), (6, 7), (7, 7)] {
            assert!(guest.acknowledge("r", (epoch, acknowledged)));
            settle().await;
            assert_eq!(guest.offsets("r"), all(1..=given));
        }
        assert!(!guest.acknowledge("r", (epoch, 7)), "nothing is owed twice");
        house.publish_many("r", 2).await;
        settle().await;
        assert_eq!(guest.offsets("r"), all(1..=9));
    });
}

#[test]
fn what_comes_in_one_turn_is_given_up_to_the_bound() {
    run(async {
        let house = House::open();
        let guest = debtor(&house, "r", at_most(5)).await;
        let epoch = epoch(&house, "r").await;
        house.publish_many("r", 3).await;
        settle().await;
        assert!(guest.acknowledge("r", (epoch, 1)));
        house.publish_many("r", 4).await;
        settle().await;
        assert_eq!(guest.offsets("r"), all(1..=6));
    });
}

#[test]
fn what_is_not_acknowledged_in_time_is_given_again_until_it_is() {
    run(async {
        let house = House::open();
        let guest = debtor(&house, "r", at_most(10)).await;
        let epoch = epoch(&house, "r").await;
        house.publish_many("r", 4).await;
        settle().await;
        assert!(guest.acknowledge("r", (epoch, 2)));
        sleep(TIMEOUT * 2 / 3).await;
        house.publish("r", "x").await;
        settle().await;
        assert_eq!(guest.offsets("r"), [1, 2, 3, 4, 5]);
        sleep(TIMEOUT * 2 / 3).await;
        assert_eq!(guest.offsets("r")[5..], [3, 4, 5]);
        sleep(TIMEOUT).await;
        assert_eq!(guest.offsets("r")[8..], [3, 4, 5]);
        assert!(guest.acknowledge("r", (epoch, 5)));
        sleep(TIMEOUT * 3).await;
        assert_eq!(guest.offsets("r").len(), 11);
    });
}

#[test]
fn what_the_user_acknowledges_elsewhere_is_not_given_again_and_makes_room() {
    run(async {
        let house = House::open();
        let guest = debtor(&house, "r", at_most(3)).await;
        house.publish_many("r", 5).await;
        settle().await;
        let second = house
            .shard
            .owed(guest.id, &name("r"), (epoch(&house, "r").await, 2));
        let room = name("r");
        let advanced = house.engine.advance(&room, "ann", second.unwrap());
        advanced.await.unwrap();
        sleep(TIMEOUT + Duration::from_secs(1)).await;
        assert_eq!(guest.offsets("r"), [1, 2, 3, 4, 5]);
        sleep(TIMEOUT).await;
        assert_eq!(guest.offsets("r")[5..], [3, 4, 5]);
    });
}

#[test]
fn who_takes_nothing_is_given_nothing_again() {
    run(async {
        let house = House::open();
        let guest = debtor(&house, "r", at_most(3)).await;
        guest.peer.takes.set(Takes::Nothing);
        house.publish_many("r", 3).await;
        sleep(TIMEOUT * 5 / 2).await;
        guest.takes(Takes::All);
        settle().await;
        assert_eq!(guest.offsets("r"), [1, 2, 3]);
        sleep(TIMEOUT).await;
        assert_eq!(guest.offsets("r"), [1, 2, 3, 1, 2, 3]);
    });
}

#[test]
fn who_is_slow_stays_and_misses_nothing() {
    run(async {
        let outbox = OutboxLimits {
            messages_max: 40,
            ..OutboxLimits::default()
        };
        let limits = ShardLimits {
            outbox,
            ..ShardLimits::default()
        };
        let house = House::with(limits, 8192);
        let guest = debtor(&house, "r", at_most(1000)).await;
        guest.peer.takes.set(Takes::Nothing);
        for _ in 0..30 {
            house.publish_many("r", 10).await;
            settle().await;
        }
        assert_eq!(guest.closing(), None);
        guest.takes(Takes::All);
        settle().await;
        assert_eq!(guest.offsets("r"), all(1..=300));
    });
}

#[test]
fn catching_up_has_no_end_but_what_is_kept() {
    run(async {
        let house = House::open();
        let guest = house.tolerant_guest();
        let settled = guest.join("r", None).await.position;
        let room = name("r");
        house
            .shard
            .owe(guest.id, &room, (at_most(5000), settled), &[]);
        house.publish_many("r", 2300).await;
        settle().await;
        guest.follow("r");
        settle().await;
        assert_eq!(guest.offsets("r"), all(1..=2300));
    });
}

#[test]
fn what_is_lost_meanwhile_is_a_gap_and_is_owed_no_more() {
    run(async {
        let house = House::open();
        let guest = debtor(&house, "bare", at_most(2)).await;
        let epoch = epoch(&house, "bare").await;
        house.publish_many("bare", 2).await;
        settle().await;
        house.publish_many("bare", 4).await;
        settle().await;
        assert_eq!(guest.offsets("bare"), [1, 2]);
        assert!(guest.acknowledge("bare", (epoch, 1)));
        settle().await;
        let gap = "g bare 3 6 Evicted".to_owned();
        assert_eq!(guest.peer.order().last(), Some(&gap));
        house.publish_many("bare", 2).await;
        settle().await;
        assert_eq!(guest.offsets("bare"), [1, 2, 7, 8]);
        // Nobody has them any more.
        sleep(TIMEOUT * 2).await;
        assert_eq!(guest.offsets("bare"), [1, 2, 7, 8]);
    });
}

#[test]
fn who_joins_again_and_again_is_given_everything_again_once() {
    run(async {
        let house = House::open();
        let guest = debtor(&house, "r", at_most(10)).await;
        let settled = house.engine.head(&name("r")).await.unwrap();
        house.publish_many("r", 2).await;
        settle().await;
        for _ in 0..20 {
            let page = guest.resume("r", (settled, 0)).await;
            let owed = (at_most(10), page.behind);
            house.shard.owe(guest.id, &name("r"), owed, &[]);
            guest.follow("r");
            settle().await;
        }
        let before = guest.offsets("r").len();
        sleep(TIMEOUT).await;
        assert_eq!(guest.offsets("r")[before..], [1, 2]);
        sleep(TIMEOUT).await;
        assert_eq!(guest.offsets("r")[before..], [1, 2, 1, 2]);
    });
}

#[test]
fn who_has_left_is_given_nothing_again_nor_is_who_got_the_place() {
    run(async {
        let house = House::open();
        let (other, gone) = (house.guest(), debtor(&house, "r", at_most(3)).await);
        // The room is not forgotten meanwhile.
        other.enter("r").await;
        house.publish_many("r", 5).await;
        settle().await;
        house.shard.detach(gone.id);
        let next = house.guest();
        assert_eq!(next.id.slot, gone.id.slot);
        next.enter("r").await;
        house.publish_many("r", 7).await;
        sleep(TIMEOUT * 2).await;
        assert_eq!(next.offsets("r"), all(6..=12));
    });
}
