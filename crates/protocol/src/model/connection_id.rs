//! The identity of a connection.

use std::fmt;

/// The identity of one life of a node: drawn at random when the process starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(pub u32);

/// Names a connection in the whole cluster, and says where it is found.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// The node that owns it.
    pub node: NodeId,
    /// The shard of that node.
    pub shard: u16,
    /// Its place in the shard's table.
    pub slot: u32,
    /// Counts the shard's connections, so that a reused place is told from the one before.
    pub serial: u32,
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:08x}{:04x}{:08x}{:08x}",
            self.node.0, self.shard, self.slot, self.serial
        )
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
