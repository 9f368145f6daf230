//! Pings, and what becomes of those who do not answer.

use std::time::Instant;

use super::harness::{Client, Frame, HANG, Server, Stream, Watched, text_frame};

#[test]
fn an_idle_client_that_answers_pings_stays() {
    // Sixty pings take longer than the two seconds within which a silent client would be dead.
    let server = Server::development("[heartbeat]\nping_every = \"50ms\"\ndead_after = \"2s\"");
    let (mut client, _) = Client::known(server.address());
    client.hear_pings(60);
    client.assert_quiet();
}

#[test]
fn a_client_that_hears_and_never_answers_is_pinged_and_closed_with_4408() {
    let server = Server::development("[heartbeat]\nping_every = \"100ms\"\ndead_after = \"100ms\"");
    let mut stream = Stream::upgraded(server.address());
    stream.write(&text_frame(r#"{"type":"auth","token":"dev-token"}"#));
    assert_eq!(stream.frame().first, Frame::TEXT);
    assert_eq!(stream.frame().first, Frame::PING);
    let begin = Instant::now();
    let close = loop {
        let frame = stream.frame();
        if frame.first != Frame::PING {
            break frame;
        }
        assert!(begin.elapsed() < HANG, "a silent peer is pinged forever");
    };
    let (code, reason) = close.close();
    assert_eq!(code, 4408);
    assert!(!reason.is_empty());
    assert_eq!(stream.rest(), b"");
}

#[test]
fn a_flood_of_control_frames_is_closed_with_1008() {
    const BURST: usize = 20;
    let config = format!("[limits]\ncontrol_rate = \"1/s burst {BURST}\"");
    let mut server = Watched::development(&config);
    // Masked with zeros. Pongs that nobody asked for cost the server as much to read.
    for first in [Frame::PING, Frame::PONG] {
        let mut stream = Stream::upgraded(server.address());
        stream.write(&[first, 0x80, 0, 0, 0, 0].repeat(100 * BURST));
        let close = loop {
            let frame = stream.frame();
            if frame.first == Frame::CLOSE {
                break frame;
            }
            assert_eq!(frame.first, Frame::PONG);
        };
        assert_eq!(close.close(), (1008, "too many control frames"));
    }
    server.assert_denied("too_many_controls", 2);
    server.assert_ended(1008, 2);
}

#[test]
fn a_peer_that_is_gone_without_a_word_leaves_its_rooms_and_is_let_go() {
    let config = "[heartbeat]\nping_every = \"100ms\"\ndead_after = \"500ms\"\n\
                  [server]\nclose_timeout = \"50ms\"\n[presence]\ngrace = \"0s\"";
    let mut server = Server::logging(config, "debug");
    let (mut watcher, _) = Client::member(server.address(), "room");
    // It stays open at this end, unread: to the server that is a peer whose network is gone.
    let mut gone = Stream::upgraded(server.address());
    gone.write(&text_frame(r#"{"type":"auth","token":"dev-token"}"#));
    gone.write(&text_frame(r#"{"type":"join","roomId":"room"}"#));
    let user = watcher.expect("userJoined")["userId"].clone();
    let left = watcher.expect("userLeft");
    assert_eq!(left["userId"], user);
    let ended = server.record("ended", |record| record["user"] == user);
    assert_eq!(
        (&ended["by"], &ended["code"]),
        (&"Server".into(), &4408.into())
    );
    watcher.assert_quiet();
    drop(gone);
}
