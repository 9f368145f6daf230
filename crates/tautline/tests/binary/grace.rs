//! Who is away for a moment was never away; who says goodbye, or stays away, has left.

use serde_json::{Value, json};
use tautline_protocol::wire::v2::Encoding;
use tungstenite::Message;
use tungstenite::protocol::CloseFrame;

use super::harness::{Client, NEVER, Server, Speaker, hello, production, token};

/// A server on which nobody is away for too long, or everybody, and those who watch the room in both versions.
fn watched(grace: &str) -> (Server, Speaker, Client) {
    let config = production(&format!(
        "[presence]\ngrace = \"{grace}\"\n[[room]]\nmatch = \"room\"\npresence = true\n\
         everyone = [\"join\", \"presence\", \"members\"]"
    ));
    let server = Server::start(&config, &[], "debug");
    let mut typed = speaker(&server, "ann");
    let mut plain = client(&server, "ann");
    typed.next_of("memberJoined");
    typed.next_of("memberJoined");
    plain.expect("userJoined");
    (server, typed, plain)
}

/// A member who speaks v2.
fn speaker(server: &Server, user: &str) -> Speaker {
    speaker_showing(server, user, &Value::Null).0
}

fn speaker_showing(server: &Server, user: &str, state: &Value) -> (Speaker, Value) {
    let mut speaker = Speaker::connect(server.address(), Encoding::MessagePack);
    let rooms = json!([{ "room": "room", "presence": state }]);
    let welcome = speaker.ask("hello", &hello(&token(user, NEVER, &json!({})), &rooms));
    (speaker, welcome["payload"]["connection"].clone())
}

/// A member who speaks v1.
fn client(server: &Server, user: &str) -> Client {
    let (mut client, _) = Client::known_by(server.address(), &token(user, NEVER, &json!({})));
    client.send(&json!({ "type": "join", "roomId": "room" }));
    client.expect("joined");
    client
}

/// Goes without a word, and waits until the server knows.
fn lose<C>(server: &mut Server, connection: C, user: &str) {
    drop(connection);
    server.record("ended", |ended| ended["user"] == user);
}

#[test]
fn who_is_back_in_time_was_never_away() {
    let (mut server, mut typed, mut plain) = watched("10m");
    let (bob, was) = speaker_showing(&server, "bob", &json!("busy"));
    assert_eq!(typed.next_of("memberJoined")["member"]["connection"], was);
    assert_eq!(plain.expect("userJoined")["memberCount"], 3);
    lose(&mut server, bob, "bob");
    let there = typed.ask("members", &json!({ "room": "room" }));
    assert_eq!(there["payload"]["members"][2]["connection"], was);

    let (_bob, connection) = speaker_showing(&server, "bob", &Value::Null);
    let back = json!({ "connection": connection, "user": "bob", "name": "bob", "state": "busy" });
    let changed = json!({ "room": "room", "member": back, "was": was });
    assert_eq!(
        typed.next(),
        json!({ "type": "memberChanged", "payload": changed })
    );
    plain.assert_quiet();
}

#[test]
fn who_is_back_in_v1_hears_of_itself_as_ever() {
    let (mut server, mut typed, mut plain) = watched("10m");
    let mut bob = client(&server, "bob");
    assert_eq!(bob.expect("userJoined")["memberCount"], 3);
    plain.expect("userJoined");
    typed.next_of("memberJoined");
    lose(&mut server, bob, "bob");
    let mut bob = client(&server, "bob");
    let joined = bob.expect("userJoined");
    assert_eq!(
        (&joined["userId"], &joined["memberCount"]),
        (&json!("bob"), &json!(3))
    );
    assert_eq!(typed.next_of("memberChanged")["member"]["user"], "bob");
    for client in [&mut bob, &mut plain] {
        client.assert_quiet();
    }
}

#[test]
fn who_is_not_back_in_time_has_left() {
    let (server, mut typed, mut plain) = watched("50ms");
    let bob = speaker(&server, "bob");
    plain.expect("userJoined");
    drop(bob);
    assert_eq!(plain.expect("userLeft")["memberCount"], 2);
    assert_eq!(typed.next_of("memberLeft")["member"]["user"], "bob");
    let there = typed.ask("members", &json!({ "room": "room" }));
    assert_eq!(there["payload"]["members"].as_array().unwrap().len(), 2);
}

#[test]
fn who_says_goodbye_or_is_sent_away_has_left_at_once() {
    let (server, _typed, mut plain) = watched("10m");
    let close = |code: u16| CloseFrame {
        code: code.into(),
        reason: "".into(),
    };
    for goodbye in [None, Some(close(1000))] {
        let mut bob = client(&server, "bob");
        plain.expect("userJoined");
        bob.send_message(Message::Close(goodbye));
        assert_eq!(plain.expect("userLeft")["userId"], "bob");
    }
    // A page that is loaded anew says this.
    let mut bob = client(&server, "bob");
    plain.expect("userJoined");
    bob.send_message(Message::Close(Some(close(1001))));
    bob.close();
    plain.assert_quiet();
    let mut bob = client(&server, "bob");
    bob.expect("userJoined");
    bob.send(&json!({ "type": "auth", "token": token("eve", NEVER, &json!({})) }));
    assert_eq!(plain.expect("userLeft")["userId"], "bob");
}
