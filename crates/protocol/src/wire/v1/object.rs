//! A flat JSON object, written field by field in one pass.

use std::io::Write;

use crate::model::Timestamp;
use crate::wire::json::write_string;
use crate::wire::{RequestId, iso_time};

/// Room enough for most messages that carry no application data.
const SMALL_BYTES: usize = 192;

/// A message that is being written. Names of fields, and values given to [`Object::name`], need no
/// escapes: they are ours, or their alphabet was checked when they were parsed.
#[derive(Debug)]
pub(super) struct Object<'a>(&'a mut Vec<u8>);

impl<'a> Object<'a> {
    /// Begins a message of this type.
    pub(super) fn begin(out: &'a mut Vec<u8>, kind: &str) -> Self {
        out.reserve(SMALL_BYTES);
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.push(b'"');
        Self(out)
    }

    /// A value that is JSON already.
    pub(super) fn json(mut self, field: &str, value: &[u8]) -> Self {
        self.key(field).extend_from_slice(value);
        self
    }

    /// A value that needs no escapes.
    pub(super) fn name(mut self, field: &str, value: &str) -> Self {
        let out = self.key(field);
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
        self
    }

    /// A value that may need escapes.
    pub(super) fn text(mut self, field: &str, value: &str) -> Self {
        write_string(self.key(field), value);
        self
    }

    /// A number.
    pub(super) fn count(mut self, field: &str, value: u32) -> Self {
        write!(self.key(field), "{value}").expect("writing a number to memory cannot fail");
        self
    }

    /// A time as ISO 8601, as `toISOString` writes it.
    pub(super) fn time(mut self, field: &str, value: Timestamp) -> Self {
        let time = iso_time::written(value);
        write!(self.key(field), "\"{time}\"").expect("a time before the year 10000 can be written");
        self
    }

    /// A list, each of whose items is written by `write`.
    pub(super) fn list<T>(
        mut self,
        field: &str,
        items: &[T],
        write: impl Fn(&mut Vec<u8>, &T),
    ) -> Self {
        let out = self.key(field);
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write(out, item);
        }
        out.push(b']');
        self
    }

    /// The client's name for what this answers, where it gave one.
    pub(super) fn request(self, request: Option<&RequestId>) -> Self {
        match request {
            Some(request) => self.json("requestId", request.as_json().as_bytes()),
            None => self,
        }
    }

    /// Ends the message.
    pub(super) fn end(self) {
        self.0.push(b'}');
    }

    fn key(&mut self, field: &str) -> &mut Vec<u8> {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(field.as_bytes());
        self.0.extend_from_slice(b"\":");
        self.0
    }
}
