//! Who can be told what is missing goes on behind it; nobody is given half an order without a word.

use tautline_engine::Engine as _;
use tautline_hub::{Closing, OutboxLimits, ShardLimits};
use tautline_protocol::model::{Epoch, Gap, GapReason, Position, SlowConsumers};

use crate::house::{House, name, run, settle};
use crate::peer::Takes;

/// The lines of these publications.
fn lines(room: &str, offsets: impl IntoIterator<Item = u64>) -> Vec<String> {
    let line = |offset| format!("p {room} {offset} x");
    offsets.into_iter().map(line).collect()
}

#[test]
fn who_can_be_told_catches_up_after_a_loss() {
    run(async {
        let house = House::with(ShardLimits::default(), 10);
        let (guest, other) = (house.tolerant_guest(), house.guest());
        for guest in [&guest, &other] {
            guest.enter("r").await;
        }
        house.publish_many("r", 3).await;
        settle().await;
        house.publish_many("r", 20).await;
        settle().await;
        house.publish_many("r", 2).await;
        settle().await;
        assert_eq!(guest.peer.order(), lines("r", 1..=25));
        assert_eq!(guest.closing(), None);
        assert_eq!(other.closing(), Some(Closing::Gap));
    });
}

#[test]
fn what_a_room_does_not_keep_is_a_gap_and_the_room_goes_on() {
    run(async {
        let house = House::with(ShardLimits::default(), 10);
        let guest = house.tolerant_guest();
        guest.enter("bare").await;
        house.publish_many("bare", 3).await;
        settle().await;
        house.publish_many("bare", 20).await;
        settle().await;
        house.publish_many("bare", 2).await;
        settle().await;
        let mut expected = lines("bare", 1..=3);
        let gap = guest.peer.order().iter().find_map(|line| {
            let mut words = line.strip_prefix("g bare ")?.split(' ');
            let mut number = || words.next().unwrap().parse::<u64>().unwrap();
            let (from, until) = (number(), number());
            assert_eq!(words.next(), Some("Evicted"));
            Some((from, until))
        });
        let (from, until) = gap.unwrap();
        expected.extend(lines("bare", 4..from));
        expected.push(format!("g bare {from} {until} Evicted"));
        expected.extend(lines("bare", until + 1..=25));
        assert_eq!(guest.peer.order(), expected);
        assert_eq!(guest.closing(), None);
    });
}

#[test]
fn more_than_is_given_at_once_is_a_gap_and_the_room_goes_on() {
    run(async {
        let house = House::open();
        let guest = house.tolerant_guest();
        guest.join("r", None).await;
        house.publish_many("r", 1300).await;
        settle().await;
        guest.follow("r");
        settle().await;
        house.publish_many("r", 1).await;
        settle().await;
        let mut expected = lines("r", 1..=1000);
        expected.push("g r 1001 1300 Limit".to_owned());
        expected.extend(lines("r", 1301..=1301));
        assert_eq!(guest.peer.order(), expected);
    });
}

#[test]
fn a_loss_while_somebody_catches_up_is_caught_up_with() {
    run(async {
        let house = House::with(ShardLimits::default(), 10);
        let (guest, other) = (house.tolerant_guest(), house.tolerant_guest());
        other.enter("r").await;
        guest.join("r", None).await;
        house.publish_many("r", 5).await;
        settle().await;
        house.engine.reads.shut();
        guest.follow("r");
        settle().await;
        house.publish_many("r", 30).await;
        settle().await;
        house.engine.reads.open();
        settle().await;
        house.publish_many("r", 2).await;
        settle().await;
        for guest in [guest, other] {
            assert_eq!(guest.peer.order(), lines("r", 1..=37));
            assert_eq!(guest.closing(), None);
        }
    });
}

/// A house whose outboxes hold ten messages.
fn narrow_house() -> House {
    let outbox = OutboxLimits {
        bytes_max: 1024 * 1024,
        messages_max: 10,
        ..OutboxLimits::default()
    };
    let limits = ShardLimits {
        outbox,
        ..ShardLimits::default()
    };
    House::with(limits, 8192)
}

#[test]
fn who_is_slow_stays_where_it_may_and_gets_all_that_is_kept() {
    run(async {
        let house = narrow_house();
        let slow = [
            house.tolerant_guest(),
            house.guest(),
            house.tolerant_guest(),
        ];
        for (guest, policy) in slow.iter().zip([
            SlowConsumers::Close,
            SlowConsumers::Skip,
            SlowConsumers::Skip,
        ]) {
            let room = if policy == SlowConsumers::Close {
                "strict"
            } else {
                "r"
            };
            guest.join(room, None).await;
            guest.follow_slowly(room, policy);
            guest.takes(Takes::Nothing);
        }
        for _ in 0..100 {
            house.publish_many("r", 3).await;
            house.publish_many("strict", 3).await;
            settle().await;
        }
        let [strict, cannot_be_told, stays] = &slow;
        for closed in [strict, cannot_be_told] {
            assert_eq!(closed.closing(), Some(Closing::SlowConsumer));
        }
        stays.takes(Takes::All);
        settle().await;
        house.publish_many("r", 3).await;
        settle().await;
        assert_eq!(stays.closing(), None);
        assert_eq!(stays.peer.order(), lines("r", 1..=303));
    });
}

#[test]
fn who_is_too_slow_is_told_of_the_gap_and_goes_on() {
    run(async {
        let house = narrow_house();
        let guest = house.tolerant_guest();
        guest.join("r", None).await;
        guest.follow_slowly("r", SlowConsumers::Skip);
        guest.takes(Takes::Nothing);
        for _ in 0..100 {
            house.publish_many("r", 20).await;
            settle().await;
        }
        guest.takes(Takes::All);
        settle().await;
        house.publish_many("r", 1).await;
        settle().await;
        assert_eq!(guest.closing(), None);
        let order = guest.peer.order();
        let gap = order
            .iter()
            .position(|line| line.starts_with("g "))
            .unwrap();
        let gap_at = u64::try_from(gap).unwrap();
        let mut expected = lines("r", 1..=gap_at);
        expected.push(format!("g r {} 2000 SlowConsumer", gap_at + 1));
        expected.extend(lines("r", 2001..=2001));
        assert_eq!(order, expected);
        assert!((1000..=1020).contains(&gap_at), "{gap_at}");
    });
}

#[test]
fn who_comes_back_goes_on_where_it_was() {
    run(async {
        let house = House::open();
        let guest = house.tolerant_guest();
        let start = guest.join("r", None).await.position;
        house.publish_many("r", 350).await;
        settle().await;
        for (bytes_max, first_page) in [(0, 0), (7, 7), (1000, 100)] {
            let guest = house.tolerant_guest();
            let resumed = guest.resume("r", (start, bytes_max)).await;
            assert_eq!((resumed.gap, resumed.more), (None, true));
            assert_eq!(resumed.position.offset, first_page);
            let page = resumed.publications.iter();
            assert!(page.map(|one| one.position.offset).eq(1..=first_page));
            house.publish("r", "x").await;
            settle().await;
            assert_eq!(guest.peer.order(), [] as [&str; 0]);
            guest.follow("r");
            settle().await;
            let end = house.engine.head(&name("r")).await.unwrap().offset;
            assert_eq!(guest.peer.order(), lines("r", first_page + 1..=end));
        }
    });
}

#[test]
fn who_has_everything_is_told_so() {
    run(async {
        let house = House::open();
        house.publish_many("r", 3).await;
        let head = house.engine.head(&name("r")).await.unwrap();
        let guest = house.tolerant_guest();
        let resumed = guest.resume("r", (head, 1000)).await;
        assert_eq!((resumed.gap, resumed.more), (None, false));
        assert_eq!((resumed.position, resumed.publications), (head, Vec::new()));
        guest.follow("r");
        house.publish_many("r", 1).await;
        settle().await;
        assert_eq!(guest.peer.order(), lines("r", 4..=4));
    });
}

#[test]
fn who_comes_back_too_late_or_from_elsewhere_is_told_what_is_missing() {
    run(async {
        let house = House::open();
        let guest = house.tolerant_guest();
        let start = guest.join("bare", None).await.position;
        house.publish_many("bare", 4).await;
        let head = house.engine.head(&name("bare")).await.unwrap();
        let elsewhere = Position::start(Epoch(start.epoch.0 ^ 1));
        for (since, reason) in [
            (start, GapReason::Evicted),
            (elsewhere, GapReason::EpochChanged),
        ] {
            let guest = house.tolerant_guest();
            let resumed = guest.resume("bare", (since, 1000)).await;
            let (from, until) = (1, head);
            assert_eq!(
                resumed.gap,
                Some(Gap {
                    from,
                    until,
                    reason
                })
            );
            assert_eq!((resumed.position, resumed.more), (head, false));
        }
    });
}

#[test]
fn who_has_left_is_not_given_what_was_missed() {
    run(async {
        let house = House::with(ShardLimits::default(), 10);
        let (guest, stays) = (house.tolerant_guest(), house.tolerant_guest());
        for guest in [&guest, &stays] {
            guest.enter("r").await;
        }
        house.engine.watches.shut();
        house.publish_many("r", 20).await;
        settle().await;
        guest.leave("r");
        house.engine.watches.open();
        settle().await;
        // The inbox held ten.
        assert_eq!(guest.peer.order(), lines("r", 1..=10));
        assert_eq!(stays.peer.order(), lines("r", 1..=20));
        stays.leave("r");
        settle().await;
        assert_eq!(house.engine.watchers("r"), 0);
    });
}
