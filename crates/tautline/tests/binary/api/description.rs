//! The description, in the terms of `OpenAPI`, says what the server does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Client, Operators, Server};

const DOCUMENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/reference/openapi.json"
);

/// Method, path as the document writes it, status.
type Promise = (String, String, u16);

fn promises(document: &Value) -> BTreeSet<Promise> {
    let mut promises = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for status in operation["responses"].as_object().unwrap().keys() {
                if status != "default" {
                    let method = method.to_uppercase();
                    promises.insert((method, path.clone(), status.parse().unwrap()));
                }
            }
        }
    }
    promises
}

/// Asks for every status of a document, in one way each.
fn kept(operators: &Operators, id: &str) -> BTreeSet<Promise> {
    const ROOM: &str = "/v1/rooms/{room}/publications";
    let body = |body: Value| Some(body.to_string());
    let right = body(json!({"event": "e", "data": 1, "key": "k"}));
    let other = body(json!({"event": "e", "data": 2, "key": "k"}));
    let large = body(json!({"event": "e", "data": "x".repeat(100_000)}));
    let connection = format!("/v1/connections/{id}");
    let publish = "/v1/rooms/r/publications";
    let mut kept = BTreeSet::new();
    for (method, path, target, body) in [
        ("POST", ROOM, publish, right.clone()),
        ("POST", ROOM, publish, right),
        ("POST", ROOM, publish, other),
        ("POST", ROOM, publish, large),
        ("POST", ROOM, publish, None),
        ("POST", ROOM, publish, body(json!({}))),
        ("POST", ROOM, publish, body(json!([]))),
        ("GET", ROOM, publish, None),
        ("GET", ROOM, "/v1/rooms/r/publications?limit=x", None),
        ("GET", "/v1/rooms", "/v1/rooms", None),
        ("GET", "/v1/rooms", "/v1/rooms?limit=x", None),
        (
            "GET",
            "/v1/rooms/{room}/members",
            "/v1/rooms/r/members",
            None,
        ),
        (
            "GET",
            "/v1/rooms/{room}/members",
            "/v1/rooms/r/members?limit=x",
            None,
        ),
        ("GET", "/v1/connections", "/v1/connections", None),
        ("GET", "/v1/connections", "/v1/connections?limit=x", None),
        ("DELETE", "/v1/connections/{id}", "/v1/connections/x", None),
        ("DELETE", "/v1/connections/{id}", &*connection, None),
        (
            "DELETE",
            "/v1/connections/{id}",
            "/v1/connections/0000000000000000000000000000",
            None,
        ),
        ("GET", "/v1/openapi.json", "/v1/openapi.json", None),
    ] {
        let mut note = |status| kept.insert((method.to_owned(), path.to_owned(), status));
        note(operators.ask(method, target, body.as_deref()).status);
        note(operators.with_key("wrong").ask(method, target, None).status);
        let line = format!("{method} {target}");
        note(
            operators
                .ask_with(&line, "Origin: http://evil.example\r\n", "")
                .status,
        );
    }
    // Once a second would be slow enough.
    let mut slow = (0..100).map(|_| {
        operators.post(
            "/v1/rooms/slow/publications",
            &json!({"event": "e", "data": 1}),
        )
    });
    if let Some(answer) = slow.find(|answer| answer.status != 201) {
        kept.insert(("POST".to_owned(), ROOM.to_owned(), answer.status));
    }
    kept
}

#[test]
fn every_status_that_is_described_is_given_and_no_other() {
    let mut server = Server::development("[[room]]\nmatch = \"slow\"\nrate = \"1/s\"");
    let operators = server.operators();
    let (_client, _) = Client::known(server.address());
    let page = operators.get("/v1/connections").json();
    let id = page["connections"][0]["id"].as_str().unwrap();
    let document = operators.get("/v1/openapi.json").json();
    assert_eq!(kept(&operators, id), promises(&document));
}

#[test]
fn the_document_that_is_served_is_the_committed_one() {
    let mut server = Server::development("");
    let served = server.operators().get("/v1/openapi.json");
    assert_eq!(served.body, std::fs::read_to_string(DOCUMENT).unwrap());
    assert_eq!(served.json()["openapi"], "3.1.0");
}
