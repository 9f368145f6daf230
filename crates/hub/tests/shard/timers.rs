//! A driver is woken when it asked to be.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::house::{House, run, settle};

#[test]
fn a_timer_fires_for_its_connection_and_in_time() {
    run(async {
        let house = House::open();
        let (one, two) = (house.guest(), house.guest());
        let begin = Instant::now();
        let after = |ms| (begin + Duration::from_millis(ms)).into_std();
        house.shard.wake_at(one.id, after(5000));
        house.shard.wake_at(two.id, after(500));
        let until_woken = poll_fn(|context| {
            let wake = house.shard.poll_wake(two.id, context);
            if wake.due {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        until_woken.await;
        let waited = begin.elapsed().as_millis();
        assert!((500..=511).contains(&waited), "{waited}");
        assert!(!two.wake().due, "said once");
        assert!(!one.wake().due);
        tokio::time::sleep(Duration::from_millis(4400)).await;
        assert!(!one.wake().due);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(one.wake().due && !two.wake().due);
    });
}

#[test]
fn a_timer_does_not_fire_for_who_got_the_place() {
    run(async {
        let house = House::open();
        let gone = house.guest();
        let soon = Instant::now() + Duration::from_millis(100);
        house.shard.wake_at(gone.id, soon.into_std());
        house.shard.detach(gone.id);
        let next = house.guest();
        assert_eq!(next.id.slot, gone.id.slot);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!next.wake().due);
    });
}

#[test]
fn an_earlier_timer_wakes_the_loop() {
    run(async {
        let house = House::open();
        let guest = house.guest();
        let begin = Instant::now();
        let after = |seconds| (begin + Duration::from_secs(seconds)).into_std();
        house.shard.wake_at(guest.id, after(60));
        settle().await;
        house.shard.wake_at(guest.id, after(1));
        tokio::time::sleep(Duration::from_millis(1050)).await;
        assert!(guest.wake().due);
    });
}
