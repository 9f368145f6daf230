//! What operators see: figures that are right after what happened.

use serde_json::json;

use super::harness::{Client, Frame, Server, Stream, text_frame};

#[test]
fn the_figures_tell_what_happened() {
    let mut server = Server::logging("", "debug");
    let operators = server.operators();
    let (mut first, _) = Client::member(server.address(), "room");
    let (mut second, _) = Client::member(server.address(), "room");
    first.expect("userJoined");
    first.chat("room", "one");
    for client in [&mut first, &mut second] {
        client.expect("chat");
    }
    second.close();
    first.expect("userLeft");
    server.record("ended", |_| true);

    let answer = operators.get("/metrics");
    let text = &answer.body;
    for line in [
        "tautline_connected_total 2",
        "tautline_publications_total 1",
        "tautline_deliveries_total 2",
        "tautline_memberships 1",
        "tautline_rooms 1",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in:\n{text}"
        );
    }
    assert!(
        text.contains("tautline_endings_total{by=\"client\""),
        "{text}"
    );
    let content_type = answer.header("content-type").unwrap();
    assert!(content_type.starts_with("application/openmetrics-text"));
    assert_eq!(operators.get("/ready").body, "ready\n");
}

#[test]
fn what_takes_time_is_counted_once_each() {
    let mut server = Server::development("[server]\nshards = 2");
    let operators = server.operators();
    let (mut first, _) = Client::member(server.address(), "room");
    let (mut second, _) = Client::member(server.address(), "room");
    first.expect("userJoined");
    for text in ["one", "two", "three"] {
        first.chat("room", text);
        for client in [&mut first, &mut second] {
            client.expect("chat");
        }
    }
    let mut wrong = Client::connect(server.address());
    wrong.send(&json!({"type": "auth", "token": "a wrong one"}));
    wrong.closed();

    // A shard counts a publication when it has written it, and a client may read that sooner.
    while operators.figure("tautline_fan_out_seconds_count") < 6 {}
    let text = operators.get("/metrics").body;
    for (name, count) in [
        ("handshake", 3),
        ("token_verification", 3),
        ("publish", 3),
        ("fan_out", 6),
    ] {
        for sample in ["count", "bucket{le=\"+Inf\"}", "bucket{le=\"10.0\"}"] {
            let line = format!("tautline_{name}_seconds_{sample} {count}");
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
        let none = format!("tautline_{name}_seconds_sum 0.0");
        assert!(text.lines().all(|found| found != none), "{none}");
    }
}

/// Each message has so many bytes.
const TEXT_BYTES: usize = 1000;
/// So many are on their way at once.
const BURST: usize = 200;
/// More than the sockets of a reader that has stopped hold, by far.
const BURSTS_MAX: usize = 200;

/// Publishes to a reader that has stopped until this counter moves, and says how much waited at most.
fn until_counted(config: &str, counter: &str) -> usize {
    // Another shard would have its turns when it likes.
    let limits = "server.shards = 1\n[limits]\npublish_rate = \"off\"\nrequest_rate = \"off\"";
    let room = "[[room]]\nmatch = \"room\"\nrate = \"off\"\neveryone = [\"join\", \"publish\"]";
    let mut server = Server::development(&format!("{limits}\n{config}\n{room}"));
    let operators = server.operators();
    let (mut fast, _) = Client::known(server.address());
    fast.send(&json!({"type": "join", "roomId": "room"}));
    fast.expect("joined");
    let mut slow = Stream::upgraded(server.address());
    slow.write(&text_frame(r#"{"type":"auth","token":"dev-token"}"#));
    slow.write(&text_frame(r#"{"type":"join","roomId":"room"}"#));
    for _ in ["auth_ok", "joined"] {
        assert_eq!(slow.frame().first, Frame::TEXT);
    }
    let text = "x".repeat(TEXT_BYTES);
    let mut most = 0;
    for _ in 0..BURSTS_MAX {
        let chat = json!({"type": "chat", "roomId": "room", "text": text});
        fast.send_together(&vec![chat; BURST]);
        for _ in 0..BURST {
            fast.expect("chat");
        }
        // What waits is told at the end of a shard's turn, and this is answered in a later one.
        fast.send(&json!({"type": "ping"}));
        fast.expect("pong");
        most = most.max(operators.figure("tautline_queued_bytes"));
        match operators.figure(counter) {
            0 => {}
            1 => return most,
            more => panic!("{counter} is {more}"),
        }
    }
    panic!("{counter} does not move");
}

#[test]
fn a_reader_that_stops_is_counted_as_slow_and_what_waits_for_it_before() {
    let counter = "tautline_slow_consumers_total";
    let most = until_counted("[outbox]\nbytes = 500000", counter);
    assert!((100_000..=600_000).contains(&most), "{most} bytes");
}

#[test]
fn a_queue_that_is_given_up_for_memory_is_counted_as_shed() {
    let counter = "tautline_connections_shed_total";
    let most = until_counted("memory = 1048576\n[outbox]\nbytes = 4000000", counter);
    assert!((200_000..=1_048_576).contains(&most), "{most} bytes");
}
