//! What a room has kept is bounded, and handed over as the peer takes it.

use std::pin::pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use tautline_hub::{Closing, OutboxLimits, ShardLimits};

use crate::house::{House, name, run, settle};
use crate::peer::Takes;

/// More than an outbox takes of anything else.
const LARGE_BYTES: usize = 2 * 1024 * 1024;

fn large() -> Bytes {
    let mut line = "h".repeat(LARGE_BYTES - 1);
    line.push('\n');
    line.into()
}

#[test]
fn history_has_so_many_messages_and_bytes_at_most() {
    run(async {
        let house = House::open();
        house.publish_many("many", 1200).await;
        for _ in 0..100 {
            house.publish("large", &"x".repeat(60_000)).await;
        }
        let guest = house.guest();
        for (room, count, last) in [("many", 1000, 1200), ("large", 69, 100)] {
            let joined = guest.join(room, Some(5000)).await;
            let history = joined.history.unwrap().into_iter();
            let offsets = history.map(|publication| publication.position.offset);
            assert!(offsets.eq(last - count + 1..=last), "{room}");
        }
    });
}

#[test]
fn one_history_waits_for_a_peer_at_a_time_and_makes_nobody_slow() {
    run(async {
        let house = House::open();
        let guest = house.guest();
        for room in ["a", "b"] {
            house.publish(room, "x").await;
            guest.join(room, None).await;
        }
        guest.takes(Takes::Nothing);
        let first = guest.join("a", Some(10)).await;
        assert_eq!(first.history.unwrap().len(), 1);
        house.shard.send_history(guest.id, large());
        let room = name("b");
        let mut second = pin!(house.shard.join(guest.id, &room, Some(10)));
        let mut polled = || {
            let mut context = Context::from_waker(Waker::noop());
            second.as_mut().poll(&mut context)
        };
        assert!(polled().is_pending());
        house.publish("b", "x").await;
        guest.takes(Takes::Bytes(LARGE_BYTES - 100_000));
        settle().await;
        assert!(polled().is_pending());
        guest.takes(Takes::Bytes(50_000));
        settle().await;
        let std::task::Poll::Ready(joined) = polled() else {
            panic!("little waits now");
        };
        let history = joined.unwrap().history.unwrap();
        assert_eq!(history.len(), 2, "it is read when it can be sent");
        house.shard.send_history(guest.id, large());
        guest.follow("b");
        house.publish("b", "live").await;
        settle().await;
        assert_eq!(guest.closing(), None);
        guest.takes(Takes::All);
        settle().await;
        assert_eq!(guest.offsets("b"), [3]);
    });
}

#[test]
fn what_is_live_has_all_of_its_room_behind_a_history() {
    run(async {
        let outbox = OutboxLimits {
            bytes_max: 100_000,
            messages_max: 100,
            ..OutboxLimits::default()
        };
        let limits = ShardLimits {
            outbox,
            ..ShardLimits::default()
        };
        let house = House::with(limits, 8192);
        let guest = house.guest();
        guest.enter("r").await;
        guest.takes(Takes::Nothing);
        house.shard.send_history(guest.id, large());
        for _ in 0..9 {
            house.publish("r", &"x".repeat(10_000)).await;
            settle().await;
        }
        assert_eq!(guest.closing(), None);
        house.publish("r", &"x".repeat(10_000)).await;
        settle().await;
        assert_eq!(guest.closing(), Some(Closing::SlowConsumer));
        assert_eq!(house.shard.queued(guest.id), 0);
    });
}
