//! Who may ask: whoever has a key, and nobody else.

use std::process::Command;

use serde_json::json;

use crate::harness::{Operators, Server, Stream, production};

/// A new key of this id, and the lines that the configuration keeps of it.
fn new_key(id: &str) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tautline"))
        .args(["key", "--id", id])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let (key, rest) = said.split_once('\n').unwrap();
    let (_, lines) = rest.split_once("\n\n[admin]\n").unwrap();
    (key.to_owned(), format!("[admin]\n{lines}"))
}

/// What asking for the rooms is answered with, with these headers.
fn status(operators: &Operators, headers: &str) -> (u16, String) {
    let answer = operators.ask_with("GET /v1/rooms", headers, "");
    let said = match answer.status {
        200 => answer.json().to_string(),
        401 => {
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            answer.problem()["detail"].as_str().unwrap().to_owned()
        }
        _ => answer.problem()["detail"].as_str().unwrap().to_owned(),
    };
    (answer.status, said)
}

#[test]
fn a_new_key_opens_what_its_line_is_configured_for() {
    let (key, lines) = new_key("billing");
    assert!(key.starts_with("tlk_billing_") && !lines.contains(&key));
    let mut server = Server::start(&production(&lines), &[], "debug");
    let operators = server.operators().with_key(&key);
    assert_eq!(operators.get("/v1/rooms").status, 200);
    let published = operators.post(
        "/v1/rooms/r/publications",
        &json!({"event": "e", "data": 1}),
    );
    assert_eq!(published.status, 201);
    let record = server.record("operated", |_| true);
    assert_eq!(
        (&record["operator"], &record["act"], &record["target"]),
        (&json!("billing"), &json!("publish"), &json!("r"))
    );
    // The key itself is nowhere.
    server.terminate();
    let (_, lines) = server.ended();
    assert!(!lines.iter().any(|line| line.contains(&key)));
}

#[test]
fn whoever_has_no_key_or_another_is_refused() {
    let (key, lines) = new_key("billing");
    let (other, _) = new_key("billing");
    let mut server = Server::production(&production(&lines));
    let operators = server.operators();
    let bearer = |key: &str| format!("Authorization: Bearer {key}\r\n");
    let shorter = &key[..key.len() - 1];
    for headers in [
        String::new(),
        bearer(""),
        bearer("tlk_"),
        bearer(&other),
        bearer(shorter),
        bearer(&format!("{key}0")),
        bearer(&key.to_uppercase()),
        bearer("dev-key"),
        bearer(&"x".repeat(4000)),
        format!("Authorization: Basic {key}\r\n"),
        format!("Authorization: {key}\r\n"),
        format!("X-Api-Key: {key}\r\n"),
        bearer(&key).repeat(2),
    ] {
        let (status, said) = status(&operators, &headers);
        assert_eq!(status, 401, "{headers}");
        assert!(said.contains("key") && !said.contains(&key), "{said}");
    }
    assert_eq!(status(&operators, &bearer(&key)).0, 200);
    let in_the_query = operators.ask_with(&format!("GET /v1/rooms?key={key}"), "", "");
    assert_eq!(in_the_query.status, 401);
}

#[test]
fn without_a_configured_key_nobody_may_ask_and_is_told_what_to_do() {
    let mut server = Server::production("");
    let operators = server.operators();
    for headers in ["", "Authorization: Bearer dev-key\r\n"] {
        let (status, said) = status(&operators, headers);
        assert_eq!(status, 403, "{headers}");
        assert!(
            said.contains("tautline key") && said.contains("admin.keys"),
            "{said}"
        );
    }
    // What shows whether the server lives needs none, on loopback.
    for path in ["/health", "/ready", "/metrics"] {
        assert_eq!(
            operators.ask_with(&format!("GET {path}"), "", "").status,
            200,
            "{path}"
        );
    }
}

#[test]
fn beyond_this_machine_the_figures_need_a_key_too() {
    let (key, lines) = new_key("prometheus");
    let arguments = ["--admin-listen", "0.0.0.0:0"];
    let mut server = Server::start(&production(&lines), &arguments, "info");
    let port = server.operators().address().port();
    let operators = Operators::new(([127, 0, 0, 1], port).into());
    assert_eq!(operators.get("/metrics").status, 401);
    assert_eq!(operators.with_key(&key).get("/metrics").status, 200);
    assert_eq!(operators.get("/health").status, 200);
}

#[test]
fn the_listener_for_clients_has_no_interface_for_operators() {
    for server in [Server::development(""), Server::production("")] {
        for path in [
            "/v1/rooms",
            "/v1/connections",
            "/v1/openapi.json",
            "/metrics",
        ] {
            let mut stream = Stream::connect(server.address());
            let head = "Host: 127.0.0.1\r\nAuthorization: Bearer dev-key";
            stream.write(format!("GET {path} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes());
            assert_eq!(stream.answer().status, 404, "{path}");
        }
    }
}
