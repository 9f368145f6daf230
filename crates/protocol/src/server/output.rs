//! What a session wants done, and what it is answered.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::model::{EventName, Publication, RoomName};
use crate::wire::{Close, ErrorCode, Refusal, Token};

/// What a session wants done, in this order.
pub enum Output {
    /// Send one text message.
    Send(Vec<u8>),
    /// Send one text message with what a room has kept. It may be larger than what waits for a peer otherwise, and
    /// is no sign that the peer is slow.
    SendHistory(Vec<u8>),
    /// Send a ping of the WebSocket protocol.
    Ping,
    /// Check this token; answered by `Session::handle_verdict`.
    Verify(Token),
    /// Do this; answered by `Session::handle_reply`. Never more than one at a time.
    Ask(Ask),
    /// The frames that open this room are out: go live in it and, where the room has presence,
    /// announce the member. Once for every join.
    Follow(RoomName),
    /// Something is refused, for whoever observes; what the client is told comes right behind.
    Refused(Refusal),
    /// Close the connection. Nothing comes after it.
    Close(Close),
}

/// What a session asks of the rooms.
#[derive(Clone)]
pub enum Ask {
    /// Become a member, without hearing anything before [`Output::Follow`].
    Join {
        /// The room.
        room: RoomName,
    },
    /// Read the newest of what a room keeps that was joined and is not followed yet; it is followed from there.
    /// To be done when the peer has taken most of what was sent to it before, so that only one such answer waits.
    History {
        /// The room.
        room: RoomName,
    },
    /// Be no member any more.
    Leave {
        /// The room.
        room: RoomName,
    },
    /// Publish in the name of the session's user.
    Publish {
        /// The room.
        room: RoomName,
        /// What kind of publication it is.
        event: EventName,
        /// One JSON value.
        data: Bytes,
        /// What the publisher calls it.
        tag: Option<Arc<str>>,
    },
}

/// Shows what is to be done, never what is sent: payloads and tokens do not belong in logs.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(text) => write!(f, "Send({} bytes)", text.len()),
            Self::SendHistory(text) => write!(f, "SendHistory({} bytes)", text.len()),
            Self::Ping => f.write_str("Ping"),
            Self::Verify(token) => write!(f, "Verify({token:?})"),
            Self::Ask(ask) => write!(f, "Ask({ask:?})"),
            Self::Follow(room) => write!(f, "Follow({room})"),
            Self::Refused(refusal) => write!(f, "Refused({refusal:?})"),
            Self::Close(close) => write!(f, "{close:?}"),
        }
    }
}

/// Shows what is asked, never what is published.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Join { room } => write!(f, "Join({room})"),
            Self::History { room } => write!(f, "History({room})"),
            Self::Leave { room } => write!(f, "Leave({room})"),
            Self::Publish { room, data, .. } => write!(f, "Publish({room}, {} bytes)", data.len()),
        }
    }
}

/// What the rooms answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The connection is a member.
    Joined,
    /// What the room keeps, oldest first.
    History(Vec<Arc<Publication>>),
    /// The connection is no member any more.
    Left,
    /// The publication has its place.
    Published,
    /// Nothing was done.
    Failed {
        /// Why, for programs.
        code: ErrorCode,
        /// Why and what to do, for people.
        message: String,
    },
}

/// Why a token does not let a connection in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It never did.
    #[error("the token is wrong")]
    Wrong,
    /// It did, until it ended.
    #[error("the token has expired")]
    Expired,
    /// It proves a user who has as many connections as allowed.
    #[error("this user has {connections_max} connections, the most allowed; close one first")]
    TooMany {
        /// How many that is.
        connections_max: usize,
    },
}
