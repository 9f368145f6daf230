//! What is wrong with a message, in the same words for both encodings.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::wire::{ErrorCode, RequestId};

/// Which kind of mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// The bytes are no message: not of the encoding, or without a type.
    NoMessage,
    /// The type is not known to this version.
    UnknownType,
    /// A field is missing, of another type, or out of its bounds.
    BadField,
    /// The application's data is more than JSON can say, or nests too deep.
    BadData,
}

/// What is wrong with a message. It never repeats what the sender wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which kind of mistake it is.
    pub mistake: Mistake,
    /// Where: the names of fields with dots between them, such as `payload.rooms[2].since`.
    pub path: String,
    /// What must hold there, or that it is missing.
    pub reason: Cow<'static, str>,
}

/// A message that is not accepted, and the sender's name for it if that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub fault: Fault,
    /// The message's `requestId`.
    pub request: Option<RequestId>,
}

impl Fault {
    pub(super) fn new(mistake: Mistake, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            mistake,
            path: String::new(),
            reason: reason.into(),
        }
    }

    /// A value is not what it must be.
    pub(super) fn must(be: &str) -> Self {
        Self::new(Mistake::BadField, format!("must be {be}"))
    }

    /// There is no value.
    pub(super) fn missing() -> Self {
        Self::new(Mistake::BadField, "is missing")
    }

    /// A message that makes no sense without a `requestId` has none.
    pub fn no_request_id() -> Self {
        Self::missing().in_field("requestId")
    }

    /// The same fault, seen from the struct in which `field` has it.
    pub(super) fn in_field(mut self, field: &str) -> Self {
        let has_point = self.path.is_empty() || self.path.starts_with('[');
        let point = if has_point { "" } else { "." };
        self.path = format!("{field}{point}{}", self.path);
        self
    }

    /// The same fault, seen from the list in which the item at `index` has it.
    pub(super) fn in_item(self, index: usize) -> Self {
        self.in_field(&format!("[{index}]"))
    }

    /// The code of the `error` that tells of it.
    pub fn code(&self) -> ErrorCode {
        match self.mistake {
            Mistake::NoMessage | Mistake::BadField => ErrorCode::BadRequest,
            Mistake::UnknownType => ErrorCode::Unsupported,
            Mistake::BadData => ErrorCode::InvalidPayload,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{} ", self.path)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

/// What the derived code of a message finds.
impl de::Error for Fault {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(Mistake::BadField, reason.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::must(&expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::must(&expected.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::missing().in_field(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(Mistake::BadField, "occurs twice").in_field(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_in_javascript() {
        let fault = Fault::missing()
            .in_field("epoch")
            .in_field("since")
            .in_item(2)
            .in_field("rooms")
            .in_field("payload");
        assert_eq!(fault.to_string(), "payload.rooms[2].since.epoch is missing");
    }
}
