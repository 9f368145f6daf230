//! Too much of what is allowed in small numbers.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::harness::{
    Bystander, Frame, HANG, Server, Stream, Watched, client_frame, text_frame,
};

/// What the server has said by its close is there to be read, however long the attacker takes.
const PATIENT: &str = "server.close_timeout = \"10m\"\n";

/// A user's connection, and everything that it says.
fn attack(server: &Server, messages: impl Iterator<Item = Value>) -> Stream {
    let mut stream = Stream::upgraded(server.address());
    stream.write(&text_frame(r#"{"type":"auth","token":"dev-token"}"#));
    let flood: Vec<u8> = messages
        .flat_map(|message| text_frame(&message.to_string()))
        .collect();
    stream.write(&flood);
    stream
}

/// How many messages of each kind are heard before the close, and its code.
fn heard(stream: &mut Stream, kind: &str) -> (usize, u16) {
    let mut count = 0;
    loop {
        let frame = stream.frame();
        if frame.first == Frame::CLOSE {
            return (count, frame.close().0);
        }
        let message: Value = serde_json::from_slice(&frame.payload).unwrap();
        count += usize::from(message["type"] == kind);
    }
}

#[test]
fn pings_without_end_are_ended_and_cost_nothing_while_nobody_reads() {
    let mut server =
        Watched::development(&format!("{PATIENT}limits.control_rate = \"10/s burst 20\""));
    let mut bystander = Bystander::of(&server);
    let mut stream = Stream::upgraded(server.address());
    let pings = client_frame(Frame::PING, &[0; 125]).repeat(1000);
    for _ in 0..100 {
        stream.write(&pings);
    }
    assert_eq!(
        stream.closed(),
        (1008, "too many control frames".to_owned())
    );
    drop(stream);
    server.assert_denied("too_many_controls", 1);
    server.assert_ended(1008, 1);
    let ended = server.record("ended", |record| record["code"] == 1008);
    // A few pongs, of thirteen megabytes of pings.
    let peak = ended["bytes_queued_peak"].as_u64().unwrap();
    assert!(peak < 64 * 1024, "{peak}");
    bystander.assert_served(&server);
}

#[test]
fn without_a_rate_pongs_that_nobody_reads_are_bounded_by_the_outbox() {
    let config = format!(
        "{PATIENT}[limits]
control_rate = \"off\"
\
         [outbox]
bytes = 65536
messages = 1000000
stall = \"10m\""
    );
    let mut server = Watched::development(&config);
    let mut bystander = Bystander::of(&server);
    let mut stream = Stream::upgraded(server.address());
    stream.write(&text_frame(r#"{"type":"auth","token":"dev-token"}"#));
    let pings = client_frame(Frame::PING, &[0; 125]).repeat(1000);
    for _ in 0..250 {
        stream.write(&pings);
    }
    assert_eq!(stream.closed(), (1013, "slow consumer".to_owned()));
    drop(stream);
    server.assert_ended(1013, 1);
    let ended = server.record("ended", |record| record["code"] == 1013);
    let peak = ended["bytes_queued_peak"].as_u64().unwrap();
    assert!(peak <= 65536, "{peak}");
    bystander.assert_served(&server);
}

#[test]
fn a_message_in_endless_parts_is_closed_with_1009() {
    let mut server = Watched::development(&format!("{PATIENT}limits.fragments = 64"));
    let mut bystander = Bystander::of(&server);
    for part in [&b""[..], b"x"] {
        let mut stream = Stream::upgraded(server.address());
        stream.write(&client_frame(0x01, part));
        stream.write(&client_frame(0x00, part).repeat(100_000));
        let (code, reason) = stream.closed();
        assert_eq!(code, 1009);
        assert!(reason.contains("fragments"), "{reason}");
    }
    server.assert_ended(1009, 2);
    bystander.assert_served(&server);
}

#[test]
fn joins_without_end_are_ended() {
    let limits = "[limits]\njoin_rate = \"1/s burst 10\"\nrefusal_rate = \"1/s burst 10\"";
    let mut server = Watched::development(&format!("{PATIENT}{limits}"));
    let mut bystander = Bystander::of(&server);
    let joins = (0..5000).map(|nth| {
        let kind = ["join", "leave"][nth % 2];
        json!({"type": kind, "roomId": "room"})
    });
    let mut stream = attack(&server, joins);
    let (errors, code) = heard(&mut stream, "error");
    assert_eq!(code, 4429);
    assert!((10..100).contains(&errors), "{errors}");
    drop(stream);
    server.assert_denied("refused_too_often", 1);
    server.assert_denied("too_often", errors + 1);
    server.assert_ended(4429, 1);
    bystander.assert_served(&server);
}

#[test]
fn publications_without_end_are_ended() {
    let limits = "[limits]\npublish_rate = \"1/s burst 10\"\nrefusal_rate = \"1/s burst 10\"";
    let mut server = Watched::development(&format!("{PATIENT}{limits}"));
    let mut bystander = Bystander::of(&server);
    let join = json!({"type": "join", "roomId": "room"});
    let chats = (0..5000).map(|_| json!({"type": "chat", "roomId": "room", "text": "buy"}));
    let mut stream = attack(&server, std::iter::once(join).chain(chats));
    let (errors, code) = heard(&mut stream, "error");
    assert_eq!(code, 4429);
    assert!((10..100).contains(&errors), "{errors}");
    drop(stream);
    server.assert_denied("refused_too_often", 1);
    server.assert_ended(4429, 1);
    bystander.assert_served(&server);
}

#[test]
fn rooms_without_end_are_refused_and_forgotten() {
    const ROOMS: usize = 5;
    let limits = format!(
        "[limits]\nrooms_per_connection = {ROOMS}\njoin_rate = \"off\"\nrefusal_rate = \"1/s burst 10\""
    );
    let mut server = Watched::development(&format!("{PATIENT}{limits}"));
    let mut bystander = Bystander::of(&server);
    let mut too_many = 0;
    let streams: Vec<Stream> = (0..10)
        .map(|nth| {
            let joins = (0..1000)
                .map(|room| json!({"type": "join", "roomId": format!("room-{nth}-{room}")}));
            let mut stream = attack(&server, joins);
            let mut joined = 0;
            let code = loop {
                let frame = stream.frame();
                if frame.first == Frame::CLOSE {
                    break frame.close().0;
                }
                let message: Value = serde_json::from_slice(&frame.payload).unwrap();
                joined += usize::from(message["type"] == "joined");
                if message["type"] == "error" {
                    assert_eq!(message["code"], "limit_exceeded");
                    too_many += 1;
                }
            };
            assert_eq!((code, joined), (4429, ROOMS));
            stream
        })
        .collect();
    let attackers = streams.len();
    drop(streams);
    server.assert_ended(4429, attackers);
    server.assert_denied("refused_too_often", attackers);
    server.assert_denied("too_many_rooms", too_many + attackers);
    assert_eq!(server.figure("tautline_memberships"), 1);
    let begin = Instant::now();
    while server.figure("tautline_rooms") != 1 {
        assert!(begin.elapsed() < HANG, "rooms stay when all have left");
    }
    bystander.assert_served(&server);
}

#[test]
fn half_open_handshakes_are_bounded_and_ended() {
    const AT_ONCE: usize = 8;
    const ATTACKERS: usize = 100;
    let config = format!("limits.handshakes = {AT_ONCE}\nserver.handshake_timeout = \"300ms\"");
    let mut server = Watched::development(&config);
    let mut bystander = Bystander::of(&server);
    let halves = [
        "",
        "G",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: tautline.test\r\nX-Slow:",
    ];
    let mut streams: Vec<Stream> = halves
        .into_iter()
        .cycle()
        .take(ATTACKERS)
        .map(|half| {
            let mut stream = Stream::connect(server.address());
            stream.try_write(half.as_bytes());
            stream
        })
        .collect();
    server.wait_for("handshake refused", ATTACKERS, |_| true);
    let [at_once, too_late] = ["handshakes", "too_late"].map(|cause| {
        server.figure(&format!(
            "tautline_handshakes_refused_total{{cause=\"{cause}\"}}"
        ))
    });
    assert_eq!(at_once + too_late, ATTACKERS);
    assert!(
        at_once > 0 && too_late >= AT_ONCE,
        "{at_once} and {too_late}"
    );
    server.assert_refused("handshakes", at_once);
    server.assert_refused("too_late", too_late);
    assert!(streams.iter_mut().all(Stream::is_at_end));
    bystander.assert_served(&server);
}

#[test]
fn those_who_never_say_who_they_are_are_closed_with_4401() {
    const ATTACKERS: usize = 50;
    let mut server = Watched::development("auth.timeout = \"500ms\"");
    let mut bystander = Bystander::of(&server);
    let mut silent: Vec<Stream> = (0..ATTACKERS)
        .map(|_| Stream::upgraded(server.address()))
        .collect();
    for stream in &mut silent {
        // Signs of life are no names.
        stream.try_write(&client_frame(Frame::PONG, b""));
        assert_eq!(stream.closed(), (4401, "auth required".to_owned()));
    }
    drop(silent);
    server.assert_denied("auth_timeout", ATTACKERS);
    server.assert_ended(4401, ATTACKERS);
    bystander.assert_served(&server);
}
