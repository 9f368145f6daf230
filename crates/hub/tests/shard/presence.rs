//! Who comes and goes is told, or counted where too many do.

use std::time::Duration;

use tautline_engine::Members;
use tautline_hub::{Parting, ShardLimits};
use tautline_protocol::model::{ConnectionId, Member, Rate};

use crate::house::{Guest, House, NODE, name, run, settle};
use crate::peer::WORDLESS;

async fn house(presence_events_max: u32) -> House {
    house_with(ShardLimits {
        presence_events_max,
        ..ShardLimits::default()
    })
    .await
}

async fn house_with(limits: ShardLimits) -> House {
    let house = House::with(limits, 8192);
    let lease = Duration::from_hours(1);
    house.engine.renew(NODE, lease).await.unwrap();
    house
}

/// Somebody who is connected elsewhere.
fn someone(nth: u32) -> Member {
    let connection = ConnectionId {
        node: NODE,
        shard: 99,
        slot: nth,
        serial: 0,
    };
    Member {
        connection,
        user: format!("u{nth}").into(),
        name: "Somebody".into(),
        state: None,
    }
}

async fn enter(house: &House, members: std::ops::Range<u32>) {
    for nth in members {
        house.engine.enter(&name("r"), someone(nth)).await.unwrap();
    }
}

async fn leave(house: &House, nth: u32) {
    let (room, id) = (name("r"), someone(nth).connection);
    Members::leave(&*house.engine, &room, id).await.unwrap();
}

fn told(guest: &Guest) -> Vec<String> {
    guest.peer.members()
}

#[test]
fn coming_and_going_is_told_to_everyone_and_to_who_comes() {
    run(async {
        let house = house(10).await;
        let (ann, bob) = (house.guest(), house.guest());
        ann.enter_announced("r", "ann").await;
        settle().await;
        bob.enter_announced("r", "bob").await;
        settle().await;
        house.shard.leave(bob.id, &name("r"), Parting::Told);
        settle().await;
        assert_eq!(told(&ann), ["+ r ann 1", "+ r bob 2", "- r bob 1"]);
        assert_eq!(told(&bob), ["+ r bob 2"]);
    });
}

#[test]
fn who_comes_is_announced_before_what_it_publishes_next() {
    run(async {
        let house = house(10).await;
        let ann = house.guest();
        ann.enter_announced("r", "ann").await;
        house.publish("r", "1").await;
        settle().await;
        assert_eq!(ann.peer.lines(), ["+ r ann 1\n", "p r 1 1\n"]);
    });
}

#[test]
fn members_are_announced_up_to_the_limit_and_counted_above_it() {
    run(async {
        let house = house(3).await;
        let guests = house.guests_in("r", 1).await;
        enter(&house, 0..10).await;
        settle().await;
        assert_eq!(told(&guests[0]), ["+ r u0 1", "+ r u1 2", "+ r u2 3"]);
        tokio::time::sleep(Duration::from_millis(990)).await;
        assert_eq!(told(&guests[0]).len(), 3, "the interval is not over");
        enter(&house, 10..12).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(told(&guests[0])[3..], ["# r 12"]);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(told(&guests[0]).len(), 4, "nothing has changed since");
        for nth in 12..52 {
            enter(&house, nth..nth + 1).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let counts = told(&guests[0])[4..].to_vec();
        assert!((3..=5).contains(&counts.len()), "{counts:?}");
        assert_eq!(counts.last().unwrap(), "# r 52");
    });
}

#[test]
fn a_storm_of_coming_and_going_is_told_as_counts() {
    run(async {
        let rate = Rate {
            per_second: 1,
            burst: 3,
        };
        let limits = ShardLimits {
            presence_rate: Some(rate),
            ..ShardLimits::default()
        };
        let house = house_with(limits).await;
        let guests = house.guests_in("r", 1).await;
        for _ in 0..50 {
            enter(&house, 0..1).await;
            leave(&house, 0).await;
        }
        enter(&house, 1..3).await;
        settle().await;
        assert_eq!(told(&guests[0]), ["+ r u0 1", "- r u0 0", "+ r u0 1"]);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(told(&guests[0])[3..], ["# r 2"]);
        leave(&house, 1).await;
        settle().await;
        assert_eq!(
            told(&guests[0])[4..],
            ["- r u1 1"],
            "named again after a rest"
        );
    });
}

#[test]
fn the_last_count_told_is_the_count() {
    run(async {
        let house = house(3).await;
        let guests = house.guests_in("r", 1).await;
        enter(&house, 0..4).await;
        leave(&house, 3).await;
        leave(&house, 2).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let last = told(&guests[0]).pop().unwrap();
        assert!(last.ends_with(" 2"), "{:?}", told(&guests[0]));
    });
}

#[test]
fn who_catches_up_hears_of_members_too() {
    run(async {
        let house = house(10).await;
        let _others = house.guests_in("r", 1).await;
        let guest = house.guest();
        guest.join("r", None).await;
        house.publish("r", "x").await;
        settle().await;
        enter(&house, 0..1).await;
        settle().await;
        assert_eq!(
            told(&guest),
            [] as [&str; 0],
            "it is not told that it is in the room yet"
        );
        house.engine.reads.shut();
        guest.follow("r");
        settle().await;
        enter(&house, 1..2).await;
        settle().await;
        assert_eq!(told(&guest), ["+ r u1 2"]);
        assert_eq!(guest.offsets("r"), [] as [u64; 0]);
        house.engine.reads.open();
        settle().await;
        assert_eq!(guest.offsets("r"), [1]);
    });
}

#[test]
fn the_engine_is_told_who_left() {
    run(async {
        let house = house(10).await;
        let guest = house.guest();
        guest.enter_announced("r", "ann").await;
        settle().await;
        assert_eq!(house.engine.members(&name("r")).await.unwrap().len(), 1);
        house.shard.leave(guest.id, &name("r"), Parting::Told);
        settle().await;
        assert_eq!(house.engine.members(&name("r")).await.unwrap(), []);
    });
}

#[test]
fn who_is_taken_away_within_a_room_has_left_it() {
    run(async {
        let house = house(10).await;
        let (ann, bob) = (house.guest(), house.guest());
        ann.enter_announced("r", "ann").await;
        bob.enter_announced("r", "bob").await;
        bob.enter("private").await;
        settle().await;
        house.shard.detach(bob.id);
        let eve = house.guest();
        assert_eq!(eve.id.slot, bob.id.slot, "she is given his place");
        house.publish("r", "x").await;
        house.publish("private", "x").await;
        settle().await;
        assert_eq!(told(&ann), ["+ r ann 1", "+ r bob 2", "- r bob 1"]);
        assert_eq!(house.engine.members(&name("r")).await.unwrap().len(), 1);
        assert_eq!(eve.peer.lines(), [] as [&str; 0]);
        assert_eq!(house.shard.rooms("private", None, 1), []);
    });
}

#[test]
fn who_is_lost_and_back_is_told_as_a_change_and_greeted() {
    run(async {
        let house = house(10).await;
        let (ann, plain) = (house.guest(), house.guest_as(WORDLESS));
        for guest in [&ann, &plain] {
            guest.enter_announced("r", "ann").await;
        }
        let bob = house.guest();
        bob.enter_announced("r", "bob").await;
        settle().await;
        house.shard.leave(bob.id, &name("r"), Parting::Lost);
        let bob = house.guest_as(WORDLESS);
        bob.enter_announced("r", "bob").await;
        settle().await;
        assert_eq!(told(&ann)[2..], ["+ r bob 3", "~ r bob true"]);
        assert_eq!(told(&plain)[2..], ["+ r bob 3"]);
        assert_eq!(told(&bob), ["+ r bob 3"]);
    });
}
