//! Which connections there are, and how one is ended.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Client, Server, Stream};

/// So many are listed.
const MANY: usize = 200;

fn ids(page: &Value) -> Vec<String> {
    let connections = page["connections"].as_array().unwrap().iter();
    connections
        .map(|connection| connection["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_connection_is_shown_as_it_is() {
    let mut server = Server::development("");
    let operators = server.operators();
    let (mut ann, user) = Client::member(server.address(), "b");
    ann.join("a");
    ann.expect("userJoined");
    let _unknown = Stream::upgraded(server.address());
    let all = operators.get("/v1/connections").json();
    assert_eq!(ids(&all).len(), 2);
    let page = operators
        .get(&format!("/v1/connections?user={user}"))
        .json();
    let [shown] = page["connections"].as_array().unwrap().as_slice() else {
        panic!("{page}");
    };
    assert_eq!(shown["user"], user);
    assert_eq!(shown["rooms"], json!(["b", "a"]));
    assert_eq!(shown["address"], "127.0.0.1");
    assert_eq!(
        (&shown["transport"], &shown["queuedBytes"]),
        (&json!("websocket"), &json!(0))
    );
    let ms = |name: &str| shown[name].as_u64().unwrap();
    assert!(
        ms("sinceReadMs") <= ms("ageMs") && ms("sinceWriteMs") <= ms("ageMs"),
        "{shown}"
    );
    let in_room = |room: &str| {
        ids(&operators
            .get(&format!("/v1/connections?room={room}"))
            .json())
    };
    assert_eq!(in_room("a"), ids(&page));
    assert_eq!(in_room("c"), [] as [&str; 0]);
    let others = operators.get("/v1/connections?user=nobody").json();
    assert_eq!(others, json!({"connections": []}));
    let nobody = ids(&all).into_iter().find(|id| *id != ids(&page)[0]);
    let shown = all["connections"].as_array().unwrap();
    let unknown = shown
        .iter()
        .find(|shown| shown["id"].as_str() == nobody.as_deref());
    assert_eq!(unknown.unwrap().get("user"), None);
}

#[test]
fn hundreds_are_listed_page_by_page_each_once() {
    let limits =
        "[limits]\nconnections_per_address = 0\nhandshakes_per_address = 0\nconnect_rate = \"off\"";
    let mut server = Server::development(&format!("server.shards = 2\n{limits}"));
    let operators = server.operators();
    let streams: Vec<Stream> = (0..MANY)
        .map(|_| Stream::upgraded(server.address()))
        .collect();
    let (mut seen, mut pages) = (BTreeSet::new(), 0);
    let mut target = Some("/v1/connections?limit=30".to_owned());
    while let Some(at) = target {
        let page = operators.get(&at).json();
        let found = ids(&page);
        assert!(found.len() <= 30);
        for id in found {
            assert!(seen.insert(id), "told twice");
        }
        pages += 1;
        target = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!((seen.len(), pages), (MANY, MANY / 30 + 1));
    drop(streams);
}

#[test]
fn a_connection_is_ended_with_4410_and_that_is_told() {
    let mut server = Server::logging("", "debug");
    let operators = server.operators();
    let (mut ann, _) = Client::member(server.address(), "room");
    let (mut bob, user) = Client::member(server.address(), "room");
    ann.expect("userJoined");
    let page = operators
        .get(&format!("/v1/connections?user={user}"))
        .json();
    let id = &ids(&page)[0];
    let answer = operators.delete(&format!("/v1/connections/{id}"));
    assert_eq!((answer.status, &*answer.body), (204, ""));
    let (code, reason) = loop {
        match bob.text_or_close() {
            Ok(_) => {}
            Err(close) => break close,
        }
    };
    assert_eq!((code, &*reason), (4410, "disconnected by the application"));
    bob.close();
    assert_eq!(ann.expect("userLeft")["userId"], user);
    ann.assert_quiet();
    let operated = server.record("operated", |_| true);
    assert_eq!(
        (&operated["operator"], &operated["act"], &operated["target"]),
        (&json!("dev"), &json!("disconnect"), &json!(id))
    );
    let ended = server.record("ended", |_| true);
    assert_eq!(
        (&ended["connection"], &ended["code"]),
        (&json!(id), &json!(4410))
    );
    let again = operators.delete(&format!("/v1/connections/{id}"));
    assert_eq!(again.status, 404);
    again.problem();
    let figures = operators.get("/metrics").body;
    for line in [
        "tautline_acts_total{act=\"disconnect\"} 1",
        "tautline_api_requests_total{route=\"/v1/connections/{id}\",method=\"DELETE\",status=\"2xx\"} 1",
        "tautline_api_requests_total{route=\"/v1/connections/{id}\",method=\"DELETE\",status=\"4xx\"} 1",
        "tautline_api_request_seconds_count{route=\"/v1/connections/{id}\"} 2",
    ] {
        assert!(
            figures.lines().any(|found| found == line),
            "{line} is not in:\n{figures}"
        );
    }
}

#[test]
fn what_names_no_connection_ends_none() {
    let mut server = Server::development("");
    let operators = server.operators();
    let (mut ann, _) = Client::known(server.address());
    let page = operators.get("/v1/connections").json();
    let id = &ids(&page)[0];
    let other = |at: usize| {
        let mut digits = id.clone().into_bytes();
        digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(digits).unwrap()
    };
    // Another node, another shard, another place, another who had the place.
    for at in [0, 11, 19, 27] {
        let answer = operators.delete(&format!("/v1/connections/{}", other(at)));
        assert_eq!(answer.status, 404, "{at}");
    }
    for bad in [
        "",
        "x",
        &id[1..],
        &id.to_uppercase()
            .replace(|letter: char| letter.is_ascii_digit(), "A"),
    ] {
        let answer = operators.delete(&format!("/v1/connections/{bad}"));
        assert_eq!(
            answer.status,
            if bad.is_empty() { 404 } else { 400 },
            "{bad}"
        );
        answer.problem();
    }
    let foreign = operators.get(&format!("/v1/connections?cursor={}", other(0)));
    assert_eq!(
        (foreign.status, &foreign.problem()["path"]),
        (400, &json!("cursor"))
    );
    ann.assert_quiet();
}
