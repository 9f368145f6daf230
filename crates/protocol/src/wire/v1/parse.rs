//! A v1 client's text as a command.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::fields::{Fields, Topics, bounded_string, malformed, required, room, string};
use crate::model::{EventName, RoomName};
use crate::wire::token::TOKEN_UNITS_MIN;
use crate::wire::{Command, Refusal, RequestId, Token};

/// The longest text of a chat message.
const TEXT_UNITS_MAX: usize = 1000;
/// The longest name of a method.
const METHOD_UNITS_MAX: usize = 64;
/// The most topics of one message.
const TOPICS_MAX: usize = 128;
/// How much of a chat message's `requestId` every member receives.
const TAG_UNITS_MAX: usize = 100;
/// The longest unknown type that is worth repeating in a reason.
const TYPE_SHOWN_MAX: usize = 24;

/// Takes a client's text for a command.
pub fn parse(text: &str) -> Result<Command, Refusal> {
    let fields = Fields::read(text)?;
    let kind = string(required(fields.kind, "type")?, "type")?;
    match &*kind {
        "auth" => Ok(Command::Auth {
            token: token(&fields)?,
            request: fields.request()?,
        }),
        "join" => Ok(Command::Join {
            room: room(fields.room_id, "join.roomId")?,
            request: fields.request()?,
        }),
        "leave" => Ok(Command::Leave {
            room: room(fields.room_id, "leave.roomId")?,
            request: fields.request()?,
        }),
        "subscribe" => Ok(Command::Subscribe {
            topics: topics(&fields.topics("subscribe.payload")?)?,
            request: fields.request()?,
        }),
        "unsubscribe" => Ok(Command::Unsubscribe {
            topic: room(
                fields.topics("unsubscribe.payload")?.topic,
                "unsubscribe.payload.topic",
            )?,
            request: fields.request()?,
        }),
        "chat" => chat(&fields),
        "request" => request(&fields),
        "ping" => Ok(Command::Ping {
            request: fields.request()?,
        }),
        unknown => Err(unknown_type(unknown)),
    }
}

fn token(fields: &Fields<'_>) -> Result<Token, Refusal> {
    bounded_string(fields.token, "auth.token", TOKEN_UNITS_MIN..=usize::MAX)
        .map(|text| Token::new(&text))
}

fn topics(payload: &Topics<'_>) -> Result<Vec<RoomName>, Refusal> {
    const NAME: &str = "subscribe.payload.topics";
    let list = required(payload.topics, NAME)?;
    let values: Vec<&RawValue> = serde_json::from_str(list.get())
        .map_err(|_not_a_list| malformed(format!("{NAME} must be an array of strings")))?;
    if values.len() > TOPICS_MAX {
        return Err(malformed(format!(
            "{NAME} must have at most {TOPICS_MAX} topics"
        )));
    }
    let mut rooms = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        let room = room(Some(value), &format!("{NAME}[{index}]"))?;
        if !rooms.contains(&room) {
            rooms.push(room);
        }
    }
    Ok(rooms)
}

fn chat(fields: &Fields<'_>) -> Result<Command, Refusal> {
    let room = room(fields.room_id, "chat.roomId")?;
    bounded_string(fields.text, "chat.text", 1..=TEXT_UNITS_MAX)?;
    let text = required(fields.text, "chat.text")?.get();
    let request = fields.request()?;
    Ok(Command::Publish {
        room,
        event: EventName::chat(),
        data: Bytes::from(["{\"text\":", text, "}"].concat()),
        tag: request.as_ref().and_then(tag),
        request,
    })
}

/// What every member receives of a `requestId`: a string's beginning, and nothing of a number.
fn tag(request: &RequestId) -> Option<Arc<str>> {
    let text = request.to_text()?;
    let mut units = 0;
    let kept = text.chars().take_while(|character| {
        units += character.len_utf16();
        units <= TAG_UNITS_MAX
    });
    Some(kept.collect::<String>().into())
}

fn request(fields: &Fields<'_>) -> Result<Command, Refusal> {
    let method = bounded_string(fields.method, "request.method", 1..=METHOD_UNITS_MAX)?;
    let payload = fields.payload.unwrap_or(RawValue::NULL);
    Ok(Command::Request {
        method: method.into(),
        payload: payload.to_owned(),
        request: fields
            .request()?
            .ok_or_else(|| malformed("request.requestId is missing"))?,
    })
}

fn unknown_type(kind: &str) -> Refusal {
    const KNOWN: &str =
        "it must be auth, join, leave, subscribe, unsubscribe, chat, request or ping";
    let is_word = kind
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if is_word && (1..=TYPE_SHOWN_MAX).contains(&kind.len()) {
        malformed(format!("unknown type \"{kind}\": {KNOWN}"))
    } else {
        malformed(format!("unknown type: {KNOWN}"))
    }
}
