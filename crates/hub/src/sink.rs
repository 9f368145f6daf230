//! Where bytes go.

use std::io::{self, IoSlice};

/// The writing end of a connection.
pub trait Sink {
    /// Writes as much as the peer takes now, and says how much that was.
    ///
    /// [`io::ErrorKind::WouldBlock`] means that the peer takes nothing now; the connection's driver
    /// then waits until it does and calls [`crate::Shard::writable`].
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;
}
