//! What a session of v2 wants done, and what it is answered.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::model::{Epoch, EventName, Gap, Member, Position, Publication, RoomName};
use crate::wire::v2::{Level, Part};
use crate::wire::{Close, ErrorCode, Refusal, Token};

/// Names an ask, so that its answer is recognized. Never used twice by one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub(super) u64);

/// What a session wants done, in this order.
pub enum Output {
    /// Send one message, in the kind of frame that the encoding travels in.
    Send(Vec<u8>),
    /// Check this token; answered by `Session::handle_verdict`. Never more than one at a time.
    Verify(Token),
    /// Do this; answered by `Session::handle_reply`. Several are on their way at once: each takes effect when it is
    /// handed out, so that their order is kept, and may be answered in any order.
    Ask(Ticket, Ask),
    /// Ask the application this; answered by `Session::handle_outcome`. Whatever has not been answered when the session
    /// has ended is canceled.
    Call(Ticket, Call),
    /// Nobody waits for the answer to this call any more.
    Cancel(Ticket),
    /// The messages that open this room are out: go live in it behind what they had and, where the room has presence,
    /// announce the member. Once for every join that succeeded.
    Follow {
        /// The room.
        room: RoomName,
        /// What the member wants others to see: one JSON value.
        state: Option<Bytes>,
    },
    /// Something is refused, for whoever observes.
    Refused(Refusal),
    /// Send this message, `bye`, and close the connection. Nothing comes after it.
    Close(Vec<u8>, Close),
}

/// What the application is asked.
#[derive(Clone)]
pub struct Call {
    /// What is asked.
    pub method: Box<str>,
    /// With what: one JSON value.
    pub data: Bytes,
}

/// What becomes of a call.
#[derive(Clone)]
pub enum Outcome {
    /// The answer: one JSON value.
    Answered(Bytes),
    /// There is none.
    Failed {
        /// Why, for programs.
        code: ErrorCode,
        /// Why and what to do, for people.
        message: Cow<'static, str>,
    },
}

/// What a session asks of the rooms.
#[derive(Clone)]
pub enum Ask {
    /// Become a member, without hearing anything before [`Output::Follow`]. Of a room that is joined already: begin anew.
    Join {
        /// The room.
        room: RoomName,
        /// From where on.
        begin: Begin,
        /// The most data of the answer, in bytes. If it is 0, the client may not read what was published before:
        /// what it misses is a gap.
        bytes_max: usize,
        /// Whether the client may know who is present.
        members: bool,
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
        /// Makes a second attempt recognizable.
        key: Option<Arc<str>>,
        /// The program that publishes.
        producer: Option<Arc<str>>,
    },
    /// Relay to who is there now.
    Cast {
        /// The room.
        room: RoomName,
        /// What kind of message it is.
        event: EventName,
        /// One JSON value.
        data: Bytes,
        /// A later one with the same word replaces one that still waits to be written.
        conflate: Option<Arc<str>>,
    },
    /// Note that the client has received everything up to an offset. Never more than one at a time for a room.
    Ack {
        /// The room.
        room: RoomName,
        /// The epoch that the offset counts in.
        epoch: Epoch,
        /// The offset.
        offset: u64,
    },
    /// Read what a room keeps.
    History {
        /// The room.
        room: RoomName,
        /// Which part of it.
        part: Part,
        /// The most messages of the answer.
        limit: u32,
    },
    /// Say who is present.
    Members {
        /// The room.
        room: RoomName,
    },
    /// Show others this.
    Presence {
        /// The room.
        room: RoomName,
        /// One JSON value.
        state: Bytes,
    },
}

/// From where on a member hears a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// What is published from now on.
    Now,
    /// So many of the newest, and what follows them.
    Last(u32),
    /// What came after this.
    Since(Position),
}

/// Shows what is to be done, never what is sent: payloads and tokens do not belong in logs.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(message) => write!(f, "Send({} bytes)", message.len()),
            Self::Verify(token) => write!(f, "Verify({token:?})"),
            Self::Ask(ticket, ask) => write!(f, "Ask({}, {ask:?})", ticket.0),
            Self::Call(ticket, call) => write!(f, "Call({}, {call:?})", ticket.0),
            Self::Cancel(ticket) => write!(f, "Cancel({})", ticket.0),
            Self::Follow { room, .. } => write!(f, "Follow({room})"),
            Self::Refused(refusal) => write!(f, "Refused({refusal:?})"),
            Self::Close(_, close) => write!(f, "{close:?}"),
        }
    }
}

/// Shows how much is asked, never what.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} bytes)", self.data.len())
    }
}

/// Shows how it went, never what was answered.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(data) => write!(f, "Answered({} bytes)", data.len()),
            Self::Failed { code, .. } => write!(f, "Failed({code:?})"),
        }
    }
}

/// Shows what is asked, never what is published.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Join { room, begin, .. } => write!(f, "Join({room}, {begin:?})"),
            Self::Leave { room } => write!(f, "Leave({room})"),
            Self::Publish { room, data, .. } => write!(f, "Publish({room}, {} bytes)", data.len()),
            Self::Cast { room, data, .. } => write!(f, "Cast({room}, {} bytes)", data.len()),
            Self::Ack { room, offset, .. } => write!(f, "Ack({room}, {offset})"),
            Self::History { room, part, limit } => write!(f, "History({room}, {part:?}, {limit})"),
            Self::Members { room } => write!(f, "Members({room})"),
            Self::Presence { room, state } => write!(f, "Presence({room}, {} bytes)", state.len()),
        }
    }
}

/// What the rooms answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The connection is a member.
    Joined(Box<Entered>),
    /// The connection is no member any more.
    Left,
    /// The publication has its place.
    Published(Placed),
    /// It is relayed.
    Relayed,
    /// It is noted.
    Acked,
    /// What the room keeps.
    History(Box<Past>),
    /// Who is present; those of one user need not stand together.
    Members(Vec<Member>),
    /// Others see it.
    PresenceSet,
    /// Nothing was done, because all who publish there do it too often together.
    TooOften {
        /// When it would be.
        wait: Duration,
    },
    /// Nothing was done.
    Failed {
        /// Why, for programs.
        code: ErrorCode,
        /// Why and what to do, for people.
        message: String,
    },
}

/// Where a new member stands, and what it has missed.
#[derive(Debug, Clone)]
pub struct Entered {
    /// Where it stands with these messages.
    pub position: Position,
    /// The first page, oldest first, and small enough for one message.
    pub messages: Vec<Arc<Publication>>,
    /// Whether further messages of the past follow.
    pub more: bool,
    /// Who is present; none if that was not asked for, or the room is too large to tell.
    pub members: Option<Vec<Member>>,
    /// What it misses. None is a promise if it began with [`Begin::Since`]: nothing is missing from there on.
    pub gap: Option<Gap>,
}

/// The place of a publication.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    /// The place.
    pub position: Position,
    /// Whether an earlier publication with the same key already had it.
    pub duplicate: bool,
    /// What the publication has survived.
    pub level: Level,
}

/// A part of a room's past.
#[derive(Debug, Clone)]
pub struct Past {
    /// Where the room stands.
    pub position: Position,
    /// The part, oldest first.
    pub messages: Vec<Arc<Publication>>,
    /// Whether there is more of it.
    pub more: bool,
}
