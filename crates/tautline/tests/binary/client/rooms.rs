//! What an application does with a room.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use tautline_client::{
    CallError, Client, ErrorCode, JoinError, Level, Part, Position, PresenceEvent, RequestError,
    RoomEvent, RoomStream, Timeouts,
};
use tautline_client::{Encoding, HistoryPage};

use super::{HANG, Way, builder, cause, client, data, event, live, message, proof, server, soon};

const ENCODINGS: [Encoding; 2] = [Encoding::Json, Encoding::MessagePack];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_published_comes_once_and_in_its_place() {
    let server = server("");
    let rich = json!({ "text": "\u{1f980}\"\\", "list": [1, 2.5, -3, null, true], "deep": [[{}]] });
    for (encoding, name) in ENCODINGS.into_iter().zip(["json", "msgpack"]) {
        let bob = client(&server, "bob").room(name).unwrap();
        for number in 1..=3 {
            soon(bob.publish("note", &number)).await.unwrap();
        }
        let ann = builder(&server, "ann").encoding(encoding).spawn().unwrap();
        let room = ann.room(name).unwrap();
        let mut stream = soon(room.join().last(2).into_future()).await.unwrap();
        let placed = soon(room.publish("note", &rich)).await.unwrap();
        assert_eq!(
            (placed.position.offset, placed.duplicate, placed.level),
            (4, false, Level::Memory)
        );
        soon(bob.publish("note", &"last")).await.unwrap();
        let mut came = Vec::new();
        for _ in 0..4 {
            came.push(message(&mut stream).await);
        }
        let offsets: Vec<_> = came.iter().map(|one| one.position.offset).collect();
        assert_eq!(offsets, [2, 3, 4, 5], "each once, and from the second on");
        assert_eq!(came[2].position, placed.position);
        assert_eq!(data(&came[2]), rich);
        assert_eq!(came[2].user.as_deref(), Some("ann"));
        assert_eq!(data(&came[3]), "last");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_is_published_once() {
    let server = server("");
    let room = client(&server, "ann").room("room").unwrap();
    let once = || room.enqueue_with_key("order-7", "order", &7).unwrap();
    let (first, again) = (soon(once()).await.unwrap(), soon(once()).await.unwrap());
    assert_eq!(first.position, again.position);
    assert_eq!((first.duplicate, again.duplicate), (false, true));
    let other = room.enqueue_with_key("order-7", "order", &8).unwrap();
    let refused = soon(other).await.unwrap_err();
    assert!(refused.to_string().contains("conflict"), "{refused}");
}

/// The next change of who is present.
async fn change(stream: &mut RoomStream) -> PresenceEvent {
    loop {
        if let RoomEvent::Presence(change) = event(stream).await {
            return change;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_comes_shows_something_and_goes_is_told() {
    let mut server = server("");
    for (encoding, name) in ENCODINGS.into_iter().zip(["json", "msgpack"]) {
        let ann = builder(&server, "ann").encoding(encoding).spawn().unwrap();
        let room = ann.room(name).unwrap();
        let join = room.join().presence(&"here");
        let mut stream = soon(join.into_future()).await.unwrap();
        let there = change(&mut stream).await;
        assert_eq!(there, PresenceEvent::Members(Vec::new()), "before ann");
        let PresenceEvent::Joined(member) = change(&mut stream).await else {
            panic!("ann hears of herself");
        };
        assert_eq!(&*member.user, "ann");
        assert_eq!(member.state.as_deref(), Some(&b"\"here\""[..]));

        let bob = builder(&server, "bob").encoding(encoding).spawn().unwrap();
        let there = bob.room(name).unwrap();
        let refused = soon(there.set_presence(&"early")).await.unwrap_err();
        let is_not_sent = matches!(refused, RequestError::Call(CallError::NotSent(_)));
        assert!(is_not_sent, "{refused:?}");
        let mut bobs = soon(there.join().into_future()).await.unwrap();
        live(&mut bobs).await;
        let PresenceEvent::Joined(member) = change(&mut stream).await else {
            panic!("bob has come");
        };
        assert_eq!((&*member.user, member.state), ("bob", None));
        soon(there.set_presence(&json!({ "busy": true })))
            .await
            .unwrap();
        let PresenceEvent::Changed { member, was: None } = change(&mut stream).await else {
            panic!("what bob shows has changed");
        };
        let shown: Value = serde_json::from_slice(&member.state.unwrap()).unwrap();
        assert_eq!((&*member.user, shown), ("bob", json!({ "busy": true })));
        let members = soon(room.members()).await.unwrap();
        let users: Vec<_> = members.iter().map(|member| &*member.user).collect();
        assert_eq!(users, ["ann", "bob"]);

        soon(there.publish("note", &1)).await.unwrap();
        soon(bob.drain(HANG)).await;
        let left = change(&mut stream).await;
        assert!(
            matches!(&left, PresenceEvent::Left(member) if &*member.user == "bob"),
            "{left:?}"
        );
        let end = server.record("ended", |end| end["user"] == "bob");
        assert_eq!((&end["by"], &end["code"]), (&json!("Client"), &json!(1000)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn all_that_was_enqueued_is_published_before_a_drain_ends() {
    let server = server("");
    let ann = client(&server, "ann");
    let room = ann.room("room").unwrap();
    let pending: Vec<_> = (0..200)
        .map(|number| room.enqueue("note", &number).unwrap())
        .collect();
    soon(ann.drain(HANG)).await;
    for (pending, offset) in pending.into_iter().zip(1..) {
        assert_eq!(soon(pending).await.unwrap().position.offset, offset);
    }
    assert_eq!(ann.pending(), 0);
    let refused = room.enqueue("note", &1).unwrap_err();
    assert!(refused.to_string().contains("closed"), "{refused}");
}

fn offsets(page: &HistoryPage) -> (Vec<u64>, bool) {
    let offsets = page.messages.iter().map(|one| one.position.offset);
    (offsets.collect(), page.more)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_past_is_read_in_both_directions() {
    let server = server("");
    for (encoding, name) in ENCODINGS.into_iter().zip(["json", "msgpack"]) {
        let ann = builder(&server, "ann").encoding(encoding).spawn().unwrap();
        let room = ann.room(name).unwrap();
        for number in 1..=7 {
            soon(room.publish("note", &number)).await.unwrap();
        }
        let newest = soon(room.history(Part::Newest, 3)).await.unwrap();
        assert_eq!(newest.position.offset, 7);
        assert_eq!(offsets(&newest), (vec![5, 6, 7], true));
        let before = soon(room.history(Part::Before(5), 3)).await.unwrap();
        assert_eq!(offsets(&before), (vec![2, 3, 4], true));
        let first = soon(room.history(Part::Before(2), 3)).await.unwrap();
        assert_eq!(offsets(&first), (vec![1], false));
        let start = Position::start(newest.position.epoch);
        let after = soon(room.history(Part::After(start), 3)).await.unwrap();
        assert_eq!(offsets(&after), (vec![1, 2, 3], true));
        assert_eq!(data(&after.messages[2]), 3);
        let third = after.messages[2].position;
        let rest = soon(room.history(Part::After(third), 100)).await.unwrap();
        assert_eq!(offsets(&rest), (vec![4, 5, 6, 7], false));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_is_cast_without_a_connection() {
    // Whoever connects there is never answered.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws", silent.local_addr().unwrap());
    let ann = Client::builder(&url).token(&proof("ann")).spawn().unwrap();
    assert!(!ann.room("notes").unwrap().cast("typing", &1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn casts_reach_who_is_there_and_of_some_the_newest() {
    let server = server("");
    for (encoding, name) in ENCODINGS.into_iter().zip(["json", "msgpack"]) {
        let ann = builder(&server, "ann").encoding(encoding).spawn().unwrap();
        let mut stream = soon(ann.room(name).unwrap().join().into_future())
            .await
            .unwrap();
        let bob = builder(&server, "bob").encoding(encoding).spawn().unwrap();
        let room = bob.room(name).unwrap();
        soon(bob.connected()).await.unwrap();
        assert!(!room.cast("no event", &1));
        assert!(room.cast("typing", &json!({ "is": true })));
        for number in 0..100 {
            assert!(room.cast_latest("cursor", "moved", &number));
        }
        let mut cursor = None;
        let mut has_typed = false;
        while cursor != Some(99) {
            if let RoomEvent::Cast(cast) = event(&mut stream).await {
                assert_eq!(cast.user.as_deref(), Some("bob"));
                if cast.event.as_str() == "typing" {
                    assert_eq!(cast.decode::<Value>().unwrap(), json!({ "is": true }));
                    has_typed = true;
                } else {
                    let now = Some(cast.decode().unwrap());
                    assert!(now > cursor, "{now:?} behind {cursor:?}");
                    cursor = now;
                }
            }
        }
        assert!(has_typed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_are_answered_or_refused() {
    let server = server("");
    for encoding in ENCODINGS {
        let ann = builder(&server, "ann").encoding(encoding).spawn().unwrap();
        let echoed: Vec<u8> = soon(ann.request("echo", &[1, 2, 3])).await.unwrap();
        assert_eq!(echoed, [1, 2, 3]);
        let misread = soon(ann.request::<String>("echo", &1)).await.unwrap_err();
        assert!(matches!(misread, RequestError::Data(_)), "{misread:?}");
        let refused = soon(ann.request::<Value>("nobody.knows", &1)).await;
        let Err(RequestError::Call(CallError::Refused { code, .. })) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(code, ErrorCode::UnknownMethod);
        let unnamed = soon(ann.request::<Value>("", &1)).await.unwrap_err();
        let is_not_sent = matches!(unnamed, RequestError::Call(CallError::NotSent(_)));
        assert!(is_not_sent, "{unnamed:?}");
        let slow = Duration::from_millis(50);
        let forever = json!({ "ms": 3_600_000 });
        let late = ann.request_within::<Value>("wait", &forever, slow);
        let late = soon(late).await.unwrap_err();
        let is_unknown = matches!(late, RequestError::Call(CallError::Unknown(_)));
        assert!(is_unknown, "{late:?}");
    }
}

async fn denied(ann: &Client, name: &str) -> JoinError {
    let join = ann.room(name).unwrap().join();
    soon(join.into_future()).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_room_that_is_refused_may_be_asked_for_again_and_one_that_is_joined_not() {
    let server = server("");
    let ann = client(&server, "ann");
    for _ in 0..2 {
        let refused = denied(&ann, "closed").await;
        let JoinError::Denied { code, .. } = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(code, ErrorCode::Forbidden);
    }
    let stream = ann.room("open").unwrap().join().stream().unwrap();
    let twice = denied(&ann, "open").await;
    assert!(twice.to_string().contains("already"), "{twice}");
    drop(stream);
    let mut stream = ann.room("open").unwrap().join().stream().unwrap();
    live(&mut stream).await;
    assert!(ann.room("no room").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_of_before_a_close_does_not_disturb_one_of_after_it() {
    let server = server("");
    let ann = client(&server, "ann");
    let room = ann.room("room").unwrap();
    let mut old = soon(room.join().into_future()).await.unwrap();
    live(&mut old).await;
    ann.close();
    ann.connect();
    let mut new = soon(room.join().into_future()).await.unwrap();
    live(&mut new).await;
    while soon(old.next()).await.is_some() {}
    drop(old);
    let placed = soon(room.publish("note", &1)).await.unwrap();
    assert_eq!(message(&mut new).await.position, placed.position);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_others_are_to_see_is_shown_by_the_next_connection() {
    let (old, new) = (server(""), server(""));
    let way = Way::to(old.address());
    let timeouts = Timeouts {
        call: Duration::from_millis(1),
        ..Timeouts::default()
    };
    let ann = Client::builder(Way::URL)
        .token(&proof("ann"))
        .timeouts(timeouts)
        .connector(way.connector())
        .spawn()
        .unwrap();
    let room = ann.room("room").unwrap();
    let mut stream = soon(room.join().presence(&"here").into_future())
        .await
        .unwrap();
    live(&mut stream).await;
    way.close();
    old.kill();
    cause(&ann).await;
    let late = soon(room.set_presence(&"in a tunnel")).await.unwrap_err();
    let is_not_sent = matches!(late, RequestError::Call(CallError::NotSent(_)));
    assert!(is_not_sent, "{late:?}");
    way.lead(new.address());
    let there = client(&new, "bob").room("room").unwrap();
    let mut bobs = soon(there.join().into_future()).await.unwrap();
    let seen = loop {
        match change(&mut bobs).await {
            PresenceEvent::Members(members) => {
                if let Some(member) = members.into_iter().find(|member| &*member.user == "ann") {
                    break member;
                }
            }
            PresenceEvent::Joined(member) if &*member.user == "ann" => break member,
            _ => {}
        }
    };
    assert_eq!(seen.state.as_deref(), Some(&b"\"in a tunnel\""[..]));
}
