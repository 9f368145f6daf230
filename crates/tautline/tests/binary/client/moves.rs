//! A server that goes away lets its clients move before it does.

use tautline_client::{Client, ConnectionState, GapReason, RoomEvent, RoomStatus};

use super::{Way, connection, event, live, message, proof, server, soon, state};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_told_that_the_server_goes_away_is_never_without_one() {
    let drain = "[drain]\nwindow = \"4s\"\ndeadline = \"20s\"";
    let (mut old, new) = (server(drain), server(""));
    let way = Way::to(old.address());
    let builder = Client::builder(Way::URL).token(&proof("ann"));
    let ann = builder.connector(way.connector()).spawn().unwrap();
    let mut streams = Vec::new();
    for name in ["a", "b", "c"] {
        let join = ann.room(name).unwrap().join();
        let mut stream = soon(join.into_future()).await.unwrap();
        live(&mut stream).await;
        streams.push(stream);
    }
    let first = connection(&ann).await;
    let mut states = ann.state();
    states.mark_unchanged();
    way.lead(new.address());
    old.terminate();
    soon(states.changed()).await.unwrap();
    let next = states.borrow_and_update().clone();
    let is_other = |state: &ConnectionState| matches!(state, ConnectionState::Connected { connection, .. } if *connection != first);
    assert!(is_other(&next), "{next:?}");
    for stream in &mut streams {
        // The new server knows nothing of the old one's order, and says so; but the membership has no pause.
        loop {
            match event(stream).await {
                RoomEvent::Gap(gap) => assert_eq!(gap.reason, GapReason::EpochChanged),
                RoomEvent::Status(RoomStatus::Live { .. }) => break,
                RoomEvent::Presence(_) => {}
                other => panic!("{other:?}"),
            }
        }
        let placed = soon(stream.room().publish("note", &1)).await.unwrap();
        assert_eq!(message(stream).await.position, placed.position);
    }
    let end = old.record("ended", |end| end["user"] == "ann");
    assert_eq!((&end["by"], &end["code"]), (&"Client".into(), &1000.into()));
    assert!(old.ended().0.success());
    state(&ann, is_other).await;
}
