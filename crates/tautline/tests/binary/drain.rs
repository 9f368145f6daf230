//! How the server goes away.

use super::harness::{Client, Server, Stream, text_frame, upgrade};

#[test]
fn everyone_is_told_1001_and_the_process_ends_well() {
    let mut server = Server::development("[server]\nshards = 2\n[drain]\nwindow = \"200ms\"");
    let mut clients: Vec<Client> = (0..10)
        .map(|_| Client::member(server.address(), "room").0)
        .collect();
    // Everyone is still there, and has heard nothing but the arrivals of the others.
    for (client, others) in clients.iter_mut().zip((0..10).rev()) {
        for _ in 0..others {
            client.expect("userJoined");
        }
        client.assert_quiet();
    }
    server.terminate();
    for client in &mut clients {
        let (code, reason) = loop {
            // Whoever is closed later hears of those who were closed before.
            match client.text_or_close() {
                Ok(text) => assert!(text.contains(r#""type":"userLeft""#), "{text}"),
                Err(close) => break close,
            }
        };
        assert_eq!(code, 1001);
        assert!(!reason.is_empty());
    }
    for client in clients {
        client.close();
    }
    let (status, _) = server.ended();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn closes_are_spread_over_the_window_and_a_second_signal_ends_at_once() {
    // Within a minute the second of two is closed after half of it: this test is over long before.
    let config = "[server]\nshards = 1\n[drain]\nwindow = \"1m\"\ndeadline = \"2m\"";
    let mut server = Server::development(config);
    let (mut first, _) = Client::known(server.address());
    let (mut second, _) = Client::known(server.address());
    server.terminate();
    assert_eq!(first.closed().0, 1001);
    second.assert_quiet();
    server.terminate();
    let (status, _) = server.ended();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_draining_server_is_not_ready_and_takes_nobody_in() {
    let config = "[server]\nshards = 1\n[drain]\nwindow = \"1m\"\ndeadline = \"2m\"";
    let server = Server::development(config);
    let (mut first, _) = Client::known(server.address());
    let (mut second, _) = Client::known(server.address());
    server.terminate();
    assert_eq!(first.closed().0, 1001);
    let ready = "GET /ready HTTP/1.1\r\nHost: tautline.test\r\n\r\n".to_owned();
    for request in [ready, upgrade("/", "")] {
        let mut stream = Stream::connect(server.address());
        stream.write(request.as_bytes());
        assert_eq!(stream.answer().status, 503);
    }
    second.assert_quiet();
}

#[test]
fn who_is_still_in_a_handshake_does_not_hold_the_process() {
    // If it did, the process would wait ten minutes for the rest of the request.
    let config =
        "server.handshake_timeout = \"10m\"\ndrain.deadline = \"10m\"\nlimits.handshakes = 1";
    let mut server = Server::logging(config, "debug");
    let mut waiting = Stream::connect(server.address());
    waiting.write(b"GET / HTTP/1.1\r\n");
    let second = Stream::connect(server.address());
    server.record("handshake refused", |record| {
        record["cause"] == "handshakes"
    });
    drop(second);
    server.terminate();
    let (status, _) = server.ended();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_client_that_never_reads_does_not_hold_the_process_past_the_deadline_and_its_end_is_told() {
    // Without the deadline the process would wait ten minutes for the client's answer.
    let config =
        "[server]\nclose_timeout = \"10m\"\n[drain]\nwindow = \"0s\"\ndeadline = \"200ms\"";
    let mut server = Server::logging(config, "debug");
    let (mut watcher, _) = Client::member(server.address(), "room");
    let mut silent = Stream::upgraded(server.address());
    silent.write(&text_frame(r#"{"type":"auth","token":"dev-token"}"#));
    silent.write(&text_frame(r#"{"type":"join","roomId":"room"}"#));
    watcher.expect("userJoined");
    server.terminate();
    let (status, lines) = server.ended();
    assert_eq!(status.code(), Some(0));
    let is_end = |line: &&String| line.contains(r#""message":"ended""#);
    assert_eq!(lines.iter().filter(is_end).count(), 2, "{lines:?}");
}
