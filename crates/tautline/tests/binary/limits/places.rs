//! How many connections of a user, and how many handshakes at once.

use serde_json::json;

use super::super::harness::{Client, NEVER, Stream, Watched, production, token, upgrade};

#[test]
fn a_user_has_so_many_connections() {
    let config = production("[limits]\nconnections_per_user = 1");
    let mut server = Watched::production(&config);
    let (ann, bob) = (
        token("ann", NEVER, &json!({})),
        token("bob", NEVER, &json!({})),
    );
    let (only, _) = Client::known_by(server.address(), &ann);
    let mut second = Client::connect(server.address());
    second.send(&json!({"type": "auth", "token": ann}));
    let (code, reason) = second.closed();
    assert_eq!(code, 4429);
    assert!(reason.contains("at most 1 connections"), "{reason}");
    second.close();
    let mut third = Stream::connect(server.address());
    third.write(upgrade("/", &format!("Authorization: Bearer {ann}\r\n")).as_bytes());
    let answer = third.answer();
    assert_eq!(answer.status, 429);
    let detail = &answer.problem()["detail"];
    assert!(
        detail.as_str().unwrap().contains("1 connections"),
        "{detail}"
    );
    server.assert_denied("too_many_connections", 1);
    server.assert_ended(4429, 1);
    server.assert_refused("user_connections", 1);

    let (mut other, _) = Client::known_by(server.address(), &bob);
    // A connection may say again whose it is: that is no other connection.
    other.authenticate(&bob);
    only.close();
    server.record("ended", |record| record["by"] == "Client");
    Client::known_by(server.address(), &ann);
}

#[test]
fn so_many_handshakes_go_on_at_once() {
    let mut server = Watched::development("limits.handshakes = 2\nserver.shards = 1");
    let mut waiting = [(), ()].map(|()| {
        let mut stream = Stream::connect(server.address());
        stream.write(b"GET / HTTP/1.1\r\n");
        stream
    });
    let mut third = Stream::connect(server.address());
    // It may be closed before the request is written.
    third.try_write(upgrade("/", "").as_bytes());
    assert!(third.rest().is_empty());
    server.assert_refused("handshakes", 1);
    // Who has shaken hands makes room for the next.
    let rest = upgrade("/", "").split_off("GET / HTTP/1.1\r\n".len());
    waiting[0].write(rest.as_bytes());
    assert_eq!(waiting[0].head().status, 101);
    server.record("connected", |_| true);
    Client::known(server.address());
}
