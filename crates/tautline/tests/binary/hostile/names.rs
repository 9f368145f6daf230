//! Names that pretend to be something else where people read them.

use serde_json::{Value, json};

use super::super::harness::{Client, NEVER, SECRET, Server, Stream, forge, production, upgrade};

const OPEN_ROOM: &str = "cookie = \"session\"\n[server]\nallowed_origins = [\"https://app.example.com\"]\n\
     [[room]]\nmatch = \"*\"\npresence = true\neveryone = [\"join\", \"publish\"]";

/// A line of its own, colours, a bell, a way back, the end of a string, and what turns text around.
const EVIL: &str = "eve\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\n\u{1b}[2J\u{1b}[31m\u{7}\u{8}\u{7f}\
     \u{9b}31m\u{85}\u{2028}\u{202e}\u{0}\",\"message\":\"forged";

#[test]
fn no_name_of_a_client_makes_a_line_of_the_log() {
    let mut server = Server::start(&production(OPEN_ROOM), &[], "trace");
    let address = server.address();
    let claims = json!({"sub": EVIL, "name": EVIL, "exp": NEVER});
    let evil = forge(r#"{"alg":"HS256"}"#, &claims.to_string(), SECRET);

    let (mut client, user) = Client::known_by(address, &evil);
    assert_eq!(user, EVIL);
    client.send(&json!({"type": "join", "roomId": "room"}));
    client.expect("joined");
    let joined = client.expect("userJoined");
    assert_eq!(joined["username"], EVIL);
    client.send(&json!({"type": "chat", "roomId": "room", "text": EVIL, "requestId": EVIL}));
    client.expect("chat");
    client.send(&json!({"type": "request", "method": &EVIL[..50], "requestId": EVIL}));
    client.expect("error");
    client.send(&json!({"type": "join", "roomId": EVIL}));
    let (code, reason) = client.closed();
    assert_eq!(code, 1008);
    assert!(!reason.contains("forged"), "{reason}");
    client.close();

    for message in [
        json!({"type": EVIL}),
        json!({"type": "auth", "token": EVIL}),
        json!({"type": "subscribe", "payload": {"topics": [EVIL]}}),
        json!({"type": "leave", "roomId": EVIL}),
        json!({"type": "ping", EVIL: 1, "requestId": {EVIL: 1}}),
    ] {
        let mut client = Client::connect(address);
        client.send(&message);
        let (_, reason) = client.closed();
        assert!(!reason.contains(char::is_control), "{reason:?}");
        client.close();
    }
    for request in [
        upgrade("/%0d%0a%7b%22message%22:%22forged%22%7d", ""),
        upgrade("/", "Sec-WebSocket-Protocol: {\"message\":\"forged\"}\r\n"),
        upgrade("/", "Origin: https://{\"message\":\"forged\"}\r\n"),
        upgrade("/", "X-Forwarded-For: {\"message\":\"forged\"}\r\n"),
        upgrade("/", "Sec-WebSocket-Key: {\"message\":\"forged\"}\r\n"),
        upgrade("/", "Cookie: session=\u{9b}31m\r\n"),
        upgrade("/", "X-Return: a\r{\"message\":\"forged\"}\r\n"),
    ] {
        let mut stream = Stream::connect(address);
        stream.write(request.as_bytes());
        stream.finish_writing();
        stream.rest();
    }
    assert_lines(&mut server);
}

/// Every line is one record, says what the server wanted to say, and shows nothing that a terminal obeys.
fn assert_lines(server: &mut Server) {
    server.terminate();
    let (status, lines) = server.ended();
    assert!(status.success());
    let mut users = 0;
    for line in lines {
        let record: Value = serde_json::from_str(line).expect(line);
        assert_ne!(record["message"], "forged", "{line}");
        let is_obeyed =
            |character: char| character.is_control() || "\u{2028}\u{202e}".contains(character);
        assert!(!line.contains(is_obeyed), "{line:?}");
        users += usize::from(record["user"] == EVIL);
    }
    assert!(users > 0, "the name was never logged");
}
