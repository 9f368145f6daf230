//! What the server says, and the text that it becomes.

use std::sync::Arc;

use serde_json::Value;
use tautline_protocol::model::{Member, Publication, RoomName, Timestamp};
use tautline_protocol::wire::{self, Message, Version};

use super::model::{connection, error_code, number, publication, raw, request_id, room, text};

pub(crate) fn check(vector: &Value) {
    let name = text(vector, "name");
    let (kind, fields) = vector["message"]
        .as_object()
        .unwrap()
        .iter()
        .next()
        .unwrap();
    let written = String::from_utf8(encode(kind, fields)).unwrap();
    assert_eq!(written, text(vector, "text"), "{name}");
    let parsed: Result<Value, _> = serde_json::from_str(&written);
    assert!(parsed.is_ok(), "{name}: not JSON");
}

fn encode(kind: &str, fields: &Value) -> Vec<u8> {
    let request = request_id(fields);
    let request = request.as_ref();
    let send = |message: Message<'_>| wire::encode(Version::V1, &message);
    match kind {
        "authenticated" => send(Message::Authenticated {
            connection: connection(text(fields, "connection")),
            user: text(fields, "user"),
            request,
        }),
        "joined" => send(Message::Joined {
            room: &room(text(fields, "room")),
            request,
        }),
        "left" => send(Message::Left {
            room: &room(text(fields, "room")),
            request,
        }),
        "unsubscribed" => send(Message::Unsubscribed {
            room: &room(text(fields, "room")),
            request,
        }),
        "subscribed" => {
            let names = fields["rooms"].as_array().unwrap().iter();
            let rooms: Vec<RoomName> = names.map(|name| room(name.as_str().unwrap())).collect();
            send(Message::Subscribed {
                rooms: &rooms,
                request,
            })
        }
        "history" => {
            let each = fields["publications"].as_array().unwrap().iter();
            let publications: Vec<Arc<Publication>> =
                each.map(|it| Arc::new(publication(it))).collect();
            send(Message::History {
                room: &room(text(fields, "room")),
                publications: &publications,
            })
        }
        "publication" => send(Message::Publication(&publication(fields))),
        "response" => send(Message::Response {
            request: request.unwrap(),
            payload: &raw(text(fields, "payloadJson")),
        }),
        "pong" => send(Message::Pong {
            sent_at: Timestamp(number(fields, "sentAtMs")),
            request,
        }),
        "error" => send(Message::Error {
            code: error_code(text(fields, "code")),
            message: text(fields, "message"),
            request,
        }),
        _ => encode_members(kind, fields),
    }
}

fn encode_members(kind: &str, fields: &Value) -> Vec<u8> {
    let room = &room(text(fields, "room"));
    let count = u32::try_from(number(fields, "count")).unwrap();
    if kind == "memberCount" {
        return wire::encode(Version::V1, &Message::MemberCount { room, count });
    }
    let member = &Member {
        connection: connection(text(fields, "connection")),
        user: text(fields, "user").into(),
        name: text(fields, "name").into(),
        state: None,
    };
    let message = match kind {
        "memberJoined" => Message::MemberJoined {
            room,
            member,
            count,
        },
        "memberLeft" => Message::MemberLeft {
            room,
            member,
            count,
        },
        other => panic!("no message {other}"),
    };
    wire::encode(Version::V1, &message)
}
