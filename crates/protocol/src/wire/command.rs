//! What a client of v1 asks.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{RequestId, Token};
use crate::model::{EventName, RoomName};

/// What a client asks. Every part has been checked: it is well formed and within its bounds.
#[derive(Clone)]
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

/// Shows what is asked, never with which data: payloads and tokens do not belong in logs.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth { .. } => f.write_str("Auth(…)"),
            Self::Join { room, .. } => write!(f, "Join({room})"),
            Self::Leave { room, .. } => write!(f, "Leave({room})"),
            Self::Subscribe { topics, .. } => write!(f, "Subscribe({topics:?})"),
            Self::Unsubscribe { topic, .. } => write!(f, "Unsubscribe({topic})"),
            Self::Publish { room, data, .. } => write!(f, "Publish({room}, {} bytes)", data.len()),
            Self::Request { payload, .. } => write!(f, "Request({} bytes)", payload.get().len()),
            Self::Ping { .. } => f.write_str("Ping"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::v1;

    #[test]
    fn what_a_client_says_is_never_shown() {
        for text in [
            r#"{"type":"auth","token":"secret-1"}"#,
            r#"{"type":"chat","roomId":"r","text":"secret-2","requestId":"secret-3"}"#,
            r#"{"type":"request","method":"echo","payload":"secret-4","requestId":"secret-5"}"#,
        ] {
            let shown = format!("{:?}", v1::parse(text).unwrap());
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
