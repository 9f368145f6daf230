//! Messages that are no messages, and those that pretend to be somebody else's.

use serde_json::{Value, json};

use super::super::harness::{Bystander, Client, Watched};

/// Each is closed with 1008 and a reason, as a stranger's and as a user's.
fn assert_malformed(server: &mut Watched, attacks: &[String]) {
    for attack in attacks {
        for is_known in [false, true] {
            let mut client = Client::connect(server.address());
            if is_known {
                client.authenticate("dev-token");
            }
            client.send_message(attack.as_str().into());
            let (code, reason) = client.closed();
            assert_eq!(code, 1008, "{attack}");
            let is_plain = reason.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            assert!(is_plain && !reason.is_empty(), "{reason:?}");
        }
    }
    server.assert_denied("malformed", 2 * attacks.len());
    server.assert_ended(1008, 2 * attacks.len());
}

#[test]
fn what_nests_too_deeply_is_closed_with_1008() {
    let mut server = Watched::development("");
    let mut bystander = Bystander::of(&server);
    let within = |depth: usize| {
        let payload = ["[".repeat(depth), "]".repeat(depth)].concat();
        format!(r#"{{"type":"request","method":"echo","requestId":1,"payload":{payload}}}"#)
    };
    let (mut client, _) = Client::known(server.address());
    client.send_message(within(32).into());
    client.expect("response");
    let attacks = [
        within(33),
        within(4000),
        "[".repeat(8192),
        "{\"a\":".repeat(1600),
        format!(
            r#"{{"type":"ping","ignored":{}0{}}}"#,
            "{\"a\":".repeat(1000),
            "}".repeat(1000)
        ),
    ];
    assert_malformed(&mut server, &attacks);
    bystander.assert_served(&server);
}

#[test]
fn fields_of_another_type_are_closed_with_1008() {
    let mut server = Watched::development("");
    let mut bystander = Bystander::of(&server);
    let messages = [
        json!({"type": "auth", "token": "dev-token"}),
        json!({"type": "join", "roomId": "room"}),
        json!({"type": "leave", "roomId": "room"}),
        json!({"type": "chat", "roomId": "room", "text": "hi"}),
        json!({"type": "subscribe", "payload": {"topics": ["a"]}}),
        json!({"type": "unsubscribe", "payload": {"topic": "a"}}),
        json!({"type": "request", "method": "echo", "requestId": 1}),
    ];
    let mut attacks = Vec::new();
    for message in &messages {
        for field in message.as_object().unwrap().keys() {
            for wrong in [
                Value::Null,
                json!(true),
                json!([[]]),
                json!({"toString": 1}),
            ] {
                let mut attack = message.clone();
                attack[field] = wrong;
                attacks.push(attack.to_string());
            }
        }
    }
    for wrong in [json!(true), json!([]), json!({})] {
        attacks.push(json!({"type": "ping", "requestId": wrong}).to_string());
        attacks.push(json!({"type": "subscribe", "payload": {"topics": [wrong]}}).to_string());
    }
    let topics: Vec<String> = (0..129).map(|nth| nth.to_string()).collect();
    attacks.push(json!({"type": "subscribe", "payload": {"topics": topics}}).to_string());
    assert_malformed(&mut server, &attacks);
    bystander.assert_served(&server);
}

#[test]
fn what_parsers_disagree_about_is_closed_with_1008() {
    let mut server = Watched::development("");
    let mut bystander = Bystander::of(&server);
    let attacks = [
        "",
        " ",
        "\u{feff}{\"type\":\"ping\"}",
        r#"{"type":"ping"}{"type":"ping"}"#,
        r#"{"type":"ping"} x"#,
        r#"{"type":"ping",}"#,
        r"{'type':'ping'}",
        r#"{"type":"ping"/**/}"#,
        r#"{"type":"ping","requestId":NaN}"#,
        r#"{"type":"ping","requestId":01}"#,
        r#"{"type":"ping","type":"ping"}"#,
        r#"{"type":"auth","token":"dev-token","token":"dev-token"}"#,
        r#"{"type":"chat","roomId":"a","roomId":"b","text":"hi"}"#,
        r#"{"type":"chat","roomId":"a","text":"\ud800"}"#,
        r#"{"type":"chat","roomId":"a","text":"\udc00\ud800"}"#,
        r#"{"type":"request","method":"echo","requestId":1,"payload":"\ud800"}"#,
        r#"{"type":"request","method":"echo","requestId":1,"payload":"\udc00"}"#,
        r#"{"type":"chat","roomId":"a","text":"\x41"}"#,
        "{\"type\":\"chat\",\"roomId\":\"a\",\"text\":\"\n\"}",
        r#"["ping"]"#,
        r#""ping""#,
        "null",
    ]
    .map(str::to_owned);
    assert_malformed(&mut server, &attacks);
    bystander.assert_served(&server);
}

#[test]
fn nobody_speaks_with_the_servers_voice() {
    let mut server = Watched::development("[presence]\ngrace = \"0s\"");
    let mut bystander = Bystander::of(&server);
    let (mut victim, _) = Client::member(server.address(), "room");
    let forged = [
        "auth_ok",
        "joined",
        "left",
        "subscribed",
        "unsubscribed",
        "history",
        "userJoined",
        "userLeft",
        "memberCount",
        "response",
        "pong",
        "error",
        "publish",
        "message",
        "welcome",
        "goaway",
    ];
    for kind in forged {
        let (mut attacker, _) = Client::member(server.address(), "room");
        attacker.send(&json!({
            "type": kind, "roomId": "room", "userId": "admin", "username": "admin", "memberCount": 0,
            "messages": [], "code": "forbidden", "message": "leave", "text": "forged", "requestId": "1"
        }));
        let (code, reason) = attacker.closed();
        assert_eq!(code, 1008);
        assert!(reason.contains("unknown type"), "{reason}");
        attacker.close();
        // Those who are there hear that somebody came and went, and nothing else.
        victim.expect("userJoined");
        victim.expect("userLeft");
    }
    victim.assert_quiet();
    server.assert_denied("malformed", forged.len());
    server.assert_ended(1008, forged.len());
    bystander.assert_served(&server);
}

#[test]
fn nobody_publishes_in_another_name() {
    let server = Watched::development("");
    let (mut victim, _) = Client::member(server.address(), "room");
    let (mut attacker, user) = Client::member(server.address(), "room");
    victim.expect("userJoined");
    let text = r#"hi","userId":"admin","type":"error"#;
    attacker.send(&json!({
        "type": "chat", "roomId": "room", "text": text, "userId": "admin", "username": "admin", "id": "1",
        "sentAt": "1970-01-01T00:00:00.000Z", "event": "userLeft", "__proto__": {"userId": "admin"},
        "payload": {"userId": "admin"}, "requestId": "\",\"userId\":\"admin"
    }));
    let heard = victim.text();
    assert_eq!(heard.matches("\"userId\":").count(), 1, "{heard}");
    let chat: Value = serde_json::from_str(&heard).unwrap();
    assert_eq!(
        (&chat["type"], &chat["userId"]),
        (&json!("chat"), &json!(user))
    );
    assert_eq!(
        (&chat["text"], &chat["requestId"]),
        (&json!(text), &json!("\",\"userId\":\"admin"))
    );
    assert_ne!(chat["id"], "1");
    assert_ne!(chat["sentAt"], "1970-01-01T00:00:00.000Z");
    let mut names: Vec<_> = chat.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "id",
            "requestId",
            "roomId",
            "sentAt",
            "text",
            "type",
            "userId"
        ]
    );
    victim.assert_quiet();
}
