//! What happens to connections, and what operators do: one stream of events, and the only way to observe them.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use tautline_engine::Published;
use tautline_protocol::model::{ConnectionId, EventName, RoomName};
use tautline_protocol::wire::Refusal;

use crate::cause::Cause;
use crate::ending::Ending;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Lifecycle<'a> {
    /// A handshake was refused.
    Refused {
        /// Who came; behind a proxy that is not trusted to tell, the proxy.
        from: IpAddr,
        /// Why.
        cause: Cause,
        /// The status of the answer; none if the connection was closed without one.
        status: Option<StatusCode>,
        /// Why, in words; a part may be the peer's.
        detail: &'a str,
    },
    /// A connection began.
    Connected {
        /// Its name.
        connection: ConnectionId,
        /// Who came.
        from: IpAddr,
    },
    /// A connection proved whose it is.
    Authenticated(Party<'a>),
    /// A connection was refused something.
    Denied(Party<'a>, &'a Refusal),
    /// A connection became a member of a room.
    Joined(Party<'a>, &'a RoomName),
    /// A connection left a room. One that ends leaves its rooms without a word.
    Left(Party<'a>, &'a RoomName),
    /// A connection published.
    Published(Party<'a>, &'a Release<'a>),
    /// A connection ended.
    Ended(&'a Ending),
    /// An operator, or a back end, did something.
    Operated {
        /// Whose key it was: the key's id.
        operator: &'a str,
        /// What was done.
        act: Act<'a>,
    },
}

/// What an operator, or a back end, did.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act<'a> {
    /// Published to a room.
    Publish(&'a Release<'a>),
    /// Ended a connection.
    Disconnect(ConnectionId),
}

impl Act<'_> {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Publish(_) => "publish",
            Self::Disconnect(_) => "disconnect",
        }
    }

    /// What it was done to.
    fn target(&self) -> &dyn fmt::Display {
        match self {
            Self::Publish(release) => release.room,
            Self::Disconnect(connection) => connection,
        }
    }
}

/// A connection, and whose it is if that was proved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Party<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) user: Option<&'a Arc<str>>,
}

/// What was published, and the place that it got.
pub(crate) struct Release<'a> {
    pub(crate) room: &'a RoomName,
    pub(crate) event: &'a EventName,
    pub(crate) data: &'a Bytes,
    /// In whose name.
    pub(crate) user: Option<&'a Arc<str>>,
    pub(crate) published: Published,
}

/// Never shows what was published.
impl fmt::Debug for Release<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.event.as_str();
        let (room, offset) = (self.room, self.published.position.offset);
        write!(
            f,
            "{event} at {offset} in {room}, {} bytes",
            self.data.len()
        )
    }
}

/// Who wants to know what happens. Called on the shards' threads: never waits.
pub(crate) trait Observer: Send + Sync {
    /// Takes note of an event.
    fn observe(&self, event: &Lifecycle<'_>);
}

/// All who observe, one after another.
#[derive(Clone)]
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
                from,
                cause,
                status,
                detail,
            } => {
                let status = status.map(|status| status.as_u16());
                tracing::debug!(%from, cause = cause.name(), status, detail, "handshake refused");
            }
            Lifecycle::Connected { connection, from } => {
                tracing::debug!(%connection, %from, "connected");
            }
            Lifecycle::Authenticated(Party { connection, user }) => {
                let user = user.map(|user| &**user);
                tracing::debug!(%connection, user, "authenticated");
            }
            Lifecycle::Denied(Party { connection, user }, refusal) => {
                let user = user.map(|user| &**user);
                let room = refusal.room().map(tracing::field::display);
                tracing::debug!(%connection, user, refusal = refusal.name(), room, "denied");
            }
            Lifecycle::Joined(Party { connection, .. }, room) => {
                tracing::debug!(%connection, %room, "joined");
            }
            Lifecycle::Left(Party { connection, .. }, room) => {
                tracing::debug!(%connection, %room, "left");
            }
            Lifecycle::Published(Party { connection, .. }, release) => {
                tracing::trace!(%connection, release = ?release, "published");
            }
            Lifecycle::Ended(ending) => ending.log(),
            Lifecycle::Operated { operator, act } => {
                tracing::info!(operator, act = act.name(), target = %act.target(), "operated");
            }
        }
    }
}
