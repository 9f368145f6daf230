//! Messages of v2 in both encodings, other ways to write them, and what is refused.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tautline_protocol::wire::RequestId;
use tautline_protocol::wire::v2::{ClientMessage, Encoding, Envelope, Malformed, ServerMessage};

use super::model::{optional_text, text};

pub(crate) fn check_client(vector: &Value) {
    let (json, packed) = (text(vector, "json"), bytes(text(vector, "msgpack")));
    check::<ClientMessage<'_>>(text(vector, "name"), json, &packed);
}

pub(crate) fn check_server(vector: &Value) {
    let (json, packed) = (text(vector, "json"), bytes(text(vector, "msgpack")));
    check::<ServerMessage<'_>>(text(vector, "name"), json, &packed);
}

/// Each encoding is read and written again, as itself and as the other.
fn check<'v, M>(name: &str, json: &'v str, packed: &'v [u8])
where
    M: Serialize + Deserialize<'v> + PartialEq + Debug,
{
    let read = |encoding, bytes| {
        Envelope::<M>::decode(encoding, bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"))
    };
    for message in [
        read(Encoding::Json, json.as_bytes()),
        read(Encoding::MessagePack, packed),
    ] {
        let written = String::from_utf8(message.encode(Encoding::Json)).unwrap();
        assert_eq!(written, json, "{name}");
        assert_eq!(message.encode(Encoding::MessagePack), packed, "{name}");
    }
}

pub(crate) fn check_accepted(vector: &Value) {
    let name = text(vector, "name");
    let (encoding, bytes) = given(vector);
    let message = decode(encoding, &bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let means = message.encode(Encoding::Json);
    assert_eq!(
        String::from_utf8(means).unwrap(),
        text(vector, "means"),
        "{name}"
    );
}

pub(crate) fn check_refused(vector: &Value) {
    let (name, error) = (text(vector, "name"), &vector["error"]);
    let (encoding, bytes) = given(vector);
    let Malformed { fault, request } = decode(encoding, &bytes).expect_err(name);
    assert_eq!(fault.to_string(), text(error, "message"), "{name}");
    assert_eq!(fault.code().name(), text(error, "code"), "{name}");
    let path = optional_text(error, "path").unwrap_or_default();
    assert_eq!(fault.path, path, "{name}");
    let request = request.as_ref().map(RequestId::as_json);
    assert_eq!(request, optional_text(error, "requestIdJson"), "{name}");
}

fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Envelope<ClientMessage<'_>>, Malformed> {
    Envelope::decode(encoding, bytes)
}

/// The message of a vector that has it in one encoding.
fn given(vector: &Value) -> (Encoding, Vec<u8>) {
    match optional_text(vector, "json") {
        Some(json) => (Encoding::Json, json.as_bytes().to_vec()),
        None => (Encoding::MessagePack, bytes(text(vector, "msgpack"))),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}
