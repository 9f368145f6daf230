//! The fields of a flat v1 message, read one by one with a precise reason for each refusal.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::model::RoomName;
use crate::wire::json::{self, Fault};
use crate::wire::{PAYLOAD_DEPTH_MAX, Refusal, RequestId};

/// Every field that a v1 client message can have, unread. `null` is the same as absent; other
/// fields are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) token: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) room_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) method: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) payload: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) request_id: Option<&'a RawValue>,
}

/// The payload of `subscribe` and `unsubscribe`.
#[derive(Debug, Deserialize)]
pub(super) struct Topics<'a> {
    #[serde(borrow)]
    pub(super) topics: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) topic: Option<&'a RawValue>,
}

/// A refusal with a reason that fits into a close frame.
pub(super) fn malformed(reason: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::Malformed(reason.into())
}

impl<'a> Fields<'a> {
    /// Takes a message apart. The message itself is one level around its payload.
    pub(super) fn read(text: &'a str) -> Result<Self, Refusal> {
        json::scan(text, PAYLOAD_DEPTH_MAX + 1).map_err(|fault| match fault {
            Fault::TooDeep => malformed(format!(
                "invalid JSON: a payload must nest at most {PAYLOAD_DEPTH_MAX} levels"
            )),
            Fault::LoneSurrogate => {
                malformed("invalid JSON: a string has half of a surrogate pair as an escape")
            }
        })?;
        read_object(text, "message")
    }

    /// The client's name for the message, where it gave one.
    pub(super) fn request(&self) -> Result<Option<RequestId>, Refusal> {
        self.request_id
            .map(|value| {
                RequestId::new(value)
                    .ok_or_else(|| malformed("requestId must be a string or a number"))
            })
            .transpose()
    }

    /// The payload of `subscribe` and `unsubscribe`.
    pub(super) fn topics(&self, name: &str) -> Result<Topics<'a>, Refusal> {
        read_object(required(self.payload, name)?.get(), name)
    }
}

/// Reads an object's known fields.
fn read_object<'a, T: Deserialize<'a>>(text: &'a str, name: &str) -> Result<T, Refusal> {
    let read = serde_json::from_str(text);
    // A struct would also be read from an array, by position.
    let is_object = text.trim_ascii_start().starts_with('{');
    match read {
        Ok(object) if is_object => Ok(object),
        Err(error) if error.classify() != Category::Data => Err(malformed(
            "invalid JSON: send one JSON object per text frame",
        )),
        // Any value is taken for a field, so that all that can be wrong is a repeated one.
        Err(_) if is_object => Err(malformed(format!("a field of {name} occurs twice"))),
        Ok(_) | Err(_) => Err(malformed(format!("{name} must be a JSON object"))),
    }
}

/// A field that must be there.
pub(super) fn required<'a>(
    value: Option<&'a RawValue>,
    name: &str,
) -> Result<&'a RawValue, Refusal> {
    value.ok_or_else(|| malformed(format!("{name} is missing")))
}

/// A string of any length.
pub(super) fn string<'a>(value: &'a RawValue, name: &str) -> Result<Cow<'a, str>, Refusal> {
    let json = value.get();
    json::read_string(json).ok_or_else(|| {
        malformed(if json.starts_with('"') {
            format!("{name} has an escape that is no character")
        } else {
            format!("{name} must be a string")
        })
    })
}

/// A string whose length is bounded, in UTF-16 units as JavaScript counts.
pub(super) fn bounded_string<'a>(
    value: Option<&'a RawValue>,
    name: &str,
    units: RangeInclusive<usize>,
) -> Result<Cow<'a, str>, Refusal> {
    let text = string(required(value, name)?, name)?;
    if units.contains(&text.encode_utf16().count()) {
        return Ok(text);
    }
    let (min, max) = units.into_inner();
    Err(malformed(if max == usize::MAX {
        format!("{name} must have at least {min} characters")
    } else {
        format!("{name} must have {min} to {max} characters")
    }))
}

/// A room's name, as narrow as v1 has it.
pub(super) fn room(value: Option<&RawValue>, name: &str) -> Result<RoomName, Refusal> {
    let text = string(required(value, name)?, name)?;
    RoomName::parse(&text)
        .ok()
        .filter(RoomName::is_plain)
        .ok_or_else(|| malformed(format!("{name} must match ^[a-zA-Z0-9:_-]{{1,64}}$")))
}
