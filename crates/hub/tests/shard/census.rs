//! Looking in: which connections there are, and where.

use std::sync::Arc;
use std::time::Duration;

use tautline_hub::{Parting, Wanted};
use tautline_protocol::model::ConnectionId;

use crate::house::{Guest, House, name, run, settle};

fn ids(guests: &[&Guest]) -> Vec<ConnectionId> {
    guests.iter().map(|guest| guest.id).collect()
}

fn found(house: &House, wanted: &Wanted, limit: usize) -> Vec<ConnectionId> {
    let sights = house.shard.census(wanted, limit);
    sights.iter().map(|sight| sight.id).collect()
}

#[test]
fn connections_are_found_by_user_and_by_room() {
    run(async {
        let house = House::open();
        let [ann, bob, anns] = [house.guest(), house.guest(), house.guest()];
        for (guest, user) in [(&ann, "ann"), (&bob, "bob"), (&anns, "ann")] {
            house.shard.identify(guest.id, user.into());
        }
        for guest in [&bob, &anns] {
            guest.join("r", None).await;
        }
        let user = Some(Arc::from("ann"));
        let room = Some(name("r"));
        let of = |user: &Option<Arc<str>>, room: &Option<_>| Wanted {
            user: user.clone(),
            room: room.clone(),
            after: None,
        };
        assert_eq!(
            found(&house, &of(&None, &None), 9),
            ids(&[&ann, &bob, &anns])
        );
        assert_eq!(found(&house, &of(&user, &None), 9), ids(&[&ann, &anns]));
        assert_eq!(found(&house, &of(&None, &room), 9), ids(&[&bob, &anns]));
        assert_eq!(found(&house, &of(&user, &room), 9), ids(&[&anns]));
        let elsewhere = Some(name("elsewhere"));
        assert_eq!(found(&house, &of(&None, &elsewhere), 9), []);
    });
}

#[test]
fn page_after_page_shows_everyone_once_although_some_go_and_come() {
    run(async {
        let house = House::open();
        let guests: Vec<Guest> = (0..10).map(|_| house.guest()).collect();
        let mut wanted = Wanted::default();
        let first = found(&house, &wanted, 4);
        assert_eq!(first, ids(&guests[..4].iter().collect::<Vec<_>>()));
        // The place of who went before is taken by who comes now, behind the reader's back.
        house.shard.detach(guests[0].id);
        house.guest();
        wanted.after = first.last().map(|id| id.slot);
        let second = found(&house, &wanted, 100);
        assert_eq!(second, ids(&guests[4..].iter().collect::<Vec<_>>()));
    });
}

#[test]
fn a_connection_is_told_with_its_rooms_and_times() {
    run(async {
        let house = House::open();
        let guest = house.guest();
        for room in ["b", "a", "b"] {
            guest.join(room, None).await;
        }
        let before = house.shard.census(&Wanted::default(), 1).remove(0);
        assert_eq!(before.rooms, [name("b"), name("a")]);
        assert_eq!(before.seen.opened, before.seen.read_at);
        house.shard.leave(guest.id, &name("b"), Parting::Silent);
        settle().await;
        let later = before.seen.opened + Duration::from_secs(3);
        house.shard.heard_from(guest.id, later);
        let after = house.shard.census(&Wanted::default(), 1).remove(0);
        assert_eq!(after.rooms, [name("a")]);
        assert_eq!(
            (after.seen.opened, after.seen.read_at),
            (before.seen.opened, later)
        );
        assert!(house.shard.has(guest.id));
        house.shard.detach(guest.id);
        assert!(!house.shard.has(guest.id));
        assert!(house.shard.census(&Wanted::default(), 1).is_empty());
    });
}

#[test]
fn rooms_are_told_in_the_order_of_their_names() {
    run(async {
        let house = House::open();
        let guests = [house.guest(), house.guest()];
        for room in ["c:2", "a:1", "c:1", "b:1", "c:3"] {
            guests[0].join(room, None).await;
        }
        guests[1].join("c:2", None).await;
        let told = |prefix: &str, after: Option<&str>, limit| -> Vec<String> {
            let rooms = house.shard.rooms(prefix, after.map(name).as_ref(), limit);
            let text = rooms.iter().map(|(name, count)| format!("{name} {count}"));
            text.collect()
        };
        assert_eq!(told("", None, 3), ["a:1 1", "b:1 1", "c:1 1"]);
        assert_eq!(told("", Some("c:1"), 3), ["c:2 2", "c:3 1"]);
        assert_eq!(told("c:", None, 2), ["c:1 1", "c:2 2"]);
        assert_eq!(told("d", None, 2), [] as [&str; 0]);
        for room in ["c:2", "a:1", "c:1", "b:1", "c:3"] {
            house
                .shard
                .leave(guests[0].id, &name(room), Parting::Silent);
        }
        assert_eq!(told("", None, 9), ["c:2 1"]);
    });
}
