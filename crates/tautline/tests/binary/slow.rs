//! Who reads too slowly: ended with 1013, while the others notice nothing and memory stays bounded.

use serde_json::json;
use tautline_protocol::wire::v2::Encoding;

use super::harness::{Client, Frame, Server, Speaker, Stream, text_frame};

/// What may wait for one connection here.
const OUTBOX_BYTES: usize = 64 * 1024;
/// Each message carries so many bytes of text.
const TEXT_BYTES: usize = 1000;
/// So many are on their way at once: the publisher waits until it has heard them itself.
const BURST: usize = 20;
/// Far more than the sockets of the slow reader hold, which is a few megabytes on loopback.
const PUBLISHED: usize = 30_000;

#[test]
fn a_reader_that_stops_is_ended_with_1013_and_slows_nobody_and_costs_no_memory() {
    // On one shard the reader and the one who stops share everything but their outboxes.
    let config = format!(
        "[outbox]\nbytes = {OUTBOX_BYTES}\n[server]\nshards = 1\nclose_timeout = \"1m\"\n\
         [presence]\ngrace = \"0s\"\n[limits]\npublish_rate = \"off\"\n[[room]]\nmatch = \"room\"\nhistory = 100\npresence = true\n\
         everyone = [\"join\", \"publish\", \"history\"]\nrate = \"off\""
    );
    let mut server = Server::logging(&config, "debug");
    let (mut fast, _) = Client::member(server.address(), "room");
    let mut slow = Stream::upgraded(server.address());
    slow.write(&text_frame(r#"{"type":"auth","token":"dev-token"}"#));
    slow.write(&text_frame(r#"{"type":"join","roomId":"room"}"#));
    let slow_user = fast.expect("userJoined")["userId"].clone();
    let before = server.resident_bytes();

    let mut left_after = None;
    for first in (0..PUBLISHED).step_by(BURST) {
        let burst: Vec<_> = (first..first + BURST)
            .map(|nth| json!({"type": "chat", "roomId": "room", "text": text(nth)}))
            .collect();
        fast.send_together(&burst);
        let mut expected = first;
        while expected < first + BURST {
            let message = fast.next();
            if message["type"] == "userLeft" {
                assert_eq!(message["userId"], slow_user);
                left_after = Some(expected);
            } else {
                assert_eq!(message["text"], text(expected));
                expected += 1;
            }
        }
    }
    assert!(left_after.is_some(), "the slow reader was never ended");

    // All of it was published, and had it been kept for the slow reader it would be held still. What may be
    // held is one outbox each and a hundred messages of history, which is less than a hundredth; a fifth leaves
    // room for the allocator and for what the first messages make the process load.
    let grown = server.resident_bytes().saturating_sub(before);
    let published = PUBLISHED * TEXT_BYTES;
    assert!(
        grown < published / 5,
        "{grown} bytes more after {published} were published"
    );

    assert_reads_a_prefix_and_1013(&mut slow);
    let ended = server.record("ended", |record| record["user"] == slow_user);
    assert_eq!(
        (&ended["code"], &ended["by"], &ended["reason"]),
        (&json!(1013), &json!("Server"), &json!("slow consumer"))
    );
    let peak = ended["bytes_queued_peak"].as_u64().unwrap();
    assert!(peak <= OUTBOX_BYTES as u64, "{peak} bytes waited at once");
    fast.assert_quiet();
}

/// Reads on: what was on its way comes whole and in order, and the close behind it.
fn assert_reads_a_prefix_and_1013(slow: &mut Stream) {
    let mut chats = 0;
    let close = loop {
        let frame = slow.frame();
        if frame.first == Frame::CLOSE {
            break frame;
        }
        let message: serde_json::Value = serde_json::from_slice(&frame.payload).unwrap();
        if message["type"] == "chat" {
            assert_eq!(message["text"], text(chats));
            chats += 1;
        }
    };
    assert!(chats > 0 && chats < PUBLISHED);
    assert_eq!(close.close(), (1013, "slow consumer"));
    slow.finish_writing();
    assert_eq!(slow.rest(), b"");
}

/// So many rooms keep so many messages of so many bytes: much more than the sockets of a reader hold.
const ROOMS: usize = 12;
const KEPT: usize = 50;
const KEPT_BYTES: usize = 40_000;

#[test]
fn who_asks_for_many_histories_gets_them_all_and_is_not_slow() {
    let config = format!(
        "[outbox]\nbytes = {OUTBOX_BYTES}\n[limits]\npublish_rate = \"off\"\n[[room]]\nmatch = \"*\"\n\
         history = 100\neveryone = [\"join\", \"history\"]\nrate = \"off\""
    );
    let mut server = Server::development(&config);
    let operators = server.operators();
    let publish = |room: usize, data: &str| {
        let target = format!("/v1/rooms/room:{room}/publications");
        let publication = json!({"event": "note", "data": data});
        assert_eq!(operators.post(&target, &publication).status, 201);
    };
    let kept = "x".repeat(KEPT_BYTES);
    for room in 0..ROOMS {
        for _ in 0..KEPT {
            publish(room, &kept);
        }
    }
    let (mut client, _) = Client::known(server.address());
    let topics: Vec<_> = (0..ROOMS).map(|room| format!("room:{room}")).collect();
    client.send(&json!({"type": "subscribe", "payload": {"topics": topics}}));
    assert_eq!(client.expect("subscribed")["topics"], json!(topics));
    for topic in topics {
        let history = client.expect("history");
        assert_eq!(history["roomId"], topic);
        assert_eq!(history["messages"].as_array().unwrap().len(), KEPT);
    }
    publish(ROOMS - 1, "live");
    assert_eq!(client.expect("note")["payload"], "live");
    client.assert_quiet();
}

#[test]
fn where_the_newest_is_enough_who_does_not_read_gets_that_and_hears_of_the_rest() {
    let config = "[server]\nshards = 1\n[outbox]\nstall = \"10m\"\n[heartbeat]\ndead_after = \"10m\"\n\
                  [limits]\npublish_rate = \"off\"\n[[room]]\nmatch = \"prices\"\nslow_consumers = \"latest\"\n\
                  everyone = [\"join\", \"publish\", \"cast\"]\nrate = \"off\"";
    let server = Server::development(config);
    let room = json!([{ "room": "prices" }]);
    let welcome = |encoding| Speaker::welcome(server.address(), encoding, &room).0;
    let (mut slow, mut publisher) = (welcome(Encoding::Json), welcome(Encoding::Json));
    let publish = |publisher: &mut Speaker, event: &str, nth: usize| {
        let data = text(nth);
        publisher.say(
            "publish",
            &json!({ "room": "prices", "event": event, "data": data }),
        )
    };
    let mut last = 0;
    for first in (0..PUBLISHED).step_by(BURST) {
        let asked: Vec<u64> = (first..first + BURST)
            .map(|nth| publish(&mut publisher, if nth % 3 == 0 { "a" } else { "b" }, nth))
            .collect();
        for asked in asked {
            last = publisher.answer(asked)["payload"]["offset"]
                .as_u64()
                .unwrap();
        }
        let cast = json!({ "room": "prices", "event": "at", "data": first, "conflate": "x" });
        publisher.say("cast", &cast);
    }
    let rare = publish(&mut publisher, "rare", 0);
    publisher.answer(rare);
    let asked = publish(&mut publisher, "b", PUBLISHED);
    publisher.answer(asked);

    let (mut expected, mut skipped, mut cast) = (1, 0, 0);
    while expected <= last + 2 {
        let message = slow.next();
        let payload = &message["payload"];
        match message["type"].as_str().unwrap() {
            "message" => {
                assert_eq!(payload["offset"], expected);
                expected += 1;
            }
            "gap" => {
                assert_eq!(
                    (&payload["from"], &payload["reason"]),
                    (&json!(expected), &json!("slow-consumer"))
                );
                let to = payload["to"].as_u64().unwrap();
                assert_eq!(payload["position"]["offset"], to);
                skipped += to + 1 - expected;
                expected = to + 1;
            }
            _ => cast = payload["data"].as_u64().unwrap(),
        }
    }
    assert!(skipped > last / 3, "{skipped} of {last} were skipped");
    assert_eq!(cast, (PUBLISHED - BURST) as u64, "the newest of all casts");
}

fn text(nth: usize) -> String {
    format!("{nth:0TEXT_BYTES$}")
}
