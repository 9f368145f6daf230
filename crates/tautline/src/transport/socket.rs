//! A connection's socket, shared by its driver, which reads, and its shard, which writes.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use socket2::SockRef;
use tautline_hub::Sink;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A TCP stream that was taken over from the handshake: the driver's side of it.
#[derive(Debug)]
pub(super) struct Socket {
    reader: OwnedReadHalf,
    writer: Rc<Writer>,
}

/// The shard's side.
#[derive(Debug)]
struct Writer(OwnedWriteHalf);

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        let writer = Rc::new(Writer(writer));
        Self { reader, writer }
    }

    /// Where the shard writes.
    pub(super) fn sink(&self) -> Rc<dyn Sink> {
        Rc::clone(&self.writer) as _
    }

    /// Reads what is there, once it is readable.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(context, buffer)
    }

    /// Whether the peer takes bytes again.
    pub(super) fn is_writable(&self, context: &mut Context<'_>) -> bool {
        self.reader.as_ref().poll_write_ready(context).is_ready()
    }

    /// Says that nothing more will be written; the peer can still be read.
    pub(super) fn finish(&self) {
        // If the peer is gone already, there is nobody to tell.
        drop(SockRef::from(self.reader.as_ref()).shutdown(Shutdown::Write));
    }
}

impl Sink for Writer {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [slice] => self.0.try_write(slice),
            slices => self.0.try_write_vectored(slices),
        }
    }
}
