//! What a shard counts of what it does.

use tautline_hub::{Closing, OutboxLimits, ShardLimits, Spread};

use crate::house::{House, run, settle};
use crate::peer::Takes;

/// How many publications were measured.
fn measured(house: &House) -> u64 {
    let mut spread = Spread::default();
    house.shard.stats().fan_outs().add_to(&mut spread);
    spread.counts.iter().sum()
}

#[test]
fn a_publication_is_measured_once_however_many_hear_it() {
    run(async {
        let house = House::open();
        let _guests = house.guests_in("r", 30).await;
        house.publish_many("r", 10).await;
        house.publish("nobody", "x").await;
        settle().await;
        assert_eq!(house.shard.stats().deliveries(), 300);
        assert_eq!(measured(&house), 10);
    });
}

#[test]
fn a_publication_to_a_huge_room_is_measured_when_all_are_written_to() {
    run(async {
        let house = House::open();
        let _huge = house.guests_in("huge", 3500).await;
        house.publish("huge", "x").await;
        let mut written = 0;
        while written < 3500 {
            assert_eq!(measured(&house), 0, "{written} are written to");
            tokio::task::yield_now().await;
            written = house.order.borrow().len();
        }
        assert_eq!(measured(&house), 1);
    });
}

#[test]
fn a_peer_that_takes_nothing_does_not_make_a_publication_late() {
    run(async {
        let house = House::open();
        let guests = house.guests_in("r", 2).await;
        guests[0].takes(Takes::Nothing);
        house.publish("r", "x").await;
        settle().await;
        assert_eq!(measured(&house), 1);
    });
}

#[test]
fn who_is_closed_is_counted_by_why_and_once() {
    run(async {
        let outbox = OutboxLimits {
            bytes_max: 100,
            messages_max: 100,
            ..OutboxLimits::default()
        };
        let limits = ShardLimits {
            outbox,
            ..ShardLimits::default()
        };
        let house = House::with(limits, 4);
        let guests = house.guests_in("r", 2).await;
        guests[0].takes(Takes::Nothing);
        for _ in 0..20 {
            house.publish("r", "0123456789").await;
            settle().await;
        }
        assert_eq!(guests[0].closing(), Some(Closing::SlowConsumer));
        // Nothing of it is heard before all of it is published, and the inbox holds four.
        house.publish_many("r", 20).await;
        settle().await;
        assert_eq!(guests[1].closing(), Some(Closing::Gap));
        assert_eq!((guests[0].closing(), guests[1].closing()), (None, None));
        let stats = house.shard.stats();
        assert_eq!(
            (stats.slow_consumers(), stats.gaps(), stats.shed()),
            (1, 1, 0)
        );
    });
}
