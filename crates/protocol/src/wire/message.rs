//! What the server says, whatever version the client speaks.

use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::{ErrorCode, RequestId};
use crate::model::{ConnectionId, EventName, Gap, Member, Publication, RoomName, Timestamp};

/// What the server says. The dialect of a version turns it into bytes.
#[derive(Clone, Copy)]
pub enum Message<'a> {
    /// The client has proved who it is.
    Authenticated {
        /// The connection's name.
        connection: ConnectionId,
        /// The user's id.
        user: &'a str,
        /// The message that this answers.
        request: Option<&'a RequestId>,
    },
    /// The connection is a member of the room.
    Joined {
        /// The room.
        room: &'a RoomName,
        /// The message that this answers.
        request: Option<&'a RequestId>,
    },
    /// The connection is no member of the room.
    Left {
        /// The room.
        room: &'a RoomName,
        /// The message that this answers.
        request: Option<&'a RequestId>,
    },
    /// The connection is a member of these rooms.
    Subscribed {
        /// The rooms.
        rooms: &'a [RoomName],
        /// The message that this answers.
        request: Option<&'a RequestId>,
    },
    /// The connection is no member of the room, in the words of `Subscribed`.
    Unsubscribed {
        /// The room.
        room: &'a RoomName,
        /// The message that this answers.
        request: Option<&'a RequestId>,
    },
    /// What the room has kept, oldest first.
    History {
        /// The room.
        room: &'a RoomName,
        /// Its publications.
        publications: &'a [Arc<Publication>],
    },
    /// Something was published.
    Publication(&'a Publication),
    /// Publications are missing, and the room goes on behind them. Only for clients who can be told.
    Gap {
        /// Where.
        room: &'a RoomName,
        /// Which ones, and why.
        gap: Gap,
    },
    /// Something is relayed that is not kept. v1 has no words for it.
    Cast {
        /// Where.
        room: &'a RoomName,
        /// What kind of message it is.
        event: &'a EventName,
        /// One JSON value.
        data: &'a [u8],
        /// Who sent it; none if the backend did.
        user: Option<&'a str>,
    },
    /// A member came.
    MemberJoined {
        /// Where.
        room: &'a RoomName,
        /// Who.
        member: &'a Member,
        /// How many members there are now.
        count: u32,
    },
    /// A member went.
    MemberLeft {
        /// Where.
        room: &'a RoomName,
        /// Who.
        member: &'a Member,
        /// How many members there are now.
        count: u32,
    },
    /// A member shows something else, or is there on another connection. v1 has no words for it.
    MemberChanged {
        /// Where.
        room: &'a RoomName,
        /// Who.
        member: &'a Member,
        /// The connection that it had, if it has another now.
        was: Option<ConnectionId>,
    },
    /// How many members a large room has, instead of each coming and going.
    MemberCount {
        /// Where.
        room: &'a RoomName,
        /// How many members there are now.
        count: u32,
    },
    /// The answer to a request.
    Response {
        /// The request.
        request: &'a RequestId,
        /// The answer.
        payload: &'a RawValue,
    },
    /// The answer to a ping.
    Pong {
        /// The server's time.
        sent_at: Timestamp,
        /// The message that this answers.
        request: Option<&'a RequestId>,
    },
    /// Something was not done, and the connection goes on.
    Error {
        /// Why, for programs.
        code: ErrorCode,
        /// Why and what to do, for people.
        message: &'a str,
        /// The message that this answers.
        request: Option<&'a RequestId>,
    },
}

/// Shows what kind of message it is, never what it says: payloads do not belong in logs.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authenticated { connection, .. } => write!(f, "Authenticated({connection})"),
            Self::Joined { room, .. } => write!(f, "Joined({room})"),
            Self::Left { room, .. } => write!(f, "Left({room})"),
            Self::Subscribed { rooms, .. } => write!(f, "Subscribed({rooms:?})"),
            Self::Unsubscribed { room, .. } => write!(f, "Unsubscribed({room})"),
            Self::History { room, publications } => {
                write!(f, "History({room}, {} publications)", publications.len())
            }
            Self::Publication(publication) => write!(f, "{publication:?}"),
            Self::Gap { room, gap } => write!(f, "Gap({room}, {gap:?})"),
            Self::Cast { room, data, .. } => write!(f, "Cast({room}, {} bytes)", data.len()),
            Self::MemberChanged { room, .. } => write!(f, "MemberChanged({room})"),
            Self::MemberJoined { room, count, .. } => write!(f, "MemberJoined({room}, {count})"),
            Self::MemberLeft { room, count, .. } => write!(f, "MemberLeft({room}, {count})"),
            Self::MemberCount { room, count } => write!(f, "MemberCount({room}, {count})"),
            Self::Response { payload, .. } => write!(f, "Response({} bytes)", payload.get().len()),
            Self::Pong { .. } => f.write_str("Pong"),
            Self::Error { code, .. } => write!(f, "Error({code:?})"),
        }
    }
}
