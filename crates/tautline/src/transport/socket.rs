//! A connection's socket, shared by its driver, which reads, and its shard, which writes.

use std::io::{self, IoSlice};
use std::net::Shutdown;

use socket2::SockRef;
use tautline_hub::Sink;
use tokio::net::tcp::OwnedWriteHalf;

/// The writing end of a TCP stream that was taken over from the handshake.
#[derive(Debug)]
pub(super) struct Socket(OwnedWriteHalf);

impl Socket {
    pub(super) fn new(writer: OwnedWriteHalf) -> Self {
        Self(writer)
    }

    /// Says that nothing more will be written; the peer can still be read.
    pub(super) fn finish(&self) {
        // If the peer is gone already, there is nobody to tell.
        drop(SockRef::from(self.0.as_ref()).shutdown(Shutdown::Write));
    }
}

impl Sink for Socket {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [slice] => self.0.try_write(slice),
            slices => self.0.try_write_vectored(slices),
        }
    }
}
