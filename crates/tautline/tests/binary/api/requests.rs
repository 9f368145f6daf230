//! Requests that are none of ours, or not as they should be.

use serde_json::json;

use crate::harness::{Client, Operators, Server, Stream};

const ROOM: &str = "/v1/rooms/room/publications";

fn open(config: &str) -> (Server, Operators) {
    let mut server = Server::development(config);
    let operators = server.operators();
    (server, operators)
}

#[test]
fn pages_of_other_sites_and_names_of_others_are_refused() {
    let (_server, operators) = open("admin.hosts = [\"rt.internal\"]");
    let key = "Authorization: Bearer dev-key\r\n";
    let ask = |host: &str, more: &str| {
        let head = format!("Host: {host}\r\nConnection: close\r\n{key}{more}");
        operators.ask_raw(&format!("GET /v1/rooms HTTP/1.1\r\n{head}\r\n"))
    };
    let address = operators.address().to_string();
    let own = format!("Origin: http://{address}\r\n");
    for (host, more) in [
        (&*address, ""),
        ("localhost", ""),
        ("rt.internal:80", ""),
        (&address, &own),
    ] {
        assert_eq!(ask(host, more).status, 200, "{host} {more}");
    }
    for (host, more) in [
        ("rebound.example", ""),
        ("localhost.evil.example", ""),
        (&*address, "Origin: http://evil.example\r\n"),
        (&*address, "Origin: null\r\n"),
        (&*address, "Host: localhost\r\n"),
    ] {
        let answer = ask(host, more);
        assert_eq!(
            (answer.status, &answer.problem()["code"]),
            (403, &json!("forbidden")),
            "{host} {more}"
        );
        assert!(answer.all("access-control-allow-origin").is_empty());
    }
    let without = operators.ask_raw("GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!(without.status, 403);
}

#[test]
fn unknown_paths_and_methods_are_told() {
    let (_server, operators) = open("");
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/room",
        "/v2/rooms",
        "/v1/rooms/a/b/publications",
    ] {
        let answer = operators.get(path);
        assert_eq!(
            (answer.status, &answer.problem()["code"]),
            (404, &json!("unsupported")),
            "{path}"
        );
    }
    for (method, path, allowed) in [
        ("PUT", ROOM, "GET,HEAD,POST"),
        ("POST", "/v1/rooms", "GET,HEAD"),
        ("GET", "/v1/connections/x", "DELETE"),
        ("OPTIONS", "/v1/connections", "GET,HEAD"),
        ("DELETE", "/metrics", "GET,HEAD"),
    ] {
        let answer = operators.ask(method, path, None);
        assert_eq!(
            (answer.status, &answer.problem()["code"]),
            (405, &json!("unsupported")),
            "{method} {path}"
        );
        let mut said: Vec<_> = answer.header("allow").unwrap().split(',').collect();
        said.sort_unstable();
        assert_eq!(said.join(","), allowed, "{method} {path}");
    }
}

#[test]
fn a_body_is_json_and_bounded() {
    let (_server, operators) = open("limits.message = 1000\nlimits.v1_frame = 500");
    let body = r#"{"event": "e", "data": 1}"#;
    let length = format!("Content-Length: {}\r\n", body.len());
    let key = "Authorization: Bearer dev-key\r\n";
    for kind in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/jsonp\r\n",
    ] {
        let answer = operators.ask_with(
            &format!("POST {ROOM}"),
            &format!("{key}{length}{kind}"),
            body,
        );
        assert_eq!(answer.status, 415, "{kind}");
        assert!(
            answer.problem()["detail"]
                .as_str()
                .unwrap()
                .contains("application/json")
        );
    }
    let named = "Content-Type: Application/JSON; charset=utf-8\r\n";
    let answer = operators.ask_with(
        &format!("POST {ROOM}"),
        &format!("{key}{length}{named}"),
        body,
    );
    assert_eq!(answer.status, 201);

    let filled =
        |bytes: usize| format!(r#"{{"event": "e", "data": "{}"}}"#, "x".repeat(bytes - 26));
    assert_eq!(filled(1000).len(), 1000);
    assert_eq!(operators.ask("POST", ROOM, Some(&filled(1000))).status, 201);
    let large = operators.ask("POST", ROOM, Some(&filled(1001)));
    assert_eq!(
        (large.status, &large.problem()["code"]),
        (413, &json!("too_large"))
    );
    // Whoever does not say how long it is is counted.
    let chunked = format!("{key}{named}Transfer-Encoding: chunked\r\n");
    let chunks = format!("{:x}\r\n{}\r\n0\r\n\r\n", 1001, filled(1001));
    let answer = operators.ask_with(&format!("POST {ROOM}"), &chunked, &chunks);
    assert_eq!(answer.status, 413);
}

#[test]
fn a_head_is_bounded_in_size_and_time() {
    let (_server, operators) = open("server.handshake_timeout = \"200ms\"");
    let large = operators.ask_with(
        "GET /v1/rooms",
        &format!("X: {}\r\n", "x".repeat(20_000)),
        "",
    );
    assert_eq!(large.status, 431);
    let many = operators.ask_with("GET /v1/rooms", &"X: y\r\n".repeat(100), "");
    assert_eq!(many.status, 431);
    let mut slow = Stream::connect(operators.address());
    slow.write(b"GET /v1/rooms HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    // It is answered, or only ended: the wait for it has an end.
    slow.rest();
}

#[test]
fn a_body_that_does_not_come_is_waited_for_a_while() {
    let (_server, operators) = open("server.handshake_timeout = \"200ms\"");
    let key = format!("Authorization: Bearer {}\r\n", operators.key());
    let headers = format!("{key}Content-Type: application/json\r\nContent-Length: 25\r\n");
    let answer = operators.ask_with(&format!("POST {ROOM}"), &headers, r#"{"event":"#);
    assert_eq!(
        (answer.status, &answer.problem()["code"]),
        (408, &json!("timeout"))
    );
}

#[test]
fn a_connection_takes_one_request_after_another() {
    let (_server, operators) = open("");
    let request = |more: &str| {
        format!(
            "GET /v1/rooms HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer dev-key\r\n{more}\r\n"
        )
    };
    let mut stream = Stream::connect(operators.address());
    stream.write(request("").as_bytes());
    assert_eq!(stream.head().status, 200);
    stream.write(request("Connection: close\r\n").as_bytes());
    let rest = String::from_utf8(stream.rest()).unwrap();
    assert_eq!(rest.matches("HTTP/1.1 200 OK").count(), 1, "{rest}");
}

#[test]
fn whoever_finds_no_place_waits_until_another_goes() {
    let (_server, operators) = open("admin.connections = 1\nserver.handshake_timeout = \"200ms\"");
    let _silent = Stream::connect(operators.address());
    assert_eq!(operators.get("/v1/rooms").status, 200);
}

#[test]
fn operators_are_answered_while_the_server_drains() {
    let config = "[server]\nshards = 1\n[drain]\nwindow = \"1m\"\ndeadline = \"2m\"";
    let (server, operators) = open(config);
    let (mut first, _) = Client::known(server.address());
    let (mut second, _) = Client::member(server.address(), "room");
    server.terminate();
    assert_eq!(first.closed().0, 1001);
    assert_eq!(operators.get("/ready").status, 503);
    assert_eq!(operators.get("/health").status, 200);
    let page = operators.get("/v1/connections").json();
    let connections = page["connections"].as_array().unwrap();
    let left = connections
        .iter()
        .find(|left| left["rooms"] == json!(["room"]));
    let published = operators.post(ROOM, &json!({"event": "bye", "data": 1}));
    assert_eq!(published.status, 201);
    second.expect("bye");
    let id = left.unwrap()["id"].as_str().unwrap();
    assert_eq!(
        operators.delete(&format!("/v1/connections/{id}")).status,
        204
    );
    assert_eq!(second.closed().0, 4410);
}
