//! What happens to connections: one stream of events, and the only way to observe them.

use std::net::SocketAddr;
use std::sync::Arc;

use tautline_protocol::model::{ConnectionId, RoomName};

use crate::ending::Ending;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Lifecycle<'a> {
    /// A handshake was refused.
    Refused {
        /// Who came; behind a proxy, the proxy.
        peer: SocketAddr,
        /// The answer's HTTP status.
        status: u16,
        /// Why.
        reason: &'a str,
    },
    /// A connection began.
    Connected {
        /// Its name.
        connection: ConnectionId,
        /// Who came.
        peer: SocketAddr,
    },
    /// A connection proved whose it is.
    Authenticated {
        /// Which.
        connection: ConnectionId,
        /// Whose.
        user: &'a str,
    },
    /// A connection became a member of a room.
    Joined {
        /// Which.
        connection: ConnectionId,
        /// Where.
        room: &'a RoomName,
    },
    /// A connection left a room. One that ends leaves its rooms without a word.
    Left {
        /// Which.
        connection: ConnectionId,
        /// Where.
        room: &'a RoomName,
    },
    /// A connection published.
    Published {
        /// Which.
        connection: ConnectionId,
        /// Where.
        room: &'a RoomName,
    },
    /// A connection ended.
    Ended(&'a Ending),
}

/// Who wants to know what happens. Called on the shards' threads: never waits.
pub(crate) trait Observer: Send + Sync {
    /// Takes note of an event.
    fn observe(&self, event: &Lifecycle<'_>);
}

/// All who observe, one after another.
pub(crate) struct Observers(pub(crate) Vec<Arc<dyn Observer>>);

impl Observer for Observers {
    fn observe(&self, event: &Lifecycle<'_>) {
        for observer in &self.0 {
            observer.observe(event);
        }
    }
}

/// Writes what happens to the log: `debug` for each connection, `trace` for each message.
pub(crate) struct Log;

impl Observer for Log {
    fn observe(&self, event: &Lifecycle<'_>) {
        match event {
            Lifecycle::Refused {
                peer,
                status,
                reason,
            } => {
                tracing::debug!(%peer, status, reason, "handshake refused");
            }
            Lifecycle::Connected { connection, peer } => {
                tracing::debug!(%connection, %peer, "connected");
            }
            Lifecycle::Authenticated { connection, user } => {
                tracing::debug!(%connection, user, "authenticated");
            }
            Lifecycle::Joined { connection, room } => tracing::debug!(%connection, %room, "joined"),
            Lifecycle::Left { connection, room } => tracing::debug!(%connection, %room, "left"),
            Lifecycle::Published { connection, room } => {
                tracing::trace!(%connection, %room, "published");
            }
            Lifecycle::Ended(ending) => ending.log(),
        }
    }
}
