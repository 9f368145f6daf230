//! The log: every line is JSON, nothing in it is a secret, and every connection ends in it once. Nor is there
//! another file with what is in the memory.

use std::collections::HashMap;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::harness::{Client, NEVER, Process, Server, Stream, production, token, upgrade};

const OPEN_ROOM: &str = "[[room]]\nmatch = \"*\"\nhistory = 10\npresence = true\neveryone = [\"join\", \"publish\", \"history\"]";

#[test]
fn a_server_that_crashes_would_leave_no_core_file() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -c $(ulimit -H -c); exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_tautline"));
    let arguments = ["--dev", "--listen", "127.0.0.1:0"];
    let mut server = Process::serve_by(command, "", (&arguments, "info"));
    server.find(|line| line.contains("listening").then_some(()));
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let mut lines = limits.lines();
    let cores = lines.find_map(|line| line.strip_prefix("Max core file size"));
    assert_eq!(cores.unwrap().split_whitespace().next(), Some("0"));
}

#[test]
fn no_token_payload_or_query_is_logged_and_every_connection_ends_once() {
    let config = format!("test.echo = true\n{}", production(OPEN_ROOM));
    let mut server = Server::start(&config, &[], "trace");
    let address = server.address();
    let right = token("ann", NEVER, &json!({}));
    let bearer = format!("Bearer {right}");
    let offered = format!("tautline.v1.json, bearer.{right}");

    let (mut by_message, _) = Client::known_by(address, &right);
    by_message.join("room");
    by_message.expect("userJoined");
    by_message.chat("room", "secret-payload-of-a-chat");
    by_message.expect("chat");
    by_message.send(&json!({
        "type": "request", "method": "echo", "payload": "secret-payload-of-a-request", "requestId": "secret-tag"
    }));
    by_message.expect("response");
    by_message.close();
    for (name, value) in [
        ("Authorization", &bearer),
        ("Sec-WebSocket-Protocol", &offered),
    ] {
        let (mut client, _) = Client::connect_with(address, &[(name, value)]);
        client.expect("auth_ok");
        drop(client);
    }
    for request in [
        upgrade(
            "/?token=secret-in-a-query",
            "Authorization: Bearer wrong-secret-token\r\n",
        ),
        upgrade(
            "/ws?token=secret-in-a-query",
            "Sec-WebSocket-Protocol: bearer.wrong-secret-token\r\n",
        ),
        upgrade("/nowhere?token=secret-in-a-query", ""),
        "GET /health?token=secret-in-a-query HTTP/1.1\r\nHost: t\r\n\r\n".to_owned(),
        "GET /?secret-in-a-query HTTP/9.9\r\nwrong-secret-token\r\n\r\n".to_owned(),
    ] {
        let mut stream = Stream::connect(address);
        stream.write(request.as_bytes());
        stream.rest();
    }
    for text in [
        json!({"type": "auth", "token": "wrong-secret-token"}).to_string(),
        r#"{"type":"auth","token":"wrong-secret-token","token":"wrong-secret-token"}"#.to_owned(),
        r#"{"type":"chat","roomId":"room","text":["secret-payload-of-a-chat"]}"#.to_owned(),
        "secret-payload-of-no-json".to_owned(),
    ] {
        let mut client = Client::connect(address);
        client.send_message(text.into());
        let (_, reason) = client.closed();
        assert!(!reason.contains("secret"), "{reason}");
        client.close();
    }
    let (_open, _) = Client::known_by(address, &right);

    server.terminate();
    let (status, lines) = server.ended();
    assert!(status.success());
    let signature = right.rsplit('.').next().unwrap();
    for line in lines {
        assert!(
            !line.contains("secret") && !line.contains(signature),
            "{line}"
        );
    }
    assert_each_ends_once(lines, 3 + 4 + 1);
}

fn assert_each_ends_once(lines: &[String], connections: usize) {
    let records: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let mut seen: HashMap<&str, (u32, u32)> = HashMap::new();
    for record in &records {
        let Some(connection) = record["connection"].as_str() else {
            continue;
        };
        let (connected, ended) = seen.entry(connection).or_default();
        *connected += u32::from(record["message"] == "connected");
        *ended += u32::from(record["message"] == "ended");
    }
    assert_eq!(seen.len(), connections);
    for (connection, counts) in seen {
        assert_eq!(counts, (1, 1), "{connection}");
    }
}
