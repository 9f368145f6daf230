//! What a member says and hears, in v2 and JSON.
//!
//! Written apart from Tautline's own code, so that a fault there cannot hide here.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// A publication that was heard: its position, and the number that the publisher gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) offset: u64,
    pub(super) id: String,
    pub(super) number: u64,
}

/// Where a member stands, once it has its `welcome`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entrance {
    pub(super) position: Position,
    pub(super) messages: Vec<Heard>,
    /// What it should have had and is missing, as the server says it.
    pub(super) gap: Option<String>,
}

/// A position of a room's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) epoch: String,
    pub(super) offset: u64,
    pub(super) id: String,
}

/// What the server says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    Welcome(Box<Entrance>),
    Message(Heard),
    /// The publication that is on its way has this offset.
    Published(u64),
    /// Where it goes on, and what is missing before that.
    Gap(Position, String),
    Ping,
    Error(String),
    /// What changes nothing here.
    Other,
}

/// Understands a message.
pub(super) fn understand(payload: &[u8]) -> Result<Word> {
    let message: Value = serde_json::from_slice(payload).context("a message is no JSON")?;
    word(&message).with_context(|| format!("cannot understand {message}"))
}

fn word(message: &Value) -> Option<Word> {
    let payload = &message["payload"];
    Some(match message["type"].as_str()? {
        "welcome" => entrance(payload)?,
        "message" => Word::Message(heard(payload)?),
        "published" => Word::Published(payload["offset"].as_u64()?),
        "gap" => Word::Gap(position(&payload["position"])?, payload.to_string()),
        "ping" => Word::Ping,
        "error" => Word::Error(payload.to_string()),
        _ => Word::Other,
    })
}

fn entrance(payload: &Value) -> Option<Word> {
    let room = payload.get("rooms")?.get(0)?;
    if room.get("type")? != "joined" {
        return Some(Word::Error(room.to_string()));
    }
    let joined = room.get("payload")?;
    let messages = joined.get("messages")?.as_array()?.iter().map(heard);
    Some(Word::Welcome(Box::new(Entrance {
        position: position(joined.get("position")?)?,
        messages: messages.collect::<Option<_>>()?,
        gap: joined
            .get("gap")
            .filter(|gap| !gap.is_null())
            .map(Value::to_string),
    })))
}

fn heard(message: &Value) -> Option<Heard> {
    Some(Heard {
        offset: message["offset"].as_u64()?,
        id: message["id"].as_str()?.to_owned(),
        number: message.get("data")?.get("number")?.as_u64()?,
    })
}

fn position(value: &Value) -> Option<Position> {
    Some(Position {
        epoch: value["epoch"].as_str()?.to_owned(),
        offset: value["offset"].as_u64()?,
        id: value["id"].as_str()?.to_owned(),
    })
}

/// Who is there, and the room to be in, from where the member stands there.
pub(super) fn hello(token: &str, room: &str, since: Option<&Position>) -> String {
    let since = since.map(|it| json!({ "epoch": it.epoch, "offset": it.offset, "id": it.id }));
    json!({ "type": "hello", "payload": {
        "token": token,
        "client": { "name": "bench", "version": "1" },
        "producer": "bench",
        "rooms": [{ "room": room, "since": since }],
    }})
    .to_string()
}

/// A publication with a number, which is its key, too: said again, it is the same one.
pub(super) fn publish(room: &str, number: u64) -> String {
    json!({ "type": "publish", "payload": {
        "room": room,
        "event": "said",
        "data": said(number),
        "key": number.to_string(),
    }})
    .to_string()
}

/// The data of the publication with this number.
pub(super) fn said(number: u64) -> Value {
    json!({ "number": number, "text": "How vexingly quick daft zebras jump." })
}

/// The answer to a `ping`.
pub(super) const PONG: &str = r#"{"type":"pong"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_welcome_tells_where_the_member_stands_and_what_it_missed() {
        let position = json!({ "epoch": "e", "offset": 2, "id": "b" });
        let missed = json!({ "room": "r", "offset": 2, "id": "b", "data": { "number": 9 } });
        let joined = json!({ "room": "r", "position": position, "messages": [missed] });
        let welcome = json!({ "type": "welcome", "payload": {
            "rooms": [{ "type": "joined", "payload": joined }],
        }});
        let Word::Welcome(entrance) = understand(welcome.to_string().as_bytes()).unwrap() else {
            panic!("a welcome");
        };
        assert_eq!((entrance.position.offset, entrance.gap), (2, None));
        assert_eq!(entrance.messages[0].number, 9);
    }

    #[test]
    fn a_room_that_is_refused_is_an_error() {
        let refused = json!({ "type": "welcome", "payload": { "rooms": [{ "type": "error" }] } });
        let word = understand(refused.to_string().as_bytes()).unwrap();
        assert!(matches!(word, Word::Error(_)));
    }
}
