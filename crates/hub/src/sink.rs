//! Where bytes go.

use std::io::{self, IoSlice};

/// The writing end of a connection.
pub trait Sink {
    /// Writes as much as the peer takes now, and says how much that was.
    ///
    /// [`io::ErrorKind::WouldBlock`] means that the peer takes nothing now; the connection's driver
    /// then waits until it does and calls [`crate::Shard::writable`].
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Passes on what earlier writes took and what still waits inside the sink, as after encryption.
    ///
    /// Errors are those of [`Sink::try_write`]. A sink in which nothing waits has nothing to do.
    fn try_flush(&self) -> io::Result<()> {
        Ok(())
    }
}
