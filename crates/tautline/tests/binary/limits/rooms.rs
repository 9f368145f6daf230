//! How many rooms there are, and how much all of them keep.

use serde_json::json;

use super::super::harness::{Client, Watched};

#[test]
fn so_many_rooms_are_known_and_one_more_is_refused() {
    let mut server = Watched::development("limits.rooms = 2");
    let (mut ann, _) = Client::member(server.address(), "one");
    ann.join("two");
    ann.expect("userJoined");
    ann.send(&json!({"type": "join", "roomId": "three"}));
    let error = ann.expect("error");
    assert_eq!(error["code"], "limit_exceeded");
    assert!(error.to_string().contains("too many rooms"), "{error}");
    server.assert_denied("limit_exceeded", 1);
    // A room in which nothing was said gives its place back when it is left.
    ann.send(&json!({"type": "leave", "roomId": "two"}));
    ann.expect("left");
    ann.join("three");
}

#[test]
fn rooms_keep_so_much_history_together() {
    let budget = 20_000;
    let mut server = Watched::development(&format!(
        "limits.history = {budget}\nlimits.publish_rate = \"off\"\n\
         [[room]]\nmatch = \"*\"\nhistory = 1000\neveryone = [\"join\", \"publish\", \"history\"]"
    ));
    let (mut ann, _) = Client::known(server.address());
    ann.join("room");
    for number in 0..200 {
        ann.chat("room", &format!("{number} {}", "x".repeat(500)));
        ann.expect("chat");
    }
    let kept = server.figure("tautline_history_bytes");
    assert!((budget / 2..=budget).contains(&kept), "{kept}");
    assert_eq!(server.figure("tautline_history_bytes_max"), budget);
    let (mut late, _) = Client::known(server.address());
    late.send(&json!({"type": "join", "roomId": "room"}));
    let history = late.next_of("history");
    let messages = history["messages"].as_array().unwrap();
    assert!((10..100).contains(&messages.len()), "{}", messages.len());
    let newest = messages.last().unwrap()["text"].as_str().unwrap();
    assert!(newest.starts_with("199 "), "{newest}");
}
