//! What a client asks, whatever version it speaks.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{RequestId, Token};
use crate::model::{EventName, RoomName};

/// What a client asks. Every part has been checked: it is well formed and within its bounds.
#[derive(Debug, Clone)]
pub enum Command {
    /// Prove who is at this end.
    Auth {
        /// The proof.
        token: Token,
        /// The client's name for the message.
        request: Option<RequestId>,
    },
    /// Become a member of a room.
    Join {
        /// The room.
        room: RoomName,
        /// The client's name for the message.
        request: Option<RequestId>,
    },
    /// Be no member any more.
    Leave {
        /// The room.
        room: RoomName,
        /// The client's name for the message.
        request: Option<RequestId>,
    },
    /// Become a member of several rooms, as far as that is allowed.
    Subscribe {
        /// The rooms, none twice.
        topics: Vec<RoomName>,
        /// The client's name for the message.
        request: Option<RequestId>,
    },
    /// Be no member any more, in the words of `Subscribe`.
    Unsubscribe {
        /// The room.
        topic: RoomName,
        /// The client's name for the message.
        request: Option<RequestId>,
    },
    /// Publish to a room.
    Publish {
        /// The room.
        room: RoomName,
        /// What kind of publication it is.
        event: EventName,
        /// One JSON value.
        data: Bytes,
        /// The publisher's name for it, which every member receives.
        tag: Option<Arc<str>>,
        /// The client's name for the message.
        request: Option<RequestId>,
    },
    /// Ask the application something.
    Request {
        /// What is asked.
        method: Box<str>,
        /// With what; JSON `null` if the client gave nothing.
        payload: Box<RawValue>,
        /// The client's name for the message.
        request: RequestId,
    },
    /// Ask for a pong.
    Ping {
        /// The client's name for the message.
        request: Option<RequestId>,
    },
}
