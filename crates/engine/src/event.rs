//! What goes out to listeners.

use std::sync::Arc;
use std::time::Instant;

use tautline_protocol::model::{
    ConnectionId, Member, NodeId, Publication, PublicationId, RoomName,
};

use crate::Cast;

/// What a listener hears.
#[derive(Debug, Clone)]
pub enum Event {
    /// A publication took its place.
    Published {
        /// It, with its place.
        publication: Arc<Publication>,
        /// The id of the publication before it, or the zero id. A listener whose head has another id has a gap.
        previous: PublicationId,
        /// When this process heard of it, or made it.
        at: Instant,
    },
    /// Something was relayed.
    Cast {
        /// Where.
        room: RoomName,
        /// What.
        cast: Arc<Cast>,
    },
    /// Someone came or went.
    Members {
        /// Where.
        room: RoomName,
        /// Who.
        change: MemberChange,
        /// How many are there now.
        count: u32,
    },
    /// The listener may have missed something of this room and must read again.
    Gap {
        /// Where.
        room: RoomName,
    },
    /// Do this.
    Signal(Signal),
}

/// How a room's members changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// A member came.
    Joined(Member),
    /// A member went.
    Left(Member),
    /// A member shows something else.
    Changed(Member),
    /// A member whose connection was lost is there again, on another one.
    Returned {
        /// The member, as it is now.
        member: Member,
        /// The connection that it had.
        was: ConnectionId,
    },
}

/// Whom a signal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// Every node.
    All,
    /// One node.
    Node(NodeId),
}

/// What nodes ask of one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Close this connection.
    Disconnect(ConnectionId),
    /// Close all connections of this user.
    DisconnectUser(Arc<str>),
}
