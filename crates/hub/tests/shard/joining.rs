//! Coming into a room, catching up with it, and leaving it.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use tautline_hub::{Closing, OutboxLimits, ShardLimits};

use crate::house::{Guest, House, name, run, settle};
use crate::peer::Takes;

fn poll_once<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn offsets_of(joined: &tautline_hub::Joined) -> Vec<u64> {
    let history = joined.history.as_ref().unwrap().iter();
    history
        .map(|publication| publication.position.offset)
        .collect()
}

#[test]
fn history_comes_first_and_what_follows_goes_on_from_there() {
    run(async {
        let house = House::open();
        house.publish_many("r", 5).await;
        let guest = house.guest();
        let joined = guest.join("r", Some(3)).await;
        assert_eq!(offsets_of(&joined), [3, 4, 5]);
        guest.follow("r");
        house.publish_many("r", 2).await;
        settle().await;
        assert_eq!(guest.offsets("r"), [6, 7]);
    });
}

#[test]
fn nothing_comes_before_follow_and_nothing_between_is_lost_or_doubled() {
    run(async {
        let house = House::open();
        let others = house.guests_in("r", 1).await;
        for history in [None, Some(10)] {
            let guest = house.guest();
            let begin = house.publish("r", "x").await;
            guest.join("r", history).await;
            house.publish_many("r", 3).await;
            settle().await;
            assert_eq!(guest.offsets("r"), [] as [u64; 0], "before follow");
            guest.follow("r");
            house.publish_many("r", 2).await;
            settle().await;
            house.publish("r", "x").await;
            settle().await;
            let came = guest.offsets("r");
            let first = *came.first().unwrap();
            assert!(
                first == begin || first == begin + 1,
                "{history:?}: {came:?}"
            );
            assert!(came.into_iter().eq(first..=begin + 6), "{history:?}");
            assert_eq!(guest.closing(), None);
        }
        assert_eq!(others[0].offsets("r").len(), 14);
    });
}

#[test]
fn a_joiner_that_is_ahead_of_its_shard_follows_from_where_it_stands() {
    run(async {
        let house = House::open();
        for room in ["r", "bare"] {
            let first = house.guests_in(room, 1).await;
            house.publish_many(room, 3).await;
            // The shard has not heard of the three yet, the page knows of them.
            let guest = house.guest();
            guest.join(room, Some(10)).await;
            guest.follow(room);
            house.publish_many(room, 3).await;
            settle().await;
            assert_eq!(guest.offsets(room), [4, 5, 6], "{room}");
            assert_eq!(first[0].offsets(room), [1, 2, 3, 4, 5, 6], "{room}");
            assert_eq!(guest.closing(), None);
        }
    });
}

#[test]
fn a_joiner_that_is_ahead_gets_nothing_before_it_follows() {
    run(async {
        let house = House::open();
        let _first = house.guests_in("r", 1).await;
        house.publish_many("r", 3).await;
        let guest = house.guest();
        guest.join("r", Some(10)).await;
        settle().await;
        house.publish_many("r", 2).await;
        settle().await;
        assert_eq!(guest.offsets("r"), [] as [u64; 0]);
        guest.follow("r");
        settle().await;
        assert_eq!(guest.offsets("r"), [4, 5]);
    });
}

/// A guest that joined at offset 0 and has missed so many, while others follow live.
async fn guest_behind(house: &House, missed: usize) -> (Guest, Vec<Guest>) {
    let others = house.guests_in("r", 1).await;
    let guest = house.guest();
    guest.join("r", None).await;
    house.publish_many("r", missed).await;
    settle().await;
    (guest, others)
}

#[test]
fn who_is_behind_catches_up_by_pages_and_ends_live() {
    run(async {
        let house = House::open();
        let (guest, _others) = guest_behind(&house, 250).await;
        house.engine.reads.shut();
        guest.follow("r");
        for _ in 0..4 {
            // The room moves on while each page is on its way.
            house.publish_many("r", 7).await;
            settle().await;
            house.engine.reads.pass(1);
            settle().await;
        }
        house.engine.reads.open();
        settle().await;
        house.publish_many("r", 3).await;
        settle().await;
        assert!(guest.offsets("r").into_iter().eq(1..=281));
        assert_eq!(guest.closing(), None);
    });
}

#[test]
fn a_page_that_is_ahead_of_the_shard_is_followed_by_what_comes_next() {
    run(async {
        let house = House::open();
        let (guest, _others) = guest_behind(&house, 5).await;
        guest.follow("r");
        // The page is read when the task runs: these are in the page and in the inbox.
        house.publish_many("r", 5).await;
        settle().await;
        house.publish_many("r", 5).await;
        settle().await;
        assert!(guest.offsets("r").into_iter().eq(1..=15));
    });
}

#[test]
fn pages_wait_for_the_outbox_to_drain() {
    run(async {
        let house = House::open();
        let _others = house.guests_in("r", 1).await;
        let guest = house.guest();
        guest.join("r", None).await;
        for _ in 0..400 {
            house.publish("r", &"x".repeat(4000)).await;
            settle().await;
        }
        guest.takes(Takes::Nothing);
        guest.follow("r");
        settle().await;
        let queued = house.shard.queued(guest.id);
        assert!((64 * 1024..70 * 1024).contains(&queued), "{queued}");
        guest.takes(Takes::Bytes(100_000));
        settle().await;
        assert!(house.shard.queued(guest.id) < 70 * 1024);
        guest.takes(Takes::All);
        settle().await;
        assert!(guest.offsets("r").into_iter().eq(1..=400));
        assert_eq!(guest.closing(), None);
    });
}

#[test]
fn catching_up_never_overflows_a_small_outbox() {
    run(async {
        let outbox = OutboxLimits {
            bytes_max: 2000,
            messages_max: 20,
            ..OutboxLimits::default()
        };
        let limits = ShardLimits {
            outbox,
            ..ShardLimits::default()
        };
        let house = House::with(limits, 8192);
        let (guest, _others) = guest_behind(&house, 300).await;
        guest.takes(Takes::Nothing);
        guest.follow("r");
        settle().await;
        assert_eq!(guest.closing(), None);
        while guest.offsets("r").len() < 300 {
            let before = guest.offsets("r").len();
            guest.takes(Takes::Bytes(50));
            settle().await;
            assert!(guest.offsets("r").len() > before);
            assert_eq!(guest.closing(), None);
        }
        assert!(guest.offsets("r").into_iter().eq(1..=300));
    });
}

#[test]
fn two_rooms_that_catch_up_at_once_share_the_outbox() {
    run(async {
        let house = House::open();
        let _others = (house.guests_in("a", 1).await, house.guests_in("b", 1).await);
        let guest = house.guest();
        for room in ["a", "b"] {
            guest.join(room, None).await;
            for _ in 0..100 {
                house.publish(room, &"x".repeat(8000)).await;
                settle().await;
            }
        }
        house.engine.reads.shut();
        guest.takes(Takes::Nothing);
        guest.follow("a");
        guest.follow("b");
        house.engine.reads.open();
        settle().await;
        guest.takes(Takes::All);
        settle().await;
        for room in ["a", "b"] {
            assert!(guest.offsets(room).into_iter().eq(1..=100), "{room}");
        }
        assert_eq!(guest.closing(), None);
    });
}

#[test]
fn more_than_a_thousand_missed_messages_are_a_gap() {
    run(async {
        for (missed, closing) in [(1000, None), (1001, Some(Closing::Gap))] {
            let house = House::open();
            let (guest, others) = guest_behind(&house, missed).await;
            guest.follow("r");
            settle().await;
            assert_eq!(guest.closing(), closing, "{missed}");
            assert!(guest.offsets("r").into_iter().eq(1..=1000));
            assert_eq!(others[0].closing(), None);
        }
    });
}

#[test]
fn who_is_behind_in_a_room_that_keeps_nothing_has_a_gap() {
    run(async {
        let house = House::open();
        let guest = house.guest();
        guest.join("bare", None).await;
        house.publish("bare", "x").await;
        settle().await;
        guest.follow("bare");
        settle().await;
        assert_eq!(guest.closing(), Some(Closing::Gap));
    });
}

#[test]
fn a_page_for_who_has_left_is_not_given_whole_or_not() {
    run(async {
        let house = House::open();
        for room in ["r", "bare"] {
            let guest = house.guest();
            guest.join(room, None).await;
            house.publish(room, "x").await;
            settle().await;
            house.engine.reads.shut();
            guest.follow(room);
            settle().await;
            guest.leave(room);
            house.engine.reads.open();
            settle().await;
            assert_eq!(guest.peer.lines(), [] as [&str; 0], "{room}");
            assert_eq!(guest.closing(), None, "{room}");
        }
    });
}

#[test]
fn who_leaves_in_the_middle_of_a_page_gets_no_more_of_it() {
    run(async {
        let house = House::open();
        let guest = house.guest();
        guest.join("r", None).await;
        for _ in 0..50 {
            house.publish("r", &"x".repeat(4000)).await;
            settle().await;
        }
        guest.takes(Takes::Nothing);
        guest.follow("r");
        settle().await;
        guest.leave("r");
        house.shard.send(guest.id, "left\n".into());
        guest.takes(Takes::All);
        settle().await;
        let lines = guest.peer.lines();
        assert!((10..20).contains(&lines.len()), "{}", lines.len());
        assert_eq!(lines.last().unwrap(), "left\n");
    });
}

#[test]
fn who_leaves_and_comes_again_gets_nothing_of_the_old_page() {
    run(async {
        let house = House::open();
        let (guest, _others) = guest_behind(&house, 5).await;
        house.engine.reads.shut();
        guest.follow("r");
        settle().await;
        guest.leave("r");
        guest.enter("r").await;
        house.publish("r", "x").await;
        house.engine.reads.open();
        settle().await;
        house.publish("r", "x").await;
        settle().await;
        assert_eq!(guest.offsets("r"), [6, 7]);
    });
}

#[test]
fn a_page_for_a_connection_that_is_gone_moves_nobody_else() {
    run(async {
        let house = House::open();
        let (gone, _others) = guest_behind(&house, 5).await;
        house.engine.reads.shut();
        gone.follow("r");
        settle().await;
        gone.leave("r");
        house.shard.detach(gone.id);
        let next = house.guest();
        assert_eq!(next.id.slot, gone.id.slot);
        next.join("r", None).await;
        house.publish_many("r", 5).await;
        settle().await;
        next.follow("r");
        house.engine.reads.open();
        settle().await;
        assert_eq!(next.offsets("r"), [6, 7, 8, 9, 10]);
        assert_eq!(gone.offsets("r"), [] as [u64; 0]);
    });
}

#[test]
fn a_join_that_is_dropped_midway_leaves_no_room_behind() {
    run(async {
        let house = House::open();
        let (guest, room) = (house.guest(), name("r"));
        house.engine.watches.shut();
        house.engine.reads.shut();
        for answered in [0, 1] {
            let mut joining = Box::pin(house.shard.join(guest.id, &room, Some(1)));
            assert!(poll_once(joining.as_mut()).is_pending());
            assert_eq!(house.engine.watchers("r"), 1);
            house.engine.watches.pass(answered);
            assert!(poll_once(joining.as_mut()).is_pending());
            drop(joining);
            assert_eq!(house.engine.watchers("r"), 0);
        }
    });
}

#[test]
fn a_dropped_join_takes_nothing_from_another_one() {
    run(async {
        let house = House::open();
        let (dropped, guest, room) = (house.guest(), house.guest(), name("r"));
        house.engine.watches.shut();
        let mut joining = Box::pin(house.shard.join(dropped.id, &room, None));
        let mut other = pin!(house.shard.join(guest.id, &room, None));
        assert!(poll_once(joining.as_mut()).is_pending());
        assert!(poll_once(other.as_mut()).is_pending());
        drop(joining);
        assert_eq!(house.engine.watchers("r"), 1);
        house.engine.watches.open();
        other.await.unwrap();
        guest.follow("r");
        house.publish("r", "x").await;
        settle().await;
        assert_eq!(
            (guest.offsets("r"), dropped.offsets("r")),
            (vec![1], vec![])
        );
    });
}

#[test]
fn two_joins_at_once_miss_nothing_between_their_watches() {
    run(async {
        let house = House::open();
        let (one, two, room) = (house.guest(), house.guest(), name("r"));
        house.engine.watches.shut();
        let mut first = pin!(house.shard.join(one.id, &room, None));
        assert!(poll_once(first.as_mut()).is_pending());
        house.publish("r", "x").await;
        let mut second = pin!(house.shard.join(two.id, &room, None));
        assert!(poll_once(second.as_mut()).is_pending());
        // The second answer knows of the publication; the shard has not heard of it yet.
        house.engine.watches.open();
        assert!(poll_once(first.as_mut()).is_ready());
        one.follow("r");
        assert!(poll_once(second.as_mut()).is_ready());
        two.follow("r");
        settle().await;
        house.publish("r", "x").await;
        settle().await;
        assert_eq!(one.offsets("r"), [1, 2]);
        assert!(two.offsets("r").ends_with(&[2]));
    });
}

#[test]
fn a_watch_that_fails_is_told_and_forgotten() {
    run(async {
        let house = House::open();
        let guest = house.guest();
        house.engine.fails_to_watch.store(true, Ordering::Relaxed);
        let joined = house.shard.join(guest.id, &name("r"), None).await;
        assert!(joined.is_err());
        house.engine.fails_to_watch.store(false, Ordering::Relaxed);
        guest.enter("r").await;
        house.publish("r", "x").await;
        settle().await;
        assert_eq!(guest.offsets("r"), [1]);
    });
}

#[test]
fn the_last_to_leave_ends_the_watch() {
    run(async {
        let house = House::open();
        let guests = house.guests_in("r", 3).await;
        for (nth, guest) in guests.iter().enumerate() {
            assert_eq!(house.engine.watchers("r"), 1, "{nth} left");
            guest.leave("r");
            guest.leave("r");
        }
        assert_eq!(house.engine.watchers("r"), 0);
        house.publish("r", "x").await;
        settle().await;
        assert!(guests.iter().all(|guest| guest.offsets("r").is_empty()));
        let again = house.guests_in("r", 1).await;
        house.publish("r", "x").await;
        settle().await;
        assert_eq!(again[0].offsets("r"), [2]);
    });
}

#[test]
fn a_stale_id_touches_nobody() {
    run(async {
        let house = House::open();
        let gone = house.guest();
        gone.enter("r").await;
        gone.leave("r");
        house.shard.detach(gone.id);
        let next = house.guest();
        assert_eq!(next.id.slot, gone.id.slot);
        next.enter("r").await;
        gone.leave("r");
        gone.follow("r");
        gone.join("other", None).await;
        house.shard.send(gone.id, "stale".into());
        house.shard.send_last(gone.id, "stale".into());
        house.shard.close(gone.id, Closing::Drain);
        house.shard.wake_at(gone.id, std::time::Instant::now());
        house.shard.writable(gone.id);
        assert_eq!(house.shard.queued(gone.id), 0);
        assert_eq!(house.shard.detach(gone.id).bytes_written, 0);
        house.publish("r", "x").await;
        house.publish("other", "x").await;
        settle().await;
        assert_eq!(gone.wake(), tautline_hub::Wake::default());
        assert_eq!(next.wake(), tautline_hub::Wake::default());
        assert_eq!(next.peer.lines(), ["p r 1 x\n"]);
        assert_eq!(house.engine.watchers("other"), 0);
    });
}

#[test]
fn a_loss_that_is_told_while_somebody_joins_is_not_missed() {
    run(async {
        let limits = ShardLimits::default();
        let house = House::with(limits, 2);
        let stayer = house.guests_in("r", 1).await;
        let (guest, room) = (house.guest(), name("r"));
        house.engine.reads.shut();
        let mut joining = pin!(house.shard.join(guest.id, &room, Some(0)));
        assert!(poll_once(joining.as_mut()).is_pending());
        house.publish_many("r", 4).await;
        settle().await;
        assert_eq!(stayer[0].closing(), Some(Closing::Gap));
        house.engine.reads.open();
        joining.await.unwrap();
        guest.follow("r");
        settle().await;
        assert_eq!(guest.offsets("r"), [1, 2, 3, 4]);
        house.publish("r", "x").await;
        settle().await;
        assert_eq!((guest.offsets("r").len(), guest.closing()), (5, None));
    });
}

#[test]
fn who_goes_while_it_catches_up_leaves_no_task_behind() {
    run(async {
        let house = House::open();
        let guest = house.guest();
        guest.join("r", None).await;
        for _ in 0..50 {
            house.publish("r", &"x".repeat(4000)).await;
            settle().await;
        }
        let before = Rc::strong_count(&house.shard);
        guest.takes(Takes::Nothing);
        guest.follow("r");
        settle().await;
        assert_eq!(Rc::strong_count(&house.shard), before + 1);
        guest.leave("r");
        house.shard.detach(guest.id);
        settle().await;
        assert_eq!(Rc::strong_count(&house.shard), before);
    });
}
