//! The nouns as vectors write them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use tautline_protocol::model::{
    Acks, Action, Actions, ConnectionId, Epoch, EventName, Grant, Identity, NodeId, Pattern,
    Position, Publication, PublicationId, Retention, RoomName, RoomRule, Timestamp,
};
use tautline_protocol::wire::{ErrorCode, RequestId};

/// A string field.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    optional_text(value, field).unwrap_or_else(|| panic!("no text `{field}` in {value}"))
}

/// A string field that may be absent or null.
pub(crate) fn optional_text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value[field].as_str()
}

/// A number field.
pub(crate) fn number(value: &Value, field: &str) -> u64 {
    let number = value[field].as_u64();
    number.unwrap_or_else(|| panic!("no number `{field}` in {value}"))
}

/// A text that is one string, or a list of strings and repetitions.
pub(crate) fn long_text(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        text.to_owned()
    } else if let Some(parts) = value.as_array() {
        parts.iter().map(long_text).collect()
    } else {
        let times = usize::try_from(number(value, "times")).unwrap();
        text(value, "repeat").repeat(times)
    }
}

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

pub(crate) fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

pub(crate) fn request_id(value: &Value) -> Option<RequestId> {
    optional_text(value, "requestIdJson").map(|json| RequestId::new(&raw(json)).unwrap())
}

pub(crate) fn connection(text: &str) -> ConnectionId {
    let part = |from: usize, to: usize| u32::from_str_radix(&text[from..to], 16).unwrap();
    ConnectionId {
        node: NodeId(part(0, 8)),
        shard: u16::try_from(part(8, 12)).unwrap(),
        slot: part(12, 20),
        serial: part(20, 28),
    }
}

pub(crate) fn publication(value: &Value) -> Publication {
    let id = uuid::Uuid::parse_str(text(value, "id")).unwrap();
    Publication {
        room: room(text(value, "room")),
        position: Position {
            epoch: Epoch(1),
            offset: number(value, "offset"),
            id: PublicationId(*id.as_bytes()),
        },
        event: EventName::parse(text(value, "event")).unwrap(),
        data: Bytes::from(text(value, "dataJson").to_owned()),
        user: optional_text(value, "user").map(Arc::from),
        tag: optional_text(value, "tag").map(Arc::from),
        sent_at: Timestamp(number(value, "sentAtMs")),
    }
}

pub(crate) fn identity(value: &Value) -> Identity {
    let grants = value["grants"].as_array().map_or(&[][..], Vec::as_slice);
    Identity {
        user: text(value, "user").into(),
        name: text(value, "name").into(),
        expires_at: value["expiresAtMs"].as_u64().map(Timestamp),
        grants: grants
            .iter()
            .map(|grant| Grant {
                rooms: Pattern::parse(text(grant, "rooms")).unwrap(),
                actions: actions(&grant["actions"]),
            })
            .collect(),
    }
}

pub(crate) fn rule(value: &Value) -> RoomRule {
    let data_bytes_max = value.get("message").and_then(Value::as_u64);
    RoomRule {
        history: Retention {
            count: u32::try_from(number(value, "history")).unwrap(),
            age: Duration::from_hours(1),
        },
        presence: value["presence"] == true,
        acks: value.get("acks").map(|acks| Acks {
            timeout: Duration::from_millis(number(acks, "timeoutMs")),
            in_flight_max: u32::try_from(number(acks, "inFlight")).unwrap(),
        }),
        everyone: actions(&value["everyone"]),
        data_bytes_max: data_bytes_max.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap()),
        ..RoomRule::of(Pattern::parse(text(value, "rooms")).unwrap())
    }
}

fn actions(value: &Value) -> Actions {
    let names = value.as_array().unwrap().iter();
    names
        .map(|name| match name.as_str().unwrap() {
            "join" => Action::Join,
            "publish" => Action::Publish,
            "history" => Action::History,
            "cast" => Action::Cast,
            "presence" => Action::Presence,
            "members" => Action::Members,
            other => panic!("no action {other}"),
        })
        .collect()
}

pub(crate) fn error_code(name: &str) -> ErrorCode {
    ErrorCode::all().find(|code| code.name() == name).unwrap()
}
