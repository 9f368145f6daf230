//! What operators see: figures that are right after what happened.

use std::net::SocketAddr;

use super::harness::{Client, Server, Stream};

fn get(operators: SocketAddr, path: &str) -> String {
    let mut stream = Stream::connect(operators);
    stream.write(format!("GET {path} HTTP/1.1\r\nHost: tautline.test\r\n\r\n").as_bytes());
    String::from_utf8(stream.rest()).unwrap()
}

#[test]
fn the_figures_tell_what_happened() {
    let mut server = Server::start("", &["--dev", "--admin-listen", "127.0.0.1:0"], "debug");
    let record = server.record("listening for operators", |_| true);
    let operators: SocketAddr = record["address"].as_str().unwrap().parse().unwrap();
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

    let text = get(operators, "/metrics");
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
    assert!(text.contains("application/openmetrics-text"));
    assert!(get(operators, "/ready").ends_with("ready\n"));
}
