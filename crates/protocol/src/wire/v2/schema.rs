//! The JSON Schema of v2, `protocol/schema/v2.json`, made from the definitions of the messages.
//!
//! Only tests compile this: the schema is shipped as a file, and nobody pays for making it.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::nouns::structs;
use super::{ClientMessage, Data, ServerMessage, Text};
use crate::model::{
    ConnectionId, Epoch, EventName, Position, PublicationId, Rate, RoomName, Timestamp,
};
use crate::wire::token::TOKEN_UNITS_MIN;
use crate::wire::{CloseCode, Token};

/// The bounds are those of the code, but for characters beyond the basic plane: a schema counts each of
/// them as one, and the code as two.
impl<const MIN: usize, const MAX: usize> JsonSchema for Text<'_, MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Text{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "string" });
        if MIN > 0 {
            schema.insert("minLength".to_owned(), MIN.into());
        }
        if MAX < usize::MAX {
            schema.insert("maxLength".to_owned(), MAX.into());
        }
        schema
    }
}

/// Gives a noun the schema of the text or number that it travels as.
macro_rules! noun {
    ($($noun:ty, $name:literal: $schema:tt;)+) => {$(
        impl JsonSchema for $noun {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

noun! {
    Data<'_>, "Data": {
        "description": "The application's data: any JSON value, nested at most 32 levels."
    };
    RoomName, "RoomName": {
        "description": "The name of a room.",
        "type": "string", "pattern": "^[A-Za-z0-9_\\-.:/@|~+]{1,128}$"
    };
    EventName, "EventName": {
        "description": "What kind of publication it is, in the application's words. Names of v1's own messages are refused.",
        "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9._-]{0,63}$"
    };
    Token, "Token": {
        "description": "A proof of identity.",
        "type": "string", "minLength": TOKEN_UNITS_MIN
    };
    Epoch, "Epoch": {
        "description": "One life of a room's order. Offsets of different epochs cannot be compared.",
        "type": "string", "pattern": "^[0-9a-f]{16}$"
    };
    PublicationId, "PublicationId": {
        "description": "The identity of a publication.",
        "type": "string", "format": "uuid",
        "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
    };
    ConnectionId, "ConnectionId": {
        "description": "The name of a connection.",
        "type": "string", "pattern": "^[0-9a-f]{28}$"
    };
    Timestamp, "Timestamp": {
        "description": "A time in UTC with milliseconds, as `toISOString()` writes it.",
        "type": "string", "format": "date-time"
    };
    CloseCode, "CloseCode": {
        "description": "Why a connection was closed.",
        "enum": (CloseCode::all().map(CloseCode::number).collect::<Vec<u16>>())
    };
}

/// Gives a noun the schema of the struct that it travels as.
macro_rules! as_struct {
    ($($noun:ident)+) => {$(
        impl JsonSchema for $noun {
            fn schema_name() -> Cow<'static, str> {
                structs::$noun::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                structs::$noun::json_schema(generator)
            }
        }
    )+};
}

as_struct! { Position Rate }

/// The text of `protocol/schema/v2.json`.
fn text() -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<ClientMessage<'_>>();
    generator.subschema_for::<ServerMessage<'_>>();
    let mut definitions = generator.take_definitions(true);
    for messages in ["ClientMessage", "ServerMessage"] {
        let kinds = definitions.get_mut(messages).unwrap()["oneOf"].as_array_mut();
        kinds.unwrap().iter_mut().for_each(complete);
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tautline protocol v2",
        "description": "Messages in JSON. Fields that are not listed here are to be ignored.",
        "anyOf": [{ "$ref": "#/$defs/ClientMessage" }, { "$ref": "#/$defs/ServerMessage" }],
        "$defs": definitions,
    });
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

/// What every message has beyond its definition: it may have an id, and need not have an empty payload.
fn complete(message: &mut Value) {
    message["properties"]["requestId"] = json!({ "type": ["string", "number", "null"] });
    if message["properties"]["payload"]["$ref"] == "#/$defs/Empty" {
        let empty = message["properties"]["payload"].take();
        message["properties"]["payload"] = json!({ "anyOf": [empty, { "type": "null" }] });
        message["required"] = json!(["type"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocol/schema/v2.json");

    #[test]
    fn the_committed_schema_is_current() {
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(FILE, text()).unwrap();
        } else {
            let written = std::fs::read_to_string(FILE).unwrap_or_default();
            assert_eq!(written, text(), "renew it with `cargo xtask tidy --write`");
        }
    }
}
