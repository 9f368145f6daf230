//! What operators see: figures that are right after what happened.

use super::harness::{Client, Server};

#[test]
fn the_figures_tell_what_happened() {
    let mut server = Server::logging("", "debug");
    let operators = server.operators();
    let (mut first, _) = Client::member(server.address(), "room");
    let (mut second, _) = Client::member(server.address(), "room");
    first.expect("userJoined");
    first.chat("room", "one");
    for client in [&mut first, &mut second] {
        client.expect("chat");
    }
    second.close();
    first.expect("userLeft");
    server.record("ended", |_| true);

    let answer = operators.get("/metrics");
    let text = &answer.body;
    for line in [
        "tautline_connected_total 2",
        "tautline_publications_total 1",
        "tautline_deliveries_total 2",
        "tautline_memberships 1",
        "tautline_rooms 1",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in:\n{text}"
        );
    }
    assert!(
        text.contains("tautline_endings_total{by=\"client\""),
        "{text}"
    );
    let content_type = answer.header("content-type").unwrap();
    assert!(content_type.starts_with("application/openmetrics-text"));
    assert_eq!(operators.get("/ready").body, "ready\n");
}
