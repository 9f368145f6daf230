//! What an application hears of a room.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use crate::model::{ConnectionId, EventName, Member, Position, Publication};
use crate::wire::{ErrorCode, v2};

/// What an application hears of a room, in the room's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomEvent {
    /// Something was published. Comes once, and what follows it is the next or a [`Gap`].
    Message(Publication),
    /// Publications are missing here.
    Gap(Gap),
    /// The membership is another.
    Status(RoomStatus),
    /// Something was relayed.
    Cast(Cast),
    /// Somebody came, went or changed.
    Presence(PresenceEvent),
}

/// How a membership stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomStatus {
    /// It is asked for, for the first time or again after the connection was lost.
    Joining,
    /// It holds.
    Live {
        /// Where the room stood for this client.
        position: Position,
        /// Whether it went on exactly where this client stood.
        recovered: bool,
        /// Everything handled has to be acknowledged.
        wants_acks: bool,
    },
    /// The server refuses it. The application may leave, and join again.
    Denied {
        /// Why, for programs.
        code: ErrorCode,
        /// Why and what to do, for people.
        message: String,
    },
    /// It is over.
    Left,
}

/// Publications that this client does not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first missing offset.
    pub from: u64,
    /// The last missing offset; below `from` if the room has another order and all of that follows.
    pub to: u64,
    /// Where the room goes on, in its present epoch.
    pub position: Position,
    /// Why they are missing.
    pub reason: GapReason,
}

/// Why publications are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// The room does not keep them any more.
    Evicted,
    /// The room has another order than the one that this client stood in.
    EpochChanged,
    /// They are more than are delivered at once.
    Limit,
    /// The connection was too slow.
    SlowConsumer,
    /// The application was too slow.
    ClientOverflow,
}

/// Something that was relayed: it has no place in the room's order, and nobody who was away gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Cast {
    /// What kind of message it is.
    pub event: EventName,
    /// One JSON value.
    pub data: Bytes,
    /// Who sent it; none if the application's backend did.
    pub user: Option<Arc<str>>,
}

/// A change of who is present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceEvent {
    /// All who are present; those of one user stand together.
    Members(Vec<Member>),
    /// A member came.
    Joined(Member),
    /// A member went.
    Left(Member),
    /// What a member shows, or its connection, is another.
    Changed {
        /// As it is now.
        member: Member,
        /// The connection that it had, if it has another now.
        was: Option<ConnectionId>,
    },
    /// The room is too large for names: so many are present.
    Count(u32),
}

impl From<v2::GapReason> for GapReason {
    fn from(reason: v2::GapReason) -> Self {
        match reason {
            v2::GapReason::Evicted => Self::Evicted,
            v2::GapReason::EpochChanged => Self::EpochChanged,
            v2::GapReason::Limit => Self::Limit,
            v2::GapReason::SlowConsumer => Self::SlowConsumer,
        }
    }
}

impl From<&v2::Relayed<'_>> for Cast {
    fn from(cast: &v2::Relayed<'_>) -> Self {
        Self {
            event: cast.event.clone(),
            data: cast.data.to_bytes(),
            user: cast.user.as_ref().map(v2::Words::to_arc),
        }
    }
}

impl From<&v2::Member<'_>> for Member {
    fn from(member: &v2::Member<'_>) -> Self {
        Self {
            connection: member.connection,
            user: member.user.to_arc(),
            name: member.name.to_arc(),
            state: member.state.as_ref().map(v2::Data::to_bytes),
        }
    }
}

impl Cast {
    /// The data as one of the application's types.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.data)
    }
}

/// Shows what kind it is, never what it says: payloads do not belong in logs.
impl fmt::Debug for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cast({:?}, {} bytes)", self.event, self.data.len())
    }
}
