//! What waits is bounded, and who takes too little ends.

use bytes::Bytes;
use tautline_hub::{Closing, OutboxLimits, ShardLimits};

use crate::house::{House, run, settle};
use crate::peer::Takes;

fn limits(bytes_max: usize, messages_max: u32) -> ShardLimits {
    ShardLimits {
        outbox: OutboxLimits {
            bytes_max,
            messages_max,
            ..OutboxLimits::default()
        },
        ..ShardLimits::default()
    }
}

#[test]
fn a_slow_consumer_is_bounded_and_ended_and_others_get_everything() {
    run(async {
        for (bytes_max, messages_max) in [(1000, 1000), (100_000, 50)] {
            let house = House::with(limits(bytes_max, messages_max), 8192);
            let guests = house.guests_in("r", 3).await;
            guests[1].takes(Takes::Nothing);
            let mut closing = None;
            for _ in 0..200 {
                house.publish("r", "0123456789").await;
                settle().await;
                assert!(house.shard.queued(guests[1].id) <= bytes_max);
                closing = closing.or_else(|| guests[1].closing());
            }
            assert_eq!(closing, Some(Closing::SlowConsumer));
            assert_eq!(house.shard.queued(guests[1].id), 0);
            house.shard.send_last(guests[1].id, "bye\n".into());
            guests[1].takes(Takes::All);
            settle().await;
            assert_eq!(guests[1].peer.lines(), ["bye\n"]);
            let peak = house.shard.detach(guests[1].id).bytes_queued_peak;
            assert!(peak > 500 && peak <= bytes_max, "{peak}");
            for guest in [&guests[0], &guests[2]] {
                assert!(guest.offsets("r").into_iter().eq(1..=200));
                assert_eq!(guest.closing(), None);
            }
        }
    });
}

#[test]
fn a_frame_that_was_begun_is_finished_before_the_last_word() {
    run(async {
        let house = House::with(limits(50, 100), 8192);
        let guests = house.guests_in("r", 1).await;
        guests[0].takes(Takes::Bytes(3));
        for _ in 0..20 {
            house.publish("r", "x").await;
            settle().await;
        }
        house.shard.send_last(guests[0].id, "bye\n".into());
        assert_eq!(guests[0].closing(), Some(Closing::SlowConsumer));
        guests[0].peer.takes.set(Takes::All);
        house.shard.writable(guests[0].id);
        assert_eq!(guests[0].peer.lines(), ["p r 1 x\n", "bye\n"]);
    });
}

#[test]
fn a_burst_that_the_peer_takes_makes_nobody_slow() {
    run(async {
        for (bytes_max, messages_max) in [(10_000, 10_000), (1_000_000, 20)] {
            let house = House::with(limits(bytes_max, messages_max), 8192);
            let guests = house.guests_in("r", 2).await;
            // All of it comes in one turn, before anything is written.
            for _ in 0..200 {
                house.publish("r", &"x".repeat(1000)).await;
            }
            for _ in 0..200 {
                house.shard.send(guests[0].id, Bytes::from_static(b"own\n"));
            }
            settle().await;
            for guest in &guests {
                assert_eq!(guest.closing(), None);
                assert!(guest.offsets("r").into_iter().eq(1..=200));
            }
            let own = guests[0].peer.lines();
            assert_eq!(own.iter().filter(|line| *line == "own\n").count(), 200);
        }
    });
}

#[test]
fn large_publications_are_not_joined_past_the_outbox() {
    run(async {
        let house = House::open();
        let guests = house.guests_in("r", 1).await;
        guests[0].takes(Takes::Nothing);
        // In one turn, to an empty outbox, of a mebibyte.
        for _ in 0..64 {
            house.publish("r", &"x".repeat(60_000)).await;
        }
        settle().await;
        assert_eq!(guests[0].closing(), Some(Closing::SlowConsumer));
        let peak = house.shard.detach(guests[0].id).bytes_queued_peak;
        assert!(peak <= 1024 * 1024, "{peak}");
    });
}

#[test]
fn a_full_inbox_is_a_gap_in_that_room_and_in_no_other() {
    run(async {
        let house = House::with(ShardLimits::default(), 10);
        let lossy = house.guests_in("lossy", 3).await;
        let whole = house.guests_in("whole", 2).await;
        house.publish_many("whole", 3).await;
        house.publish_many("lossy", 20).await;
        settle().await;
        for guest in &lossy {
            assert_eq!(guest.closing(), Some(Closing::Gap));
            let came = guest.offsets("lossy");
            assert!(came.len() < 20 && came.iter().copied().eq(1..=came.len() as u64));
            guest.leave("lossy");
        }
        house.publish_many("whole", 3).await;
        // Who comes back goes on.
        let again = house.guests_in("lossy", 1).await;
        house.publish("lossy", "x").await;
        settle().await;
        assert_eq!(
            (again[0].offsets("lossy"), again[0].closing()),
            (vec![21], None)
        );
        for guest in &whole {
            assert_eq!(guest.offsets("whole"), [1, 2, 3, 4, 5, 6]);
            assert_eq!(guest.closing(), None);
        }
    });
}

#[test]
fn who_joins_after_a_gap_is_not_ended_for_it() {
    run(async {
        let house = House::with(ShardLimits::default(), 10);
        // Its driver is slow to leave, so that the room lives on.
        let stayer = house.guests_in("r", 1).await;
        house.publish_many("r", 20).await;
        settle().await;
        assert_eq!(stayer[0].closing(), Some(Closing::Gap));
        let next = house.guests_in("r", 1).await;
        house.publish("r", "x").await;
        settle().await;
        assert_eq!((next[0].offsets("r"), next[0].closing()), (vec![21], None));
    });
}

#[test]
fn a_blocked_peer_is_not_asked_until_its_driver_says_so() {
    run(async {
        let house = House::open();
        let guests = house.guests_in("r", 1).await;
        guests[0].takes(Takes::Nothing);
        house.publish("r", "x").await;
        settle().await;
        assert!(guests[0].wake().blocked);
        // It would take something now, but only its driver knows when.
        guests[0].peer.takes.set(Takes::All);
        house.publish("r", "x").await;
        settle().await;
        assert_eq!(guests[0].peer.writes.get(), 0);
        house.shard.writable(guests[0].id);
        assert!(!guests[0].wake().blocked);
        assert_eq!(guests[0].offsets("r"), [1, 2]);
        assert_eq!(guests[0].peer.writes.get(), 1);
    });
}

#[test]
fn when_too_much_waits_for_everyone_the_largest_queues_are_given_up() {
    run(async {
        let house = House::with_memory(10_000);
        let small = house.guests_in("small", 4).await;
        let large = house.guests_in("large", 1).await;
        for guest in small.iter().chain(&large) {
            guest.takes(Takes::Nothing);
        }
        house.publish("small", &"s".repeat(500)).await;
        house.publish("large", &"l".repeat(4000)).await;
        settle().await;
        assert!((6000..8000).contains(&house.memory.waiting()));
        assert!(large[0].closing().is_none());
        house.publish("large", &"l".repeat(4000)).await;
        settle().await;
        assert_eq!(large[0].closing(), Some(Closing::Memory));
        assert!(small.iter().all(|guest| guest.closing().is_none()));
        assert!((2000..4000).contains(&house.memory.waiting()));
        assert_eq!(house.shard.stats().shed(), 1);
    });
}

#[test]
fn what_waits_is_forgotten_with_its_connection() {
    run(async {
        let house = House::with_memory(usize::MAX);
        let guests = house.guests_in("r", 2).await;
        guests[0].takes(Takes::Nothing);
        house.publish("r", &"x".repeat(1000)).await;
        settle().await;
        assert!(house.memory.waiting() > 1000);
        house.shard.detach(guests[0].id);
        assert_eq!(house.memory.waiting(), 0);
    });
}

#[test]
fn newcomers_are_refused_when_hardly_anything_is_left() {
    run(async {
        let house = House::with_memory(1000);
        let guests = house.guests_in("r", 1).await;
        guests[0].takes(Takes::Bytes(1));
        assert!(!house.memory.is_nearly_gone());
        // A frame that was begun cannot be given up.
        house.publish("r", &"x".repeat(2000)).await;
        settle().await;
        assert!(house.memory.is_nearly_gone());
    });
}
