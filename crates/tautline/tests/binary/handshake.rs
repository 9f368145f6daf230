//! From the first byte to the upgrade, and everything that ends before it.

use std::time::{Duration, Instant};

use flate2::{Decompress, FlushDecompress};
use serde_json::json;

use super::harness::{
    Answer, Client, Frame, HANG, NEVER, Server, Stream, Watched, now, production, text_frame,
    token, upgrade,
};

/// What one request is answered with.
fn ask(server: &Server, request: &str) -> Answer {
    let mut stream = Stream::connect(server.address());
    stream.write(request.as_bytes());
    stream.answer()
}

fn get(server: &Server, path: &str) -> Answer {
    ask(
        server,
        &format!("GET {path} HTTP/1.1\r\nHost: tautline.test\r\n\r\n"),
    )
}

/// The status that an upgrade with these headers is answered with; a refusal is a problem.
fn upgrading(server: &Server, headers: &str) -> u16 {
    let answer = ask(server, &upgrade("/", headers));
    if answer.status != 101 {
        answer.problem();
    }
    answer.status
}

#[test]
fn upgrades_are_accepted_at_the_root_and_at_ws_and_nowhere_else() {
    let server = Server::development("");
    for (path, status) in [
        ("/", 101),
        ("/ws", 101),
        ("/ws?room=1", 101),
        ("/ws/", 404),
        ("/health", 404),
    ] {
        let answer = ask(&server, &upgrade(path, ""));
        assert_eq!(answer.status, status, "{path}");
        if status == 101 {
            assert_eq!(answer.all("connection"), ["Upgrade"]);
            assert_eq!(answer.all("upgrade"), ["websocket"]);
            assert_eq!(
                answer.header("sec-websocket-accept"),
                Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            );
            assert_eq!(answer.header("sec-websocket-protocol"), None);
        } else {
            answer.problem();
        }
    }
}

#[test]
fn plain_requests_are_answered_on_the_public_port() {
    let server = Server::development("");
    for (path, body) in [("/health", "ok\n"), ("/ready", "ready\n")] {
        let answer = get(&server, path);
        assert_eq!((answer.status, &*answer.body), (200, body));
    }
    let missing = get(&server, "/missing");
    assert_eq!(missing.status, 404);
    missing.problem();
    let posted = ask(
        &server,
        "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert_eq!(
        (posted.status, posted.header("allow")),
        (405, Some("GET, HEAD"))
    );
}

#[test]
fn a_server_in_use_shows_one_line_instead_of_the_page() {
    let server = Server::production("");
    let start = get(&server, "/");
    assert_eq!((start.status, start.body.lines().count()), (200, 1));
    assert_eq!(get(&server, "/plain/").status, 404);
}

#[test]
fn the_version_is_echoed_and_unknown_ones_are_refused_with_those_that_are_served() {
    let server = Server::development("");
    let offer = |offered: &str| {
        ask(
            &server,
            &upgrade("/", &format!("Sec-WebSocket-Protocol: {offered}\r\n")),
        )
    };
    for (offered, best) in [
        ("tautline.v1.json", "tautline.v1.json"),
        ("mqtt, tautline.v1.json", "tautline.v1.json"),
        ("tautline.v1.json, tautline.v2.json", "tautline.v2.json"),
        (
            "tautline.v2.json, tautline.v2.msgpack",
            "tautline.v2.msgpack",
        ),
    ] {
        let answer = offer(offered);
        assert_eq!(
            answer.header("sec-websocket-protocol"),
            Some(best),
            "{offered}"
        );
    }
    let refused = offer("mqtt, tautline.v9.json");
    assert_eq!(refused.status, 400);
    let supported = [
        "tautline.v2.msgpack",
        "tautline.v2.json",
        "tautline.v1.json",
    ];
    assert_eq!(refused.problem()["supported"], json!(supported));
}

#[test]
fn a_right_token_in_the_handshake_is_an_identity_and_is_never_echoed() {
    let server = Server::production(&production(""));
    let right = token("ann", NEVER, &json!({}));
    let bearer = format!("bearer.{right}");
    let both = format!("{bearer}, tautline.v1.json");
    let authorization = format!("Bearer {right}");
    for (name, value, echo) in [
        ("Sec-WebSocket-Protocol", &both, Some("tautline.v1.json")),
        ("Authorization", &authorization, None),
    ] {
        let (mut client, response) = Client::connect_with(server.address(), &[(name, value)]);
        let echoed = response.headers().get("sec-websocket-protocol");
        assert_eq!(echoed.map(|value| value.to_str().unwrap()), echo);
        assert!(!format!("{response:?}").contains(&right));
        assert_eq!(client.expect("auth_ok")["userId"], "ann");
    }
    // A client whose only subprotocol is the token gets none back.
    let answer = ask(
        &server,
        &upgrade("/", &format!("Sec-WebSocket-Protocol: {bearer}\r\n")),
    );
    assert_eq!(
        (answer.status, answer.header("sec-websocket-protocol")),
        (101, None)
    );
}

#[test]
fn a_wrong_token_in_the_handshake_is_refused_before_the_upgrade() {
    let server = Server::production(&production(""));
    let right = token("ann", NEVER, &json!({}));
    let expired = token("ann", now() - 60, &json!({}));
    let mut forged = right.clone();
    forged.insert(right.len() - 8, 'x');
    for wrong in ["wrong-token", &forged, &expired] {
        for header in [
            format!("Sec-WebSocket-Protocol: tautline.v1.json, bearer.{wrong}\r\n"),
            format!("Authorization: Bearer {wrong}\r\n"),
        ] {
            let answer = ask(&server, &upgrade("/", &header));
            assert_eq!(answer.status, 401, "{header}");
            answer.problem();
            assert!(!format!("{answer:?}").contains(wrong));
        }
    }
}

#[test]
fn a_token_in_the_url_is_refused_even_if_it_is_right() {
    let mut server = Watched::production(&production(""));
    let right = token("ann", NEVER, &json!({}));
    let queries = [
        format!("?token={right}"),
        format!("?a=b&access_token={right}"),
        format!("?anything={right}"),
        format!("?{right}"),
        "?jwt".to_owned(),
    ];
    for query in &queries {
        let answer = ask(&server, &upgrade(&format!("/ws{query}"), ""));
        assert_eq!(answer.status, 400, "{query}");
        assert!(!format!("{answer:?}").contains(&right));
        let detail = answer.problem()["detail"].to_string();
        assert!(detail.contains("Authorization"), "{detail}");
    }
    server.assert_refused("token_in_url", queries.len());
    let other = ask(&server, &upgrade("/ws?page=a.b.c&tokens=3", ""));
    assert_eq!(other.status, 101);
}

#[test]
fn half_a_credential_or_two_are_a_bad_request() {
    let server = Server::production(&production(""));
    let right = token("ann", NEVER, &json!({}));
    for headers in [
        "Sec-WebSocket-Protocol: bearer.\r\n".to_owned(),
        "Sec-WebSocket-Protocol: tautline.v1.json, bearer.\r\n".to_owned(),
        format!("Sec-WebSocket-Protocol: bearer.{right}, bearer.{right}\r\n"),
        format!("Sec-WebSocket-Protocol: bearer.{right}\r\nAuthorization: Bearer {right}\r\n"),
        "Authorization: Bearer \r\n".to_owned(),
        "Authorization: Basic YTpi\r\n".to_owned(),
        format!("Authorization: Bearer {right}\r\nAuthorization: Bearer {right}\r\n"),
    ] {
        assert_eq!(upgrading(&server, &headers), 400, "{headers}");
    }
}

#[test]
fn nobody_is_let_in_where_nothing_is_configured() {
    let server = Server::production("");
    for credential in ["dev-token".to_owned(), token("ann", NEVER, &json!({}))] {
        let header = format!("Authorization: Bearer {credential}\r\n");
        assert_eq!(upgrading(&server, &header), 401);
        let mut client = Client::connect(server.address());
        client.send(&json!({"type": "auth", "token": credential}));
        assert_eq!(client.closed().0, 4403);
    }
}

#[test]
fn a_request_that_is_no_handshake_is_refused() {
    let server = Server::development("");
    let right = upgrade("/", "");
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    for (from, to, status) in [
        (version, "Sec-WebSocket-Version: 8\r\n", 426),
        (version, "", 400),
        (
            version,
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n",
            400,
        ),
        (key, "", 400),
        (
            key,
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            400,
        ),
        (key, "Sec-WebSocket-Key: short\r\n", 400),
        (key, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n", 400),
        (key, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n", 400),
        ("Host: tautline.test\r\n", "", 400),
        ("GET /", "POST /", 400),
        ("HTTP/1.1", "HTTP/1.0", 400),
    ] {
        let request = right.replacen(from, to, 1);
        assert_ne!(request, right);
        let answer = ask(&server, &request);
        assert_eq!(answer.status, status, "{request}");
        answer.problem();
        if status == 426 {
            assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        }
    }
}

#[test]
fn development_lets_pages_of_this_machine_connect_and_no_others() {
    let server = Server::development("");
    for (origin, status) in [
        ("http://localhost:3000", 101),
        ("http://127.0.0.1", 101),
        ("http://[::1]:5173", 101),
        ("null", 403),
        ("https://example.com", 403),
        ("http://tautline.test", 403),
    ] {
        let header = format!("Origin: {origin}\r\n");
        assert_eq!(upgrading(&server, &header), status, "{origin}");
    }
}

#[test]
fn a_server_in_use_lets_its_own_and_listed_pages_connect_and_no_others() {
    let server = Server::production("[server]\nallowed_origins = [\"https://app.example.com\"]");
    for (origin, status) in [
        ("https://tautline.test", 101),
        ("https://app.example.com", 101),
        ("http://localhost:3000", 403),
        ("null", 403),
    ] {
        let header = format!("Origin: {origin}\r\n");
        assert_eq!(upgrading(&server, &header), status, "{origin}");
    }
}

#[test]
fn an_oversized_head_is_refused_and_closed() {
    let server = Server::development("");
    let long = format!("X-Long: {}\r\n", "x".repeat(8 * 1024));
    let many = "X-One: 1\r\n".repeat(65);
    for headers in [long, many] {
        let mut stream = Stream::connect(server.address());
        stream.write(upgrade("/", &headers).as_bytes());
        let rest = String::from_utf8(stream.rest()).unwrap();
        assert!(rest.starts_with("HTTP/1.1 431 "), "{rest}");
    }
    let path = format!("/ws?{}", "x".repeat(2 * 1024));
    assert_eq!(ask(&server, &upgrade(&path, "")).status, 414);
    // What is just within the bounds is let in.
    assert_eq!(upgrading(&server, &"X-One: 1\r\n".repeat(64 - 5)), 101);
}

#[test]
fn an_unfinished_request_is_closed_at_the_deadline_even_when_bytes_come_now_and_then() {
    let mut server = Watched::development("[server]\nhandshake_timeout = \"200ms\"");
    let mut stream = Stream::connect(server.address());
    stream.write(b"GET / HTTP/1.1\r\nX-Slow: ");
    let begin = Instant::now();
    while stream.try_write(b"x") && !stream.ends_within(Duration::from_millis(20)) {
        assert!(
            begin.elapsed() < HANG,
            "a request that never ends is waited for"
        );
    }
    assert_eq!(get(&server, "/health").status, 200);
    server.assert_refused("too_late", 1);
}

#[test]
fn nothing_behind_a_request_that_is_no_upgrade_is_answered() {
    let server = Server::development("");
    let foreign = upgrade("/", "Origin: https://example.com\r\n");
    let plain = "GET /health HTTP/1.1\r\nHost: tautline.test\r\n\r\n".to_owned();
    for first in [foreign, plain] {
        let mut stream = Stream::connect(server.address());
        let behind = "GET /ready HTTP/1.1\r\nHost: tautline.test\r\n\r\n";
        stream.write(format!("{first}{behind}").as_bytes());
        let said = String::from_utf8(stream.rest()).unwrap();
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
    }
}

#[test]
fn messages_right_behind_the_request_are_heard() {
    let server = Server::development("");
    let mut stream = Stream::connect(server.address());
    let auth = text_frame(r#"{"type":"auth","token":"dev-token"}"#);
    stream.write(&[upgrade("/", "").as_bytes(), &auth].concat());
    assert_eq!(stream.head().status, 101);
    let frame = stream.frame();
    assert!(
        frame.payload.starts_with(br#"{"type":"auth_ok""#),
        "{frame:?}"
    );
}

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

#[test]
fn compression_is_not_negotiated_unless_it_is_configured() {
    let server = Server::development("");
    let answer = ask(&server, &upgrade("/", OFFER));
    assert_eq!(
        (answer.status, answer.header("sec-websocket-extensions")),
        (101, None)
    );
}

#[test]
fn compression_keeps_no_context_on_either_side() {
    let server = Server::development("[compression]\nenabled = true");
    let answer = ask(&server, &upgrade("/", OFFER));
    let agreed = answer.header("sec-websocket-extensions").unwrap();
    let mut parts = agreed.split(';').map(str::trim);
    assert_eq!(parts.next(), Some("permessage-deflate"));
    let parts: Vec<&str> = parts.collect();
    for part in ["server_no_context_takeover", "client_no_context_takeover"] {
        assert!(parts.contains(&part), "{agreed}");
    }
    assert_eq!(
        ask(&server, &upgrade("/", "")).header("sec-websocket-extensions"),
        None
    );
}

#[test]
fn who_compresses_and_who_does_not_get_the_same_message() {
    let server = Server::development("[compression]\nenabled = true\nthreshold = 512");
    let (mut plain, _) = Client::member(server.address(), "room");
    let mut compressing = Stream::connect(server.address()).upgrade(OFFER);
    for message in [
        r#"{"type":"auth","token":"dev-token"}"#,
        r#"{"type":"join","roomId":"room"}"#,
    ] {
        compressing.write(&text_frame(message));
    }
    // Its own arrival is told when it follows the room.
    plain.expect("userJoined");
    let text = "every message of a room is the same for everybody ".repeat(19);
    plain.chat("room", &text);
    let received = plain.text();
    assert!(received.contains(&text));
    let compressed = loop {
        let frame = compressing.frame();
        if frame.first == Frame::COMPRESSED_TEXT {
            break frame.payload;
        }
        assert_eq!(frame.first, Frame::TEXT, "{frame:?}");
    };
    assert!(compressed.len() < received.len() / 2);
    assert_eq!(inflate(&compressed), received);
}

/// RFC 7692, section 7.2.2.
fn inflate(payload: &[u8]) -> String {
    let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
    let mut text = Vec::with_capacity(64 * 1024);
    Decompress::new(false)
        .decompress_vec(&whole, &mut text, FlushDecompress::Sync)
        .unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn a_full_server_takes_nobody_in_until_somebody_leaves() {
    let mut server = Watched::development("limits.connections = 1");
    let (only, _) = Client::known(server.address());
    let mut refused = Stream::connect(server.address());
    // It may be closed before the request is written.
    refused.try_write(b"GET /health HTTP/1.1\r\nHost: tautline.test\r\n\r\n");
    assert!(refused.rest().is_empty());
    server.assert_refused("full", 1);
    only.close();
    server.record("ended", |_| true);
    Client::known(server.address());
}
