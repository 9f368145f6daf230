//! Parsing any text, and the way of a chat from one client to another.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tautline_protocol::model::{Epoch, Position, Publication, PublicationId, Timestamp};
use tautline_protocol::wire::{Answer, Command, Message, PAYLOAD_DEPTH_MAX, v1};

/// Parses, and checks what holds for every outcome.
fn parse(text: &str) -> Option<Command> {
    match v1::parse(text) {
        Ok(command) => {
            // A second parser, strict about surrogates, agrees that it is JSON.
            let value: Value = serde_json::from_str(text).unwrap();
            assert!(depth(&value) <= PAYLOAD_DEPTH_MAX + 1);
            Some(command)
        }
        Err(refusal) => {
            let Answer::Close(close) = v1::answer(&refusal) else {
                panic!("a malformed message did not close: {text}");
            };
            assert_eq!(close.code.number(), 1008);
            assert!((1..=123).contains(&close.reason.len()), "{}", close.reason);
            assert!(!close.reason.chars().any(char::is_control));
            None
        }
    }
}

/// How deep a value nests, counted from the parsed form.
fn depth(value: &Value) -> usize {
    let inner = |deepest: Option<usize>| deepest.unwrap_or(0) + 1;
    if let Some(list) = value.as_array() {
        inner(list.iter().map(depth).max())
    } else if let Some(object) = value.as_object() {
        inner(object.values().map(depth).max())
    } else {
        0
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[a-z:]{1,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(40, 60, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("topics|topic|[a-z]", inner, 0..3)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// An object with the fields of v1 messages, each of which may be anything.
fn any_message() -> impl Strategy<Value = Value> {
    let kinds = "auth|join|leave|subscribe|unsubscribe|chat|request|ping|other";
    let names = "token|roomId|requestId|text|method|payload";
    let fields = prop::collection::btree_map(names, any_json(), 0..6);
    (kinds, fields).prop_map(|(kind, fields)| {
        let mut message: Value = fields.into_iter().collect();
        message["type"] = json!(kind);
        message
    })
}

fn publication(command: Command) -> Publication {
    let Command::Publish {
        room,
        event,
        data,
        tag,
        ..
    } = command
    else {
        panic!("not a chat: {command:?}");
    };
    Publication {
        room,
        position: Position {
            epoch: Epoch(1),
            offset: 1,
            id: PublicationId([7; 16]),
        },
        event,
        data,
        user: Some(Arc::from("ann")),
        tag,
        sent_at: Timestamp(0),
    }
}

/// A text as JSON, with every character beyond letters and digits written as an escape.
fn escaped(text: &str) -> String {
    let escape = |unit: u16| format!("\\u{unit:04x}");
    let units = text.encode_utf16().map(escape);
    format!("\"{}\"", units.collect::<String>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,200}") {
        parse(&text);
    }

    #[test]
    fn anything_like_json_is_parsed_or_refused(text in r#"([\[\]{}:,"\\ntu]|\\u[dD][0-9a-fA-F]{3}|"type"|"ping"|"chat"|1|null){0,40}"#) {
        parse(&text);
    }

    #[test]
    fn any_json_is_parsed_or_refused(value in any_json()) {
        let is_message = parse(&value.to_string()).is_some();
        prop_assert!(!is_message || value.get("type").is_some());
    }

    #[test]
    fn any_message_is_parsed_or_refused(message in any_message(), cut in 0_usize..400) {
        let text = message.to_string();
        let is_deep = depth(&message) > PAYLOAD_DEPTH_MAX + 1;
        prop_assert!(!(parse(&text).is_some() && is_deep));
        let cut = text.floor_char_boundary(cut.min(text.len() - 1));
        prop_assert!(parse(&text[..cut]).is_none(), "a cut message was taken: {}", &text[..cut]);
    }

    #[test]
    fn a_text_reaches_the_members_unchanged(text in "\\PC{0,40}|.{1,40}", request in ".{0,20}", is_escaped: bool) {
        let json = if is_escaped { escaped(&text) } else { json!(text).to_string() };
        let sent = format!(r#"{{"type":"chat","roomId":"r","text":{json},"requestId":{}}}"#, json!(request));
        let command = parse(&sent);
        prop_assert_eq!(command.is_some(), !text.is_empty());
        if let Some(command) = command {
            let publication = publication(command);
            let bytes = v1::encode(&Message::Publication(&publication));
            let received: Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(&received["text"], &json!(text));
            prop_assert_eq!(&received["requestId"], &json!(request));
        }
    }
}
