//! What a turn of the shard costs, and who gets his turn.

use tautline_engine::{Engine, Recipient, Signal};
use tautline_hub::{Closing, Variant};

use crate::house::{Guest, House, run, settle};
use crate::peer::Takes;

#[test]
fn many_messages_in_a_turn_are_one_write_per_connection() {
    run(async {
        let house = House::open();
        let guests = house.guests_in("a", 5).await;
        for guest in &guests {
            guest.enter("b").await;
        }
        for nth in 0..100 {
            house
                .publish(if nth % 2 == 0 { "a" } else { "b" }, "x")
                .await;
        }
        house.shard.send(guests[0].id, "own\n".into());
        settle().await;
        for guest in &guests {
            assert_eq!(guest.offsets("a").len() + guest.offsets("b").len(), 100);
            // 100 slices do not fit into one call of 64, 64 and 36 do.
            assert!(guest.peer.writes.get() <= 2, "{}", guest.peer.writes.get());
        }
        let before = guests[1].peer.writes.get();
        house.publish_many("a", 200).await;
        settle().await;
        assert_eq!(guests[1].offsets("a").len(), 250);
        assert_eq!(guests[1].peer.writes.get(), before + 1);
    });
}

#[test]
fn a_message_is_encoded_once_for_each_variant() {
    run(async {
        let house = House::open();
        let mut guests = Vec::new();
        for nth in 0..30_u8 {
            let guest = house.guest_as(Variant(nth % 3));
            guest.enter("r").await;
            guests.push(guest);
        }
        house.publish_many("r", 10).await;
        settle().await;
        let made = house.lines.made.borrow();
        for variant in [0, 1, 2].map(Variant) {
            assert_eq!(made.iter().filter(|made| **made == variant).count(), 10);
        }
        assert!(guests.iter().all(|guest| guest.offsets("r").len() == 10));
    });
}

#[test]
fn a_small_room_is_written_before_a_huge_one_is_done() {
    run(async {
        let house = House::open();
        let huge = house.guests_in("huge", 5000).await;
        let small = house.guests_in("small", 1).await;
        house.publish("huge", "x").await;
        house.publish("small", "x").await;
        settle().await;
        let order = house.order.borrow();
        assert_eq!(order.len(), 5001);
        let small_name = 5001;
        let place = order.iter().position(|name| *name == small_name).unwrap();
        assert_eq!(place, 0, "the small room waits for the huge one");
        assert!(huge.iter().all(|guest| guest.offsets("huge") == [1]));
        assert_eq!(small[0].offsets("small"), [1]);
    });
}

#[test]
fn a_huge_room_leaves_turns_to_what_comes_while_it_is_written() {
    run(async {
        let house = House::open();
        let _huge = house.guests_in("huge", 5000).await;
        let small = house.guests_in("small", 1).await;
        house.publish("huge", "x").await;
        while house.order.borrow().is_empty() {
            tokio::task::yield_now().await;
        }
        house.publish("small", "x").await;
        settle().await;
        let order = house.order.borrow();
        let place = order.iter().position(|name| *name == 5001).unwrap();
        assert!((1..4000).contains(&place), "{place}");
        assert_eq!(small[0].offsets("small"), [1]);
    });
}

#[test]
fn signals_disconnect_one_or_all_of_a_user() {
    run(async {
        let house = House::open();
        let guests: Vec<_> = (0..4).map(|_| house.guest()).collect();
        for (guest, user) in guests.iter().zip(["ann", "bob", "ann", "eve"]) {
            house.shard.identify(guest.id, user.into());
        }
        let elsewhere = tautline_protocol::model::ConnectionId {
            shard: 7,
            ..guests[1].id
        };
        for signal in [
            Signal::DisconnectUser("ann".into()),
            Signal::Disconnect(guests[3].id),
            Signal::Disconnect(elsewhere),
        ] {
            house.engine.signal(Recipient::All, signal).await.unwrap();
        }
        settle().await;
        let ended = Some(Closing::Disconnect);
        let closings: Vec<_> = guests.iter().map(Guest::closing).collect();
        assert_eq!(closings, [ended, None, ended, ended]);
        assert_eq!(guests[0].closing(), None, "said once");
    });
}

#[test]
fn a_broken_peer_is_closed_and_others_get_everything() {
    run(async {
        let house = House::open();
        let guests = house.guests_in("r", 3).await;
        guests[1].takes(Takes::Broken);
        house.publish_many("r", 3).await;
        settle().await;
        let broken = Closing::Broken(std::io::ErrorKind::ConnectionReset);
        assert_eq!(guests[1].closing(), Some(broken));
        assert_eq!(guests[0].offsets("r"), [1, 2, 3]);
        assert_eq!(guests[2].offsets("r"), [1, 2, 3]);
    });
}

#[test]
fn the_loop_ends_when_nothing_can_come_any_more() {
    run(async {
        let (inbox, events) = tautline_engine::inbox(1);
        drop(inbox);
        House::open().shard.run(events).await;
    });
}
