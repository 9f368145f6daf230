//! How often.

use serde_json::{Value, json};
use tautline_protocol::wire::v2::Encoding;

use super::super::harness::{Bystander, Client, Speaker, Stream, Watched, upgrade};

/// The errors among the next messages, and how many others there are.
fn errors(client: &mut Client, messages: usize) -> (Vec<Value>, usize) {
    let next = (0..messages).map(|_| client.next());
    let (errors, others): (Vec<_>, Vec<_>) = next.partition(|message| message["type"] == "error");
    (errors, others.len())
}

fn assert_limited(error: &Value, what: &str, request: &str) {
    assert_eq!(error["type"], "error", "{error}");
    assert_eq!(
        (&error["code"], &error["requestId"]),
        (&json!("rate_limited"), &json!(request))
    );
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains(what) && message.contains("too often; wait"),
        "{message}"
    );
}

#[test]
fn more_than_the_server_takes_in_at_once_are_told_to_come_back() {
    let mut server = Watched::development("limits.accept_rate = \"1/s burst 2\"");
    for _ in 0..2 {
        Stream::upgraded(server.address());
    }
    let mut third = Stream::connect(server.address());
    third.write(upgrade("/", "").as_bytes());
    let answer = third.answer();
    assert_eq!(answer.status, 503);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    server.assert_refused("accept_rate", 1);
}

#[test]
fn publishing_too_often_is_an_error_and_the_connection_stays() {
    let mut server = Watched::development("limits.publish_rate = \"1/s burst 2\"");
    let (mut client, _) = Client::member(server.address(), "room");
    let chats = ["a", "b", "c"]
        .map(|name| json!({"type": "chat", "roomId": "room", "text": "hi", "requestId": name}));
    client.send_together(&chats);
    let (errors, published) = errors(&mut client, 3);
    assert_eq!((errors.len(), published), (1, 2));
    assert_limited(&errors[0], "you publish", "c");
    client.assert_quiet();
    server.assert_denied("too_often", 1);
}

#[test]
fn joining_too_often_is_an_error_and_leaving_counts_too() {
    let mut server = Watched::development("limits.join_rate = \"1/s burst 2\"");
    let (mut client, _) = Client::known(server.address());
    client.send_together(&[
        json!({"type": "leave", "roomId": "a"}),
        json!({"type": "join", "roomId": "a"}),
        json!({"type": "join", "roomId": "b", "requestId": "c"}),
    ]);
    assert_limited(&client.next_of("error"), "you join", "c");
    client.send(&json!({"type": "ping"}));
    client.next_of("pong");
    server.assert_denied("too_often", 1);
}

#[test]
fn joining_rooms_with_history_too_often_is_an_error_and_others_may_be_joined() {
    let mut server = Watched::development(
        "limits.history_rate = \"1/s burst 2\"\n\
         [[room]]\nmatch = \"bare:*\"\neveryone = [\"join\", \"history\"]\n\
         [[room]]\nmatch = \"*\"\nhistory = 10\neveryone = [\"join\", \"history\"]",
    );
    let (mut client, _) = Client::known(server.address());
    client.send_together(&[
        json!({"type": "join", "roomId": "a"}),
        json!({"type": "join", "roomId": "bare:a"}),
        json!({"type": "join", "roomId": "b"}),
        json!({"type": "join", "roomId": "c", "requestId": "c"}),
        json!({"type": "join", "roomId": "bare:b"}),
    ]);
    for kind in ["joined", "history", "joined", "joined", "history"] {
        client.expect(kind);
    }
    assert_limited(&client.next(), "you read history", "c");
    assert_eq!(client.expect("joined")["roomId"], "bare:b");
    server.assert_denied("too_often", 1);
}

#[test]
fn each_topic_of_a_subscription_is_a_join() {
    let mut server = Watched::development("limits.join_rate = \"1/s burst 2\"");
    let (mut client, _) = Client::known(server.address());
    let topics = json!({"topics": ["a", "b", "c", "d"]});
    client.send(&json!({"type": "subscribe", "payload": topics, "requestId": "all"}));
    assert_eq!(client.expect("subscribed")["topics"], json!(["a", "b"]));
    for _ in ["c", "d"] {
        assert_limited(&client.next_of("error"), "you join", "all");
    }
    server.assert_denied("too_often", 2);
}

#[test]
fn asking_too_often_is_an_error_and_tokens_and_pings_count_too() {
    let mut server = Watched::development("limits.request_rate = \"1/s burst 3\"");
    let mut client = Client::connect(server.address());
    client.send_together(&[
        json!({"type": "auth", "token": "dev-token"}),
        json!({"type": "ping"}),
        json!({"type": "request", "method": "echo", "requestId": "a"}),
        json!({"type": "request", "method": "echo", "requestId": "b"}),
        json!({"type": "ping", "requestId": "c"}),
        json!({"type": "auth", "token": "dev-token", "requestId": "d"}),
    ]);
    for kind in ["auth_ok", "pong", "response"] {
        client.expect(kind);
    }
    for request in ["b", "c", "d"] {
        assert_limited(&client.next(), "you ask", request);
    }
    client.join("room");
    server.assert_denied("too_often", 3);
}

#[test]
fn who_does_not_heed_refusals_is_closed_with_4429() {
    let mut server = Watched::development("limits.refusal_rate = \"1/s burst 2\"");
    let mut bystander = Bystander::of(&server);
    let (mut client, _) = Client::known(server.address());
    let unknown =
        ["a", "b", "c"].map(|name| json!({"type": "request", "method": "fly", "requestId": name}));
    client.send_together(&unknown);
    for name in ["a", "b"] {
        assert_eq!(client.expect("error")["requestId"], name);
    }
    let (code, reason) = client.closed();
    assert_eq!(code, 4429);
    assert!(reason.contains("heed the errors"), "{reason}");
    drop(client);
    server.assert_denied("unknown_method", 3);
    server.assert_denied("refused_too_often", 1);
    server.assert_ended(4429, 1);
    bystander.assert_served(&server);
}

#[test]
fn a_room_has_a_rate_for_all_together() {
    let mut server = Watched::development(
        "[[room]]\nmatch = \"room\"\nrate = \"1/s burst 1\"\neveryone = [\"join\", \"publish\"]",
    );
    let [mut ann, mut bob] = [(), ()].map(|()| {
        let (mut client, _) = Client::known(server.address());
        client.send(&json!({"type": "join", "roomId": "room"}));
        client.expect("joined");
        client
    });
    ann.chat("room", "one");
    bob.expect("chat");
    // The second of two at once is too many, however long the first has taken.
    let chats = ["a", "b"]
        .map(|name| json!({"type": "chat", "roomId": "room", "text": "two", "requestId": name}));
    bob.send_together(&chats);
    let error = bob.next_of("error");
    assert_eq!(error["code"], "rate_limited");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("room is published to too often; wait"),
        "{message}"
    );
    bob.send(&json!({"type": "ping"}));
    bob.next_of("pong");
    let (mut cid, _) = Speaker::welcome(server.address(), Encoding::Json, &json!([]));
    let publish = json!({"room": "room", "event": "note", "data": 1});
    let asked = ["a", "b"].map(|_| cid.say("publish", &publish));
    let refused = asked.map(|asked| cid.answer(asked)["payload"].clone());
    assert_eq!(refused[1]["code"], "rate_limited", "{refused:?}");
    let wait = refused[1]["retryAfterMs"].as_u64().unwrap();
    assert!((1..=1001).contains(&wait), "{wait}");
    let refused = server.figure("tautline_denials_total{refusal=\"rate_limited\"}");
    assert!(refused > 0);
    server.assert_denied("rate_limited", refused);
}
