//! A publication as v1 text: the hot path, written once for all members of a room.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::object::Object;
use crate::model::Publication;

/// What a publication has beside its names and its data: punctuation, an id twice, a time.
const FRAME_BYTES: usize = 224;

/// At least as many bytes as the publication's message, where no name needs escapes.
pub(super) fn publication_bytes(publication: &Publication) -> usize {
    let user = publication.user.as_ref().map_or(0, |user| user.len());
    let tag = publication.tag.as_ref().map_or(0, |tag| tag.len());
    let names = publication.room.as_str().len() + publication.event.as_str().len();
    FRAME_BYTES + names + user + tag + publication.data.len()
}

/// A `chat` with a text, or the room's event with a payload.
pub(super) fn write_publication(out: &mut Vec<u8>, publication: &Publication) {
    out.reserve(publication_bytes(publication));
    let event = publication.event.as_str();
    let text = if event == "chat" {
        chat_text(&publication.data)
    } else {
        None
    };
    let mut id = uuid::Uuid::encode_buffer();
    let id = uuid::Uuid::from_bytes(publication.position.id.0)
        .hyphenated()
        .encode_lower(&mut id);
    let mut object = Object::begin(out, event).name("id", id);
    if text.is_some() {
        object = match &publication.tag {
            Some(tag) => object.text("requestId", tag),
            None => object.name("requestId", id),
        };
    }
    object = object.name("roomId", publication.room.as_str());
    object = match &publication.user {
        Some(user) => object.text("userId", user),
        None => object.json("userId", b"null"),
    };
    match text {
        Some(text) => object.json("text", text),
        None => object.json("payload", &publication.data),
    }
    .time("sentAt", publication.sent_at)
    .end();
}

/// The text of a chat as it is written in JSON: the data itself, or its `text`.
fn chat_text(data: &[u8]) -> Option<&[u8]> {
    #[derive(Deserialize)]
    struct Chat<'a> {
        #[serde(borrow)]
        text: Option<&'a RawValue>,
    }

    let data = data.trim_ascii();
    match data.first() {
        Some(b'"') => Some(data),
        Some(b'{') => own_chat_text(data).or_else(|| {
            let chat: Chat<'_> = serde_json::from_slice(data).ok()?;
            let text = chat.text?.get();
            text.starts_with('"').then_some(text.as_bytes())
        }),
        _ => None,
    }
}

/// The text of a chat that came in as v1, whose data is `{"text":…}` and nothing else.
fn own_chat_text(data: &[u8]) -> Option<&[u8]> {
    let text = data.strip_prefix(b"{\"text\":")?.strip_suffix(b"}")?;
    let mut inner = text.strip_prefix(b"\"")?;
    loop {
        inner = match inner {
            [b'"'] => return Some(text),
            [b'"', ..] | [] => return None,
            [b'\\', _, rest @ ..] | [_, rest @ ..] => rest,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_chat_is_a_string_or_a_field() {
        for (data, text) in [
            (r#""hi""#, r#""hi""#),
            (r#"{"text":"hi"}"#, r#""hi""#),
            (r#"{"text":"a\"}"}"#, r#""a\"}""#),
            (r#"{"text":"\\"}"#, r#""\\""#),
            (r#"{"text":"a","b":"c"}"#, r#""a""#),
            (r#" { "b": 1, "text" : "a" } "#, r#""a""#),
        ] {
            assert_eq!(chat_text(data.as_bytes()), Some(text.as_bytes()), "{data}");
        }
    }

    #[test]
    fn other_data_of_a_chat_has_no_text() {
        for data in [
            "1",
            "null",
            r#"["text"]"#,
            r#"{"text":1}"#,
            r#"{"text":null}"#,
            "{}",
        ] {
            assert_eq!(chat_text(data.as_bytes()), None, "{data}");
        }
    }

    #[test]
    fn the_short_way_is_taken_for_our_own_chats_only() {
        assert!(own_chat_text(br#"{"text":"a\"b"}"#).is_some());
        assert!(own_chat_text(br#"{"text":"a","b":"c"}"#).is_none());
        assert!(own_chat_text(br#"{"text":"a\"}"#).is_none());
    }
}
