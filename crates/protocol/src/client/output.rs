//! What a client's driver is told to do, and what its application is told.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::{
    Acknowledged, Answer, CallError, Ending, Fetch, Line, PublishError, RoomEvent, TokenReason,
};
use crate::model::{ConnectionId, RoomName};

/// The session's name for something that the application waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What is to be done next.
pub enum Output {
    /// Open a connection, and report it with `handle_open` or `handle_ending`.
    Open {
        /// Which.
        line: Line,
        /// Where, if not at the usual place.
        url: Option<Box<str>>,
    },
    /// Send one message.
    Send {
        /// On which connection.
        line: Line,
        /// A text frame's payload in JSON, a binary frame's in `MessagePack`.
        message: Vec<u8>,
    },
    /// End a connection or give up an attempt. Nothing is heard of it any more.
    Close {
        /// Which.
        line: Line,
        /// The close code.
        code: u16,
        /// The close reason.
        reason: &'static str,
    },
    /// Ask the application for a token, and hand it in with `handle_token`.
    FetchToken {
        /// Which time.
        fetch: Fetch,
        /// Why.
        reason: TokenReason,
    },
    /// The connection is in another state.
    State(ConnectionState),
    /// Something happened in a room.
    Room(RoomName, RoomEvent),
    /// What became of a publication.
    Published(Ticket, Result<Acknowledged, PublishError>),
    /// What became of a question.
    Answered(Ticket, Result<Answer, CallError>),
}

/// What an application sees of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not asked to connect yet.
    Idle,
    /// The first connection is being opened.
    Connecting {
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// There is a connection, and the server has welcomed it.
    Connected {
        /// Its name.
        connection: ConnectionId,
        /// Who the server says is there.
        user: Arc<str>,
    },
    /// The connection was lost, and another one is being opened.
    Reconnecting {
        /// Which attempt is next or under way, from 1.
        attempt: u32,
        /// When it begins; none if it has begun.
        retry_at: Option<Instant>,
        /// Why there is none.
        cause: Ending,
    },
    /// It is over. Only the application can begin anew.
    Closed {
        /// Why.
        cause: Ending,
    },
}

/// Shows what is to be done, never what is sent: payloads and tokens do not belong in logs.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { line, .. } => write!(f, "Open({})", line.0),
            Self::Send { line, message } => write!(f, "Send({}, {} bytes)", line.0, message.len()),
            Self::Close { line, code, .. } => write!(f, "Close({}, {code})", line.0),
            Self::FetchToken { reason, .. } => write!(f, "FetchToken({reason:?})"),
            Self::State(state) => write!(f, "{state:?}"),
            Self::Room(room, event) => write!(f, "Room({room}, {event:?})"),
            Self::Published(ticket, result) => write!(f, "Published({}, {result:?})", ticket.0),
            Self::Answered(ticket, result) => write!(f, "Answered({}, {result:?})", ticket.0),
        }
    }
}
