//! Who is present in a room.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::ConnectionId;

/// One connection that is present in a room. A user with two connections is two members.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// The connection.
    pub connection: ConnectionId,
    /// Whose connection it is.
    pub user: Arc<str>,
    /// What the user is called.
    pub name: Arc<str>,
    /// What it wants others to see: one JSON value.
    pub state: Option<Bytes>,
}

/// Shows who, never what it shows: payloads do not belong in logs.
impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.as_ref().map_or(0, Bytes::len);
        write!(
            f,
            "Member({} of {:?}, {state} bytes)",
            self.connection, self.user
        )
    }
}
