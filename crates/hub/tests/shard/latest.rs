//! Where the newest is enough, who does not read is spared the rest, and told that there was one.

use std::collections::HashMap;

use proptest::prelude::*;
use tautline_hub::{Closing, OutboxLimits, ShardLimits};
use tautline_protocol::model::SlowConsumers;

use crate::house::{Guest, House, run, settle};
use crate::peer::Takes;

async fn enter(guest: &Guest, room: &str) {
    guest.join(room, None).await;
    guest.follow_slowly(room, SlowConsumers::Latest);
}

async fn publish(house: &House, room: &str, events: &[&str]) {
    for event in events {
        house.publish_event(room, event).await;
        settle().await;
    }
}

#[test]
fn who_is_blocked_gets_the_newest_of_each_event_and_hears_what_it_misses() {
    run(async {
        let house = House::open();
        let (blocked, reader) = (house.tolerant_guest(), house.tolerant_guest());
        for guest in [&blocked, &reader] {
            enter(guest, "bare").await;
        }
        blocked.takes(Takes::Nothing);
        publish(&house, "bare", &["a", "a", "b", "a", "c", "a"]).await;
        let waits = house.shard.queued(blocked.id);
        publish(&house, "bare", &["b", "a", "a"]).await;
        assert_eq!(house.shard.queued(blocked.id), waits, "nothing more waits");
        blocked.takes(Takes::All);
        settle().await;
        publish(&house, "bare", &["b", "a"]).await;
        assert_eq!(
            blocked.peer.order(),
            [
                "p bare 1 a",
                "g bare 2 4 SlowConsumer",
                "p bare 5 c",
                "g bare 6 6 SlowConsumer",
                "p bare 7 b",
                "g bare 8 8 SlowConsumer",
                "p bare 9 a",
                "p bare 10 b",
                "p bare 11 a",
            ]
        );
        assert_eq!(reader.offsets("bare"), (1..=11).collect::<Vec<_>>());
    });
}

#[test]
fn what_is_kept_for_who_is_blocked_counts_as_waiting_until_it_is_there_or_has_left() {
    run(async {
        let house = House::open();
        let (blocked, leaver) = (house.tolerant_guest(), house.tolerant_guest());
        for (guest, room) in [(&blocked, "bare"), (&leaver, "bare-too")] {
            enter(guest, room).await;
            guest.takes(Takes::Nothing);
            publish(&house, room, &["a", "b"]).await;
            let queued = house.shard.queued(guest.id);
            let before = house.memory.waiting();
            publish(&house, room, &["b", "c", "d"]).await;
            assert_eq!(house.shard.queued(guest.id), queued);
            assert!(house.memory.waiting() > before);
        }
        blocked.takes(Takes::All);
        leaver.leave("bare-too");
        leaver.takes(Takes::All);
        settle().await;
        assert_eq!(blocked.offsets("bare").last(), Some(&5));
        publish(&house, "elsewhere", &["a"]).await;
        assert_eq!(house.memory.waiting(), 0);
    });
}

#[test]
fn who_takes_a_little_is_never_given_what_is_outdated() {
    run(async {
        let house = House::open();
        let guest = house.tolerant_guest();
        enter(&guest, "bare").await;
        guest.takes(Takes::Nothing);
        publish(&house, "bare", &["a", "a", "b"]).await;
        // The first of those that it missed is written in part, and stays.
        guest.takes(Takes::Bytes("p bare 1 a\ng bare 2".len()));
        settle().await;
        publish(&house, "bare", &["b", "a", "b"]).await;
        guest.takes(Takes::All);
        settle().await;
        assert_eq!(
            guest.peer.order(),
            [
                "p bare 1 a",
                "p bare 2 a",
                "p bare 3 b",
                "g bare 4 4 SlowConsumer",
                "p bare 5 a",
                "p bare 6 b"
            ]
        );
    });
}

#[test]
fn who_cannot_be_told_is_closed_when_too_much_waits() {
    run(async {
        let outbox = OutboxLimits {
            messages_max: 5,
            ..OutboxLimits::default()
        };
        let limits = ShardLimits {
            outbox,
            ..ShardLimits::default()
        };
        let house = House::with(limits, 8192);
        let guest = house.guest();
        enter(&guest, "bare").await;
        guest.takes(Takes::Nothing);
        publish(&house, "bare", &["a"; 5]).await;
        assert_eq!(guest.closing(), None);
        publish(&house, "bare", &["a"; 1]).await;
        assert_eq!(guest.closing(), Some(Closing::SlowConsumer));
    });
}

#[test]
fn more_events_than_are_kept_are_missing_the_oldest_first() {
    run(async {
        let outbox = OutboxLimits {
            latest_max: 2,
            ..OutboxLimits::default()
        };
        let limits = ShardLimits {
            outbox,
            ..ShardLimits::default()
        };
        let house = House::with(limits, 8192);
        let guest = house.tolerant_guest();
        enter(&guest, "bare").await;
        guest.takes(Takes::Nothing);
        publish(&house, "bare", &["a", "b", "c", "d", "e"]).await;
        guest.takes(Takes::All);
        settle().await;
        let expected = [
            "p bare 1 a",
            "g bare 2 3 SlowConsumer",
            "p bare 4 d",
            "p bare 5 e",
        ];
        assert_eq!(guest.peer.order(), expected);
    });
}

#[derive(Debug, Clone)]
enum Act {
    Publish(u8),
    Takes(usize, Takes),
    Turn,
    Settle,
}

fn act() -> impl Strategy<Value = Act> {
    let takes = prop_oneof![
        1 => Just(Takes::All),
        2 => (1..60_usize).prop_map(Takes::Bytes),
        2 => Just(Takes::Nothing),
    ];
    prop_oneof![
        6 => (0..5_u8).prop_map(Act::Publish),
        3 => (0..2_usize, takes).prop_map(|(guest, takes)| Act::Takes(guest, takes)),
        2 => Just(Act::Turn),
        2 => Just(Act::Settle),
    ]
}

/// What came is all of the order, or was said to be missing. Answers the newest that came of each event.
fn read_whole(guest: &Guest, head: u64) -> HashMap<String, u64> {
    let (mut expected, mut newest) = (1, HashMap::new());
    for line in guest.peer.order() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse::<u64>().unwrap();
        match words[..] {
            ["p", _, offset, event] => {
                assert_eq!(number(offset), expected, "{line}");
                newest.insert(event.to_owned(), expected);
                expected += 1;
            }
            ["g", _, from, until, _] => {
                assert_eq!(number(from), expected, "{line}");
                expected = number(until) + 1;
            }
            _ => panic!("{line}"),
        }
    }
    assert_eq!(expected, head + 1);
    newest
}

fn check(acts: Vec<Act>, inbox_capacity: usize, outbox: OutboxLimits) {
    run(async move {
        let limits = ShardLimits {
            outbox,
            ..ShardLimits::default()
        };
        let house = House::with(limits, inbox_capacity);
        let guests = [house.tolerant_guest(), house.tolerant_guest()];
        for guest in &guests {
            enter(guest, "r").await;
        }
        let (mut head, mut newest) = (0, HashMap::new());
        for act in acts {
            match act {
                Act::Publish(event) => {
                    let event = format!("e{event}");
                    head = house.publish_event("r", &event).await;
                    newest.insert(event, head);
                }
                Act::Takes(guest, takes) => guests[guest].takes(takes),
                Act::Turn => tokio::task::yield_now().await,
                Act::Settle => settle().await,
            }
        }
        for guest in &guests {
            for _ in 0..2 {
                guest.takes(Takes::All);
                settle().await;
            }
            assert_eq!(guest.closing(), None);
            assert_eq!(read_whole(guest, head), newest);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn everybody_comes_to_the_newest_of_each_event_without_an_unsaid_hole(
        acts in prop::collection::vec(act(), 0..150),
        inbox_capacity in prop_oneof![Just(8192_usize), 2..10_usize],
    ) {
        check(acts, inbox_capacity, OutboxLimits::default());
    }
}
