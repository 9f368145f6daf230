//! How large, and in how many parts.

use serde_json::json;

use super::super::harness::{Bystander, Client, Frame, Stream, Watched, client_frame, text_frame};

const CONTINUATION: u8 = 0x00;
const TEXT_TO_BE_CONTINUED: u8 = 0x01;

#[test]
fn a_message_above_the_limit_is_closed_with_1008() {
    let mut server = Watched::development("limits.v1_frame = 200");
    let mut bystander = Bystander::of(&server);
    let (mut client, _) = Client::known(server.address());
    let ping = |bytes: usize| {
        let empty = json!({"type": "ping", "more": ""}).to_string();
        json!({"type": "ping", "more": "x".repeat(bytes - empty.len())})
    };
    client.send(&ping(200));
    client.expect("pong");
    client.send(&ping(201));
    let (code, reason) = client.closed();
    assert_eq!(code, 1008);
    assert!(reason.contains("200 bytes"), "{reason}");
    drop(client);
    server.assert_denied("too_big", 1);
    server.assert_ended(1008, 1);
    bystander.assert_served(&server);
}

#[test]
fn a_message_of_too_many_parts_is_closed_with_1009() {
    let mut server = Watched::development("limits.fragments = 3");
    let mut bystander = Bystander::of(&server);
    for (parts, closed) in [(3, false), (4, true)] {
        let mut stream = Stream::upgraded(server.address());
        let mut text = r#"{"type":"auth","token":"dev-token"}"#.as_bytes().chunks(9);
        stream.write(&client_frame(TEXT_TO_BE_CONTINUED, text.next().unwrap()));
        for part in text.by_ref().take(parts - 2) {
            stream.write(&client_frame(CONTINUATION, part));
        }
        let rest: Vec<u8> = text.flatten().copied().collect();
        stream.write(&client_frame(0x80, &rest));
        if closed {
            let (code, reason) = stream.closed();
            assert_eq!(code, 1009);
            assert!(reason.contains("fragments"), "{reason}");
        } else {
            assert_eq!(stream.frame().first, Frame::TEXT);
        }
    }
    server.assert_ended(1009, 1);
    bystander.assert_served(&server);
}

#[test]
fn a_publication_above_the_rooms_limit_is_an_error_and_the_connection_stays() {
    let mut server = Watched::development(
        "[[room]]\nmatch = \"room\"\nmessage = 15\neveryone = [\"join\", \"publish\"]",
    );
    let (mut client, _) = Client::known(server.address());
    client.send(&json!({"type": "join", "roomId": "room"}));
    client.expect("joined");
    client.chat("room", "1234");
    assert_eq!(client.expect("chat")["text"], "1234");
    client.send(&json!({"type": "chat", "roomId": "room", "text": "12345", "requestId": "a"}));
    let error = client.expect("error");
    assert_eq!(
        (&error["code"], &error["requestId"]),
        (&json!("too_large"), &json!("a"))
    );
    assert!(error["message"].as_str().unwrap().contains("15 bytes"));
    client.assert_quiet();
    server.assert_denied("too_large", 1);
}

#[test]
fn a_message_that_is_not_finished_in_time_is_closed_with_1008() {
    let mut server = Watched::development("limits.message_timeout = \"50ms\"");
    let mut bystander = Bystander::of(&server);
    let half = text_frame(r#"{"type":"auth","token":"dev-token"}"#);
    let fragment = client_frame(TEXT_TO_BE_CONTINUED, b"{");
    let header = &half[..1];
    // Control frames may come within a message, and do not finish it.
    let pinged = [&fragment[..], &client_frame(Frame::PING, b"")].concat();
    for begun in [header, &half[..20], &fragment, &pinged] {
        let mut stream = Stream::upgraded(server.address());
        stream.write(begun);
        let closed = (1008, "a message was not finished in time".to_owned());
        assert_eq!(stream.closed(), closed);
    }
    server.assert_denied("unfinished", 4);
    server.assert_ended(1008, 4);
    bystander.assert_served(&server);
}
