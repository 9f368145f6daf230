//! What waits has a bound, and what goes beyond it is told.

use std::time::Duration;

use serde_json::{Value, json};
use tautline_client::{
    CallError, Client, GapReason, JoinError, PublishError, QueueBounds, RequestError, RoomEvent,
};
use tokio::task::block_in_place;

use super::stranger::Place;
use super::{Way, builder, cause, client, connection, event, live, message, proof, server, soon};

/// A client that gets nowhere.
fn offline(queue: QueueBounds) -> Client {
    let builder = Client::builder(Way::URL).token(&proof("ann")).queue(queue);
    builder
        .connector(Way::nowhere().connector())
        .spawn()
        .unwrap()
}

fn is_not_sent(error: &PublishError) -> bool {
    matches!(error, PublishError::NotSent(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_queue_takes_nothing_more_and_says_so_at_once() {
    let queue = QueueBounds {
        messages_max: 2,
        ..QueueBounds::default()
    };
    let ann = offline(queue);
    let room = ann.room("room").unwrap();
    let pending = [1, 2].map(|number| room.enqueue("note", &number).unwrap());
    assert!(is_not_sent(&room.enqueue("note", &3).unwrap_err()));
    assert_eq!(ann.pending(), 2);
    ann.close();
    for pending in pending {
        assert!(is_not_sent(&soon(pending).await.unwrap_err()));
    }
    let queue = QueueBounds {
        bytes_max: 10,
        ..QueueBounds::default()
    };
    let room = offline(queue).room("room").unwrap();
    drop(room.enqueue("note", &"12345").unwrap());
    assert!(is_not_sent(&room.enqueue("note", &"12345").unwrap_err()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_late_was_not_sent_or_is_unknown() {
    let queue = QueueBounds {
        ttl: Duration::from_millis(200),
        ..QueueBounds::default()
    };
    let room = offline(queue).room("room").unwrap();
    assert!(is_not_sent(
        &soon(room.publish("note", &1)).await.unwrap_err()
    ));

    let place = Place::new();
    let ann = place.builder().queue(queue).spawn().unwrap();
    let (mut stranger, _) = block_in_place(|| place.welcome());
    let room = ann.room("room").unwrap();
    let pending = room.enqueue("note", &1).unwrap();
    let said = block_in_place(|| stranger.hear("publish"));
    assert_eq!(said["data"], 1);
    let error = soon(pending).await.unwrap_err();
    assert!(matches!(error, PublishError::Unknown(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_larger_than_the_server_takes_does_not_leave() {
    let server = server("");
    let ann = client(&server, "ann");
    let room = ann.room("room").unwrap();
    let mut stream = soon(room.join().into_future()).await.unwrap();
    live(&mut stream).await;
    let first = connection(&ann).await;
    let large = "x".repeat(70_000);
    assert!(is_not_sent(
        &soon(room.publish("note", &large)).await.unwrap_err()
    ));
    let asked = soon(ann.request::<Value>("echo", &large))
        .await
        .unwrap_err();
    let is_unasked = matches!(asked, RequestError::Call(CallError::NotSent(_)));
    assert!(is_unasked, "{asked:?}");
    let shown = soon(room.set_presence(&large)).await.unwrap_err();
    let is_unasked = matches!(shown, RequestError::Call(CallError::NotSent(_)));
    assert!(is_unasked, "{shown:?}");
    let other = ann.room("other").unwrap().join().presence(&large);
    let refused = soon(other.into_future()).await.unwrap_err();
    assert!(matches!(refused, JoinError::Impossible(_)), "{refused:?}");
    room.cast("note", &large);
    let placed = soon(room.publish("note", &1)).await.unwrap();
    assert_eq!(message(&mut stream).await.position, placed.position);
    assert_eq!(connection(&ann).await, first, "and nothing broke");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_that_nobody_reads_has_a_gap() {
    let server = server("");
    let ann = builder(&server, "ann").events_max(3).spawn().unwrap();
    let room = ann.room("room").unwrap();
    let mut stream = soon(room.join().into_future()).await.unwrap();
    live(&mut stream).await;
    for number in 1..=10 {
        soon(room.publish("note", &number)).await.unwrap();
    }
    // Whatever is told of who is present takes places of the three.
    let gap = loop {
        match event(&mut stream).await {
            RoomEvent::Gap(gap) => break gap,
            RoomEvent::Message(message) => assert!(message.position.offset <= 3),
            RoomEvent::Presence(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(gap.reason, GapReason::ClientOverflow);
    assert_eq!(gap.position.offset, gap.to);
    // The last may come behind its acknowledgement, when the gap was taken already.
    let placed = soon(room.publish("note", &11)).await.unwrap();
    for offset in gap.to + 1..=10 {
        assert_eq!(message(&mut stream).await.position.offset, offset);
    }
    assert_eq!(message(&mut stream).await.position, placed.position);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_server_is_told_how_the_last_connection_ended() {
    let place = Place::new();
    let ann = place.builder().spawn().unwrap();
    let (stranger, hello) = block_in_place(|| place.welcome());
    assert_eq!(hello["report"], Value::Null);
    drop(stranger);
    cause(&ann).await;
    let (_stranger, hello) = block_in_place(|| place.welcome());
    let report = &hello["report"];
    assert_eq!(
        (&report["code"], &report["clean"]),
        (&json!(1006), &json!(false))
    );
    assert_eq!(report["attempts"], 1);
}
