//! Who is present in a room.

use std::sync::Arc;

use super::ConnectionId;

/// One connection that is present in a room. A user with two connections is two members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The connection.
    pub connection: ConnectionId,
    /// Whose connection it is.
    pub user: Arc<str>,
    /// What the user is called.
    pub name: Arc<str>,
}
