//! A client's text, and the command or the refusal that it comes to.

use serde_json::{Map, Value, json};
use tautline_protocol::model::RoomName;
use tautline_protocol::wire::{Answer, Command, RequestId, v1};

use super::model::{long_text, text};

pub(crate) fn check(vector: &Value) {
    let name = text(vector, "name");
    match v1::parse(&long_text(&vector["text"])) {
        Ok(command) => assert_eq!(shown(&command), vector["command"], "{name}"),
        Err(refusal) => {
            let Answer::Close(close) = v1::answer(&refusal) else {
                panic!("{name}: a malformed message did not close");
            };
            let shown = json!({ "code": close.code.number(), "reason": close.reason });
            assert_eq!(shown, vector["close"], "{name}");
        }
    }
}

/// A command as vectors write it.
fn shown(command: &Command) -> Value {
    let (kind, fields, request) = match command {
        Command::Auth { token, request } => {
            ("auth", json!({ "token": token.expose() }), request.as_ref())
        }
        Command::Join { room, request } => {
            ("join", json!({ "room": room.as_str() }), request.as_ref())
        }
        Command::Leave { room, request } => {
            ("leave", json!({ "room": room.as_str() }), request.as_ref())
        }
        Command::Subscribe { topics, request } => {
            let topics: Vec<&str> = topics.iter().map(RoomName::as_str).collect();
            ("subscribe", json!({ "topics": topics }), request.as_ref())
        }
        Command::Unsubscribe { topic, request } => {
            let fields = json!({ "topic": topic.as_str() });
            ("unsubscribe", fields, request.as_ref())
        }
        Command::Publish {
            room,
            event,
            data,
            tag,
            request,
        } => {
            let fields = json!({
                "room": room.as_str(),
                "event": event.as_str(),
                "dataJson": std::str::from_utf8(data).unwrap(),
                "tag": tag.as_deref(),
            });
            ("publish", fields, request.as_ref())
        }
        Command::Request {
            method,
            payload,
            request,
        } => {
            let fields = json!({ "method": method, "payloadJson": payload.get() });
            ("request", fields, Some(request))
        }
        Command::Ping { request } => ("ping", json!({}), request.as_ref()),
    };
    let mut fields: Map<String, Value> = fields.as_object().unwrap().clone();
    if let Some(request) = request.map(RequestId::as_json) {
        fields.insert("requestIdJson".to_owned(), json!(request));
    }
    json!({ kind: fields })
}
