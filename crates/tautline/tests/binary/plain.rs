//! The plain protocol, v1: what clients say and hear, and every way in which it goes wrong.

use std::collections::HashSet;
use std::thread;

use serde_json::{Value, json};
use tungstenite::Message;

use super::harness::{Client, NEVER, Server, now, production, token};

/// Rooms that keep and announce, for whoever has a grant.
const GRANTED: &str = "[[room]]\nmatch = \"*\"\nhistory = 10\npresence = true";

/// What a client that says this, and nothing before it, is closed with.
fn closed_after(server: &Server, message: impl Into<Message>) -> (u16, String) {
    let mut client = Client::connect(server.address());
    client.send_message(message.into());
    client.closed()
}

#[test]
fn who_does_not_authenticate_in_time_is_closed_with_4401() {
    let server = Server::development("[auth]\ntimeout = \"50ms\"");
    let mut silent = Client::connect(server.address());
    assert_eq!(silent.closed(), (4401, "auth required".to_owned()));
}

#[test]
fn whoever_is_unknown_and_says_anything_else_than_a_right_token_is_closed_with_4403() {
    let server = Server::development("");
    for message in [
        json!({"type": "auth", "token": "wrong-token"}),
        json!({"type": "ping"}),
        json!({"type": "join", "roomId": "room"}),
        json!({"type": "chat", "roomId": "room", "text": "hi"}),
        json!({"type": "request", "method": "echo", "requestId": 1}),
    ] {
        let closed = closed_after(&server, message.to_string());
        assert_eq!(closed, (4403, "auth failed".to_owned()), "{message}");
    }
}

#[test]
fn what_is_no_message_is_closed_with_1008_and_the_reason() {
    let server = Server::development("");
    let above = format!(r#"{{"type":"ping","more":"{}"}}"#, "x".repeat(8 * 1024));
    for (text, reason) in [
        ("{", "JSON"),
        ("[]", "object"),
        (r#"{"type":"dance"}"#, "type"),
        (r#"{"type":"auth","token":"short"}"#, "token"),
        (r#"{"type":"join","roomId":"no spaces"}"#, "roomId"),
        (r#"{"type":"chat","roomId":"room","text":""}"#, "text"),
        (&above, "8192"),
    ] {
        let (code, said) = closed_after(&server, text);
        assert_eq!(code, 1008, "{text}");
        assert!(said.contains(reason), "{said:?} does not name {reason}");
    }
}

#[test]
fn a_binary_message_is_closed_with_1003() {
    let server = Server::development("");
    let (code, reason) = closed_after(&server, Message::binary(b"{}".as_slice()));
    assert_eq!(code, 1003);
    assert!(!reason.is_empty());
}

#[test]
fn a_message_of_exactly_the_limit_is_heard() {
    let server = Server::development("");
    let (mut client, _) = Client::known(server.address());
    let frame = r#"{"type":"ping","more":""}"#;
    let padding = "x".repeat(8 * 1024 - frame.len());
    client.send_message(Message::text(
        frame.replace("\"\"", &format!("{padding:?}")),
    ));
    client.expect("pong");
}

#[test]
fn a_chat_to_a_room_that_was_not_joined_is_closed_with_1008() {
    let server = Server::development("");
    let (mut client, _) = Client::known(server.address());
    client.chat("room", "hi");
    assert_eq!(client.closed(), (1008, "join room before chat".to_owned()));
}

#[test]
fn what_is_not_allowed_is_an_error_and_the_connection_stays() {
    let server = Server::production(&production(GRANTED));
    let reads = token("ann", NEVER, &json!({"news": ["join"]}));
    let (mut client, _) = Client::known_by(server.address(), &reads);
    client.send(&json!({"type": "join", "roomId": "secret", "requestId": "a"}));
    let error = client.expect("error");
    assert_eq!(
        (&error["code"], &error["requestId"]),
        (&json!("forbidden"), &json!("a"))
    );
    client.send(&json!({"type": "join", "roomId": "news"}));
    // Without the permission to read history none is sent.
    client.expect("joined");
    client.expect("userJoined");
    client.send(&json!({"type": "chat", "roomId": "news", "text": "hi", "requestId": "b"}));
    let error = client.expect("error");
    assert_eq!(
        (&error["code"], &error["requestId"]),
        (&json!("forbidden"), &json!("b"))
    );
    client.assert_quiet();
}

#[test]
fn an_expired_token_is_closed_with_4401() {
    let server = Server::production(&production(""));
    let expired = token("ann", now() - 60, &json!({}));
    let auth = json!({"type": "auth", "token": expired});
    let closed = closed_after(&server, auth.to_string());
    assert_eq!(closed, (4401, "token expired".to_owned()));
}

#[test]
fn a_token_that_expires_while_the_connection_is_open_ends_it() {
    let server = Server::production(&production(""));
    let brief = token("ann", now() + 2, &json!({}));
    let (mut client, user) = Client::known_by(server.address(), &brief);
    assert_eq!(user, "ann");
    assert_eq!(client.closed(), (4401, "token expired".to_owned()));
}

#[test]
fn a_fresh_token_of_the_same_user_renews_the_time_and_another_users_ends_the_connection() {
    let server = Server::production(&production(""));
    let brief = token("ann", now() + 2, &json!({}));
    let (mut ann, _) = Client::known_by(server.address(), &brief);
    ann.send(&json!({"type": "auth", "token": token("ann", NEVER, &json!({}))}));
    ann.expect("auth_ok");
    // Another connection's end shows that the time of the first token is over.
    let (mut other, _) = Client::known_by(server.address(), &token("eve", now() + 3, &json!({})));
    assert_eq!(other.closed().0, 4401);
    ann.assert_quiet();
    ann.send(&json!({"type": "auth", "token": token("bob", NEVER, &json!({}))}));
    assert_eq!(ann.closed().0, 4403);
}

#[test]
fn a_join_is_answered_in_order_and_a_second_one_by_joined_alone() {
    let server = Server::development("");
    let (mut client, user) = Client::known(server.address());
    client.send(&json!({"type": "join", "roomId": "room", "requestId": 1.50}));
    let joined = client.expect("joined");
    assert_eq!(
        joined,
        json!({"type": "joined", "roomId": "room", "requestId": 1.50})
    );
    let history = client.expect("history");
    assert_eq!(
        history,
        json!({"type": "history", "roomId": "room", "messages": []})
    );
    let own = client.expect("userJoined");
    assert_eq!(
        own,
        json!({"type": "userJoined", "roomId": "room", "userId": user, "username": user, "memberCount": 1})
    );
    client.send(&json!({"type": "join", "roomId": "room"}));
    client.expect("joined");
    client.assert_quiet();
}

#[test]
fn history_is_exactly_the_live_frames() {
    let server = Server::development("");
    let (mut ann, _) = Client::member(server.address(), "room");
    let mut live = Vec::new();
    for text in ["one", "two \u{1f600} \"quoted\"", "three"] {
        ann.chat("room", text);
        live.push(ann.text());
    }
    let (mut bob, _) = Client::known(server.address());
    bob.send(&json!({"type": "join", "roomId": "room"}));
    bob.expect("joined");
    let history = bob.text();
    let expected = format!(
        r#"{{"type":"history","roomId":"room","messages":[{}]}}"#,
        live.join(",")
    );
    assert_eq!(history, expected);
}

#[test]
fn messages_sent_back_to_back_on_open_take_effect_in_order() {
    let server = Server::development("");
    let mut client = Client::connect(server.address());
    client.send_together(&[
        json!({"type": "auth", "token": "dev-token"}),
        json!({"type": "join", "roomId": "room", "requestId": 1}),
        json!({"type": "chat", "roomId": "room", "text": "hi", "requestId": "mine"}),
        json!({"type": "ping", "requestId": 2}),
    ]);
    client.expect("auth_ok");
    assert_eq!(client.expect("joined")["requestId"], 1);
    assert_eq!(client.expect("history")["messages"], json!([]));
    // The room's life and the answers to the client come in no fixed order beside each other.
    let mut rest: Vec<Value> = (0..3).map(|_| client.next()).collect();
    rest.sort_by_key(|message| message["type"].to_string());
    let kinds: Vec<&Value> = rest.iter().map(|message| &message["type"]).collect();
    assert_eq!(kinds, ["chat", "pong", "userJoined"]);
    assert_eq!(
        (&rest[0]["requestId"], &rest[0]["text"]),
        (&json!("mine"), &json!("hi"))
    );
    assert_eq!(rest[1]["requestId"], 2);
}

#[test]
fn topics_are_joined_in_addition_and_left_one_by_one() {
    let server = Server::development("");
    let (mut client, _) = Client::known(server.address());
    let topics = json!({"topics": ["a", "b", "a"], "userId": "somebody-else"});
    client.send(&json!({"type": "subscribe", "payload": topics, "requestId": 7}));
    let subscribed = client.expect("subscribed");
    assert_eq!(
        subscribed,
        json!({"type": "subscribed", "topics": ["a", "b"], "requestId": 7})
    );
    for _ in 0..2 {
        client.expect("history");
    }
    for _ in 0..2 {
        client.expect("userJoined");
    }
    client.send(&json!({"type": "unsubscribe", "payload": {"topic": "a"}}));
    assert_eq!(client.expect("unsubscribed")["topic"], "a");
    client.chat("b", "still here");
    assert_eq!(client.expect("chat")["roomId"], "b");
    client.chat("a", "gone");
    assert_eq!(client.closed().0, 1008);
}

#[test]
fn a_partly_refused_subscription_names_what_was_refused() {
    let server = Server::production(&production(GRANTED));
    let reads = token("ann", NEVER, &json!({"news": ["join", "history"]}));
    let (mut client, _) = Client::known_by(server.address(), &reads);
    client.send(&json!({"type": "subscribe", "payload": {"topics": ["secret", "news"]}}));
    assert_eq!(client.expect("subscribed")["topics"], json!(["news"]));
    let error = client.expect("error");
    assert_eq!(error["code"], "forbidden");
    assert!(error["message"].as_str().unwrap().contains("secret"));
    client.expect("history");
    client.expect("userJoined");
    client.assert_quiet();
}

#[test]
fn requests_are_answered_or_unknown() {
    let server = Server::development("");
    let (mut client, _) = Client::known(server.address());
    let payload = json!({"deep": [1, {"er": null}]});
    client.send(&json!({"type": "request", "method": "echo", "payload": payload, "requestId": 3}));
    let response = client.expect("response");
    assert_eq!(
        response,
        json!({"type": "response", "requestId": 3, "payload": payload})
    );
    client.send(&json!({"type": "request", "method": "fly", "requestId": 4}));
    let error = client.expect("error");
    assert_eq!(
        (&error["code"], &error["requestId"]),
        (&json!("unknown_method"), &json!(4))
    );
    client.assert_quiet();
}

#[test]
fn a_room_too_many_is_an_error_and_the_connection_stays() {
    let server = Server::development("[limits]\nrooms_per_connection = 1");
    let (mut client, _) = Client::member(server.address(), "a");
    client.send(&json!({"type": "join", "roomId": "b"}));
    assert_eq!(client.expect("error")["code"], "limit_exceeded");
    client.assert_quiet();
}

#[test]
fn whoever_leaves_or_goes_is_announced_to_those_who_stay() {
    let server = Server::development("[presence]\ngrace = \"0s\"");
    let (mut stays, _) = Client::member(server.address(), "room");
    let (mut leaves, leaver) = Client::member(server.address(), "room");
    let (closes, closer) = Client::member(server.address(), "room");
    let (goes, goer) = Client::member(server.address(), "room");
    for (user, count) in [(&leaver, 2), (&closer, 3), (&goer, 4)] {
        let joined = stays.expect("userJoined");
        assert_eq!(
            (&joined["userId"], &joined["memberCount"]),
            (&json!(user), &json!(count))
        );
    }
    leaves.send(&json!({"type": "leave", "roomId": "room", "requestId": "x"}));
    let left = leaves.next_of("left");
    assert_eq!(
        left,
        json!({"type": "left", "roomId": "room", "requestId": "x"})
    );
    assert_left(&mut stays, &leaver, 3);
    closes.close();
    assert_left(&mut stays, &closer, 2);
    drop(goes);
    assert_left(&mut stays, &goer, 1);
    // Who has left hears nothing of the room any more, and may leave again.
    stays.chat("room", "alone");
    stays.expect("chat");
    leaves.send(&json!({"type": "leave", "roomId": "room"}));
    leaves.expect("left");
    leaves.assert_quiet();
}

fn assert_left(client: &mut Client, user: &str, count: u32) {
    let left = client.expect("userLeft");
    assert_eq!(
        (&left["userId"], &left["memberCount"]),
        (&json!(user), &json!(count))
    );
}

#[test]
fn a_large_room_is_told_how_many_it_has_instead_of_who() {
    let config = "[presence]\ngrace = \"0s\"\nevents_max = 3\ncount_every = \"50ms\"";
    let server = Server::development(config);
    let (mut first, _) = Client::member(server.address(), "room");
    let members: Vec<Client> = (0..4)
        .map(|_| {
            let mut client = Client::known(server.address()).0;
            client.join("room");
            client
        })
        .collect();
    let mut named = Vec::new();
    loop {
        let message = first.next();
        if message["type"] == "memberCount" {
            assert_eq!(message.as_object().unwrap().len(), 3, "{message}");
            if message["memberCount"] == 5 {
                break;
            }
        } else {
            assert_eq!(message["type"], "userJoined");
            named.push(message["memberCount"].clone());
        }
    }
    assert_eq!(named, [2, 3]);
    drop(members);
    // Back below the bound they are named again.
    let left = first.next_of("userLeft");
    assert_eq!(left["memberCount"], 3);
}

#[test]
fn members_who_come_and_go_too_often_are_counted_and_not_named() {
    let server =
        Server::development("[presence]\nevents_rate = \"1/s burst 3\"\ncount_every = \"50ms\"");
    let (mut ann, _) = Client::member(server.address(), "room");
    let (mut bob, _) = Client::known(server.address());
    let storm: Vec<_> = ["join", "leave"]
        .repeat(20)
        .into_iter()
        .map(|kind| json!({"type": kind, "roomId": "room"}))
        .collect();
    bob.send_together(&storm);
    bob.send(&json!({"type": "join", "roomId": "room"}));
    bob.chat("room", "here");
    let mut named = 0;
    let mut is_counted = false;
    loop {
        let message = ann.next();
        match message["type"].as_str().unwrap() {
            "chat" => break,
            "memberCount" => is_counted = true,
            _ => named += 1,
        }
    }
    assert!(named < storm.len(), "{named} were named");
    if !is_counted {
        ann.next_of("memberCount");
    }
}

/// So many publish at once, and so many only listen.
const PUBLISHERS: usize = 3;
const LISTENERS: usize = 3;
const MESSAGES_EACH: usize = 200;

#[test]
fn every_member_on_every_shard_sees_the_same_order() {
    let server = Server::development("[server]\nshards = 3\n[limits]\npublish_rate = \"off\"");
    let mut shards = HashSet::new();
    let members: Vec<Client> = (0..PUBLISHERS + LISTENERS)
        .map(|_| {
            let mut client = Client::connect(server.address());
            client.send(&json!({"type": "auth", "token": "dev-token"}));
            let answer = client.expect("auth_ok");
            shards.insert(shard(answer["connectionId"].as_str().unwrap()));
            client.join("room");
            client
        })
        .collect();
    assert_eq!(shards.len(), 3);
    let orders: Vec<Vec<(String, String)>> = thread::scope(|scope| {
        let threads: Vec<_> = members
            .into_iter()
            .enumerate()
            .map(|(nth, client)| scope.spawn(move || take_part(client, nth)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for order in &orders[1..] {
        assert!(*order == orders[0], "two members saw different orders");
    }
    let ids: HashSet<&String> = orders[0].iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), PUBLISHERS * MESSAGES_EACH);
    for publisher in 0..PUBLISHERS {
        let prefix = format!("{publisher}:");
        let own = orders[0]
            .iter()
            .filter_map(|(_, text)| text.strip_prefix(&prefix));
        assert!(own.eq((0..MESSAGES_EACH).map(|nth| nth.to_string())));
    }
}

/// Publishes, if it is a publisher's turn, and hears everything: ids and texts in their order.
fn take_part(mut client: Client, nth: usize) -> Vec<(String, String)> {
    if nth < PUBLISHERS {
        for message in 0..MESSAGES_EACH {
            client.chat("room", &format!("{nth}:{message}"));
        }
    }
    (0..PUBLISHERS * MESSAGES_EACH)
        .map(|_| {
            let chat = client.next_of("chat");
            let part = |name: &str| chat[name].as_str().unwrap().to_owned();
            (part("id"), part("text"))
        })
        .collect()
}

/// A connection's id names its shard, behind the eight digits of the node.
fn shard(connection: &str) -> String {
    connection[8..12].to_owned()
}
