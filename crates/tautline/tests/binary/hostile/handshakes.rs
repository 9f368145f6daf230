//! Requests that are none, and those that hide another one.

use super::super::harness::{Bystander, Server, Stream, Watched, upgrade};

/// Everything that the server says to these bytes.
fn said(server: &Server, bytes: &[u8]) -> String {
    let mut stream = Stream::connect(server.address());
    // It may be refused before all of it is written.
    stream.try_write(bytes);
    String::from_utf8_lossy(&stream.rest()).into_owned()
}

/// Each is refused, at most one answer is given, and no answer is that of what hides behind it.
fn assert_refused(server: &mut Watched, attacks: &[Vec<u8>]) {
    for attack in attacks {
        let said = said(server, attack);
        let shown = String::from_utf8_lossy(attack);
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 400 "),
            "{shown}: {said}"
        );
        assert!(said.matches("HTTP/1.1 ").count() <= 1, "{shown}: {said}");
        assert!(!said.contains("ready"), "{shown}: {said}");
    }
    server.assert_refused("malformed", attacks.len());
}

#[test]
fn what_is_no_request_is_refused() {
    let mut server = Watched::development("");
    let mut bystander = Bystander::of(&server);
    let right = upgrade("/", "");
    let with = |header: &str| upgrade("/", &format!("{header}\r\n")).into_bytes();
    let attacks = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        vec![0; 4096],
        vec![0xff; 4096],
        b"GET\r\n\r\n".to_vec(),
        right.replace("HTTP/1.1", "HTTP/9.9").into_bytes(),
        right.replace("GET / ", "GET  / ").into_bytes(),
        right.replace("GET / ", "G\0T / ").into_bytes(),
        with("X-No-Colon"),
        with("X Space: 1"),
        with("X-Nul: a\0b"),
        with(": nameless"),
        with("X-Return: a\rb"),
        with("X-Folded: a\r\n b"),
        with("Content-Length: -1"),
        with("Content-Length: 1\r\nContent-Length: 2"),
    ];
    assert_refused(&mut server, &attacks);
    bystander.assert_served(&server);
}

#[test]
fn what_is_no_handshake_is_refused() {
    let mut server = Watched::development("");
    let mut bystander = Bystander::of(&server);
    let with = |header: &str| upgrade("/", &format!("{header}\r\n")).into_bytes();
    let attacks = [
        with("Host: evil.example"),
        with("Sec-WebSocket-Version: 13"),
        with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        with("Origin: http://localhost\r\nOrigin: http://localhost"),
        with("Authorization: Bearer"),
        with("Authorization: \u{1f600}"),
        upgrade("/", "").replace("GET ", "POST ").into_bytes(),
    ];
    assert_refused(&mut server, &attacks);
    bystander.assert_served(&server);
}

#[test]
fn nothing_hides_in_the_body_of_a_handshake() {
    let mut server = Watched::development("");
    let mut bystander = Bystander::of(&server);
    let hidden = "GET /ready HTTP/1.1\r\nHost: tautline.test\r\n\r\n";
    let length = hidden.len();
    let attacks = [
        format!("Content-Length: {length}\r\n"),
        "Transfer-Encoding: chunked\r\n".to_owned(),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
    ]
    .map(|headers| format!("{}{hidden}", upgrade("/", &headers)).into_bytes());
    assert_refused(&mut server, &attacks);
    bystander.assert_served(&server);
}

#[test]
fn lists_of_nonsense_are_refused_or_ignored() {
    let mut server = Watched::development("compression.enabled = true");
    let mut bystander = Bystander::of(&server);
    for nonsense in [",", "\"", "constructor,", "__proto__ ;", "a=\"", ";;;"] {
        let long = nonsense.repeat(7000 / nonsense.len());
        for name in ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"] {
            let mut stream = Stream::connect(server.address());
            stream.write(upgrade("/", &format!("{name}: {long}\r\n")).as_bytes());
            let answer = stream.answer();
            assert!(matches!(answer.status, 101 | 400), "{nonsense}: {answer:?}");
            assert_eq!(answer.header("sec-websocket-protocol"), None);
            assert_eq!(answer.header("sec-websocket-extensions"), None);
        }
    }
    server.assert_refused("subprotocol", 5);
    bystander.assert_served(&server);
}
