//! A message with its `requestId`, to bytes and back.

use std::borrow::Cow;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::fault::{Fault, Malformed, Mistake};
use super::fields::Fields;
use super::json::Json;
use super::msgpack::{Packed, Writer, pack};
use crate::wire::{RequestId, data_fault};

/// How a connection writes its messages; settled in the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// JSON in text frames.
    Json,
    /// The compact encoding in binary frames.
    MessagePack,
}

/// A message, a [`ClientMessage`](super::ClientMessage) or a [`ServerMessage`](super::ServerMessage), and the client's name for it or for
/// what it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<M> {
    /// The message.
    pub message: M,
    /// The `requestId`.
    pub request: Option<RequestId>,
}

impl<M> From<M> for Envelope<M> {
    fn from(message: M) -> Self {
        Self {
            message,
            request: None,
        }
    }
}

impl<M: Serialize> Envelope<M> {
    /// The bytes of one WebSocket message.
    pub fn encode(&self, encoding: Encoding) -> Vec<u8> {
        const WRITES: &str = "messages have only what both encodings have, which tests show";
        let request = self.request.as_ref().map(RequestId::as_json);
        match encoding {
            Encoding::Json => {
                // Most messages have room there.
                let mut out = Vec::with_capacity(256);
                serde_json::to_writer(&mut out, &self.message).expect(WRITES);
                if let Some(request) = request {
                    // The type and the payload are there, and the id goes behind them.
                    out.pop();
                    out.extend_from_slice(b",\"requestId\":");
                    out.extend_from_slice(request.as_bytes());
                    out.push(b'}');
                }
                out
            }
            Encoding::MessagePack => {
                let mut writer = Writer::default();
                self.message.serialize(&mut writer).expect(WRITES);
                let mut out = writer.out;
                if let Some(request) = request {
                    // An array of three instead of two.
                    out.splice(..1, [0x93]);
                    pack(&mut out, request);
                }
                out
            }
        }
    }
}

impl<'de, M: Deserialize<'de>> Envelope<M> {
    /// Reads one WebSocket message. The application's data is borrowed from JSON; nothing else than what
    /// the message has is allocated, whatever lengths it declares.
    pub fn decode(encoding: Encoding, bytes: &'de [u8]) -> Result<Self, Malformed> {
        match encoding {
            Encoding::Json => Parts::of_json(bytes)?.read(),
            Encoding::MessagePack => Parts::of_message_pack(bytes)?.read(),
        }
    }
}

/// A message taken apart, its payload unread.
struct Parts<V> {
    kind: V,
    payload: V,
    request: Option<RequestId>,
}

impl<'de> Parts<Json<'de>> {
    fn of_json(bytes: &'de [u8]) -> Result<Self, Malformed> {
        let (mut kind, mut payload, mut request) = (None, None, None);
        for (name, value) in Json::read_fields(bytes).map_err(no_message)? {
            let part = match &*name {
                "type" => &mut kind,
                "payload" => &mut payload,
                "requestId" => &mut request,
                _ => continue,
            };
            if part.replace(value).is_some() {
                let twice = Fault::new(Mistake::NoMessage, "occurs twice");
                return Err(twice.in_field(&name).into());
            }
        }
        let there = |value: &Json<'de>| !value.is_null();
        let kind = kind.filter(there).ok_or_else(no_type)?;
        let request = request.filter(there).map(|value| request_id(value.get()));
        Ok(Self {
            kind,
            payload: payload.filter(there).unwrap_or_else(Json::empty),
            request: request.transpose()?,
        })
    }
}

impl<'de> Parts<Packed<'de>> {
    fn of_message_pack(bytes: &'de [u8]) -> Result<Self, Malformed> {
        let mut items = Packed::read(bytes)?.items().map_err(no_message)?;
        let there = |value: &Packed<'de>| !value.is_nil();
        let kind = items.next().filter(there).ok_or_else(no_type)?;
        let payload = items.next().filter(there).unwrap_or(Packed::EMPTY);
        let request = items.next().filter(there).map(|value| {
            let json = value
                .to_json()
                .ok()
                .and_then(|json| RawValue::from_string(json).ok());
            request_id(json.as_deref().unwrap_or(RawValue::NULL))
        });
        Ok(Self {
            kind,
            payload,
            request: request.transpose()?,
        })
    }
}

impl<'de, V: Deserializer<'de, Error = Fault>> Parts<V> {
    fn read<M: Deserialize<'de>>(self) -> Result<Envelope<M>, Malformed> {
        let parts = [("type", self.kind), ("payload", self.payload)];
        let fields = Fields::new(parts.map(|(name, value)| (Cow::Borrowed(name), value)));
        match M::deserialize(MapAccessDeserializer::new(fields)) {
            Ok(message) => Ok(Envelope {
                message,
                request: self.request,
            }),
            Err(mut fault) => {
                if fault.path == "type" {
                    fault.mistake = Mistake::UnknownType;
                }
                Err(Malformed {
                    fault,
                    request: self.request,
                })
            }
        }
    }
}

fn request_id(value: &RawValue) -> Result<RequestId, Fault> {
    RequestId::new(value)
        .filter(|id| data_fault(id.as_json()).is_none())
        .ok_or_else(|| Fault::must("a string or a number").in_field("requestId"))
}

/// Without its parts it is no message.
fn no_message(fault: Fault) -> Fault {
    Fault {
        mistake: Mistake::NoMessage,
        ..fault
    }
}

fn no_type() -> Fault {
    no_message(Fault::missing().in_field("type"))
}

impl From<Fault> for Malformed {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            request: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::model::{
        Epoch, EventName, Position, Publication, PublicationId, RoomName, Timestamp,
    };
    use crate::wire::v2::{ClientMessage, Message, ServerMessage};

    #[test]
    fn a_ticker_is_forty_percent_smaller_in_message_pack() {
        let publication = Publication {
            room: RoomName::parse("prices:EURUSD").unwrap(),
            position: Position {
                epoch: Epoch(1),
                offset: 123_456,
                id: PublicationId([0xab; 16]),
            },
            event: EventName::parse("tick").unwrap(),
            data: Bytes::from_static(br#"{"bid":1.08423,"ask":1.08431,"size":100000}"#),
            user: Some(Arc::from("feed")),
            tag: None,
            sent_at: Timestamp(1_767_323_045_678),
        };
        let message = Envelope::from(ServerMessage::Message(Message::from(&publication)));
        let [json, packed] =
            [Encoding::Json, Encoding::MessagePack].map(|encoding| message.encode(encoding).len());
        assert!(packed * 10 <= json * 6, "{packed} bytes for {json}");
    }

    #[test]
    fn what_a_client_says_is_never_shown() {
        for text in [
            r#"{"type":"refresh","payload":{"token":"secret-1"}}"#,
            r#"{"type":"publish","payload":{"room":"r","event":"e","data":"secret-2","key":"secret-3"}}"#,
            r#"{"type":"request","payload":{"method":"secret-4","data":["secret-5"]}}"#,
            r#"{"type":"presence","payload":{"room":"r","state":{"secret-6":1}}}"#,
        ] {
            let message: Envelope<ClientMessage<'_>> =
                Envelope::decode(Encoding::Json, text.as_bytes()).unwrap();
            let shown = format!("{message:?}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn a_faulty_message_is_never_shown() {
        for text in [
            r#"{"type":"secret-1"}"#,
            r#"{"type":"join","payload":{"room":"secret 2"}}"#,
            r#"{"type":"join","payload":{"room":"r","since":{"epoch":"secret-3"}}}"#,
            r#"{"type":"publish","payload":{"room":"r","event":"secret 4","data":0}}"#,
        ] {
            let read: Result<Envelope<ClientMessage<'_>>, _> =
                Envelope::decode(Encoding::Json, text.as_bytes());
            let shown = format!("{:?}", read.unwrap_err().fault);
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
