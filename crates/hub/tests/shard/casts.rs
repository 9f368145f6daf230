//! What is relayed reaches who follows the room and reads. It waits for nobody, unless only the newest counts.

use bytes::Bytes;
use tautline_engine::{Cast, Engine as _};
use tautline_hub::{OutboxLimits, ShardLimits};
use tautline_protocol::model::EventName;

use crate::house::{Guest, House, name, run, settle};
use crate::peer::{Takes, WORDLESS};

/// What a guest was sent, line by line.
fn heard(guest: &Guest) -> Vec<String> {
    let lines = guest.peer.lines().into_iter();
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// Relays something of which, for each word, only the newest counts.
async fn relay(house: &House, room: &str, data: &str, conflate: Option<&str>) {
    let cast = Cast {
        event: EventName::parse("cursor").unwrap(),
        data: Bytes::copy_from_slice(data.as_bytes()),
        user: Some("ann".into()),
        conflate: conflate.map(Into::into),
    };
    house.engine.relay(&name(room), cast).await.unwrap();
}

/// Has a guest take nothing, and notice it.
async fn block(house: &House, guest: &Guest, room: &str) {
    guest.peer.takes.set(Takes::Nothing);
    house.publish(room, "x").await;
    settle().await;
    assert!(guest.wake().blocked);
}

#[test]
fn a_cast_reaches_who_reads_and_has_words_for_it() {
    run(async {
        let house = House::open();
        let (reader, blocked) = (house.guest(), house.guest());
        let (wordless, elsewhere) = (house.guest_as(WORDLESS), house.guest());
        for guest in [&reader, &blocked, &wordless] {
            guest.enter("r").await;
        }
        elsewhere.enter("other").await;
        block(&house, &blocked, "r").await;
        relay(&house, "r", "1", None).await;
        settle().await;
        blocked.takes(Takes::All);
        settle().await;
        assert_eq!(heard(&reader), ["p r 1 x", "c r 1"]);
        assert_eq!(heard(&blocked), ["p r 1 x"]);
        assert_eq!(heard(&wordless), ["p r 1 x"]);
        assert!(heard(&elsewhere).is_empty());
    });
}

#[test]
fn of_each_word_the_newest_waits_for_who_does_not_read() {
    run(async {
        let house = House::open();
        let guests = house.guests_in("r", 2).await;
        let [reader, blocked] = &guests[..] else {
            unreachable!()
        };
        block(&house, blocked, "r").await;
        for (data, word) in [("1", "a"), ("2", "b"), ("3", "a"), ("4", "a")] {
            relay(&house, "r", data, Some(word)).await;
            settle().await;
        }
        blocked.takes(Takes::All);
        settle().await;
        assert_eq!(
            heard(reader),
            ["p r 1 x", "c r 1", "c r 2", "c r 3", "c r 4"]
        );
        assert_eq!(heard(blocked), ["p r 1 x", "c r 4", "c r 2"]);
        assert_eq!(house.shard.queued(blocked.id), 0);
        relay(&house, "r", "5", Some("a")).await;
        settle().await;
        assert_eq!(heard(blocked)[3..], ["c r 5"]);
    });
}

#[test]
fn what_is_replaced_within_a_turn_is_not_written() {
    run(async {
        let house = House::open();
        let guests = house.guests_in("r", 1).await;
        for data in ["1", "2", "3"] {
            relay(&house, "r", data, Some("a")).await;
        }
        settle().await;
        assert_eq!(heard(&guests[0]), ["c r 3"]);
    });
}

#[test]
fn who_has_left_gets_no_cast_of_the_room() {
    run(async {
        let house = House::open();
        let guests = house.guests_in("r", 1).await;
        guests[0].enter("s").await;
        block(&house, &guests[0], "r").await;
        for room in ["r", "s"] {
            relay(&house, room, "1", Some("a")).await;
        }
        settle().await;
        guests[0].leave("r");
        guests[0].takes(Takes::All);
        settle().await;
        assert_eq!(heard(&guests[0]), ["p r 1 x", "c s 1"]);
    });
}

#[test]
fn casts_that_wait_are_bounded_and_end_nobody() {
    run(async {
        let outbox = OutboxLimits {
            bytes_max: 200,
            messages_max: 5,
            latest_max: 10,
        };
        let limits = ShardLimits {
            outbox,
            ..ShardLimits::default()
        };
        let house = House::with(limits, 8192);
        let guests = house.guests_in("r", 2).await;
        let [reader, blocked] = &guests[..] else {
            unreachable!()
        };
        block(&house, blocked, "r").await;
        for round in 0..50 {
            for data in 0..100 {
                let word = data.to_string();
                relay(&house, "r", &word, Some(&word)).await;
                relay(&house, "r", &word, None).await;
            }
            settle().await;
            assert!(house.shard.queued(blocked.id) <= 100, "round {round}");
        }
        // What is published has as much room as ever.
        for _ in 0..4 {
            house.publish("r", "x").await;
            settle().await;
        }
        blocked.takes(Takes::All);
        settle().await;
        let mut expected: Vec<String> = (1..=5).map(|offset| format!("p r {offset} x")).collect();
        expected.extend((0..10).map(|word| format!("c r {word}")));
        assert_eq!(heard(blocked), expected);
        for guest in [reader, blocked] {
            assert_eq!(guest.closing(), None);
        }
        assert_eq!(house.memory.waiting(), 0);
    });
}
