//! A connection's socket, with TLS or without: first the handshake's, then shared by the connection's
//! driver, which reads, and its shard, which writes.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tautline_hub::Sink;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::tls::{Buffers, Tls, WRITE_BYTES_MAX};

/// The driver's side.
pub(super) struct Socket {
    reader: OwnedReadHalf,
    writer: Rc<Writer>,
}

/// The shard's side.
struct Writer {
    half: OwnedWriteHalf,
    secure: Option<Box<Secure>>,
}

struct Secure {
    tls: RefCell<Tls>,
    buffers: Rc<RefCell<Buffers>>,
}

impl Socket {
    pub(super) fn plain(stream: TcpStream) -> Self {
        Self::new(stream, None)
    }

    pub(super) fn secure(stream: TcpStream, tls: Tls, buffers: Rc<RefCell<Buffers>>) -> Self {
        let tls = RefCell::new(tls);
        Self::new(stream, Some(Box::new(Secure { tls, buffers })))
    }

    fn new(stream: TcpStream, secure: Option<Box<Secure>>) -> Self {
        let (reader, half) = stream.into_split();
        let writer = Rc::new(Writer { half, secure });
        Self { reader, writer }
    }

    /// Where the shard writes.
    pub(super) fn sink(&self) -> Rc<dyn Sink> {
        Rc::clone(&self.writer) as _
    }

    /// Shakes hands over TLS, if this is TLS.
    pub(super) async fn shake_hands(&mut self) -> io::Result<()> {
        let shaken = poll_fn(|context| self.poll_handshake(context)).await;
        if shaken.is_err() {
            // The peer hears why, if it listens.
            drop(self.writer.flush());
        }
        shaken
    }

    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let writer = Rc::clone(&self.writer);
        let Some(secure) = &writer.secure else {
            return Poll::Ready(Ok(()));
        };
        loop {
            ready!(writer.poll_flush(context))?;
            if !secure.tls.borrow().is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            // What follows the handshake at once is kept for whoever reads next.
            let mut nothing = ReadBuf::new(&mut []);
            if ready!(self.poll_receive(secure, context, &mut nothing))? == 0 {
                let left = io::Error::new(io::ErrorKind::UnexpectedEof, "the client left");
                return Poll::Ready(Err(left));
            }
            secure.tls.borrow().check()?;
        }
    }

    /// Reads what is there, once it is readable. Nothing means that the peer sends no more.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let writer = Rc::clone(&self.writer);
        let Some(secure) = &writer.secure else {
            return Pin::new(&mut self.reader).poll_read(context, buffer);
        };
        // What reading made us answer must leave too, also when nobody writes.
        if let Poll::Ready(Err(error)) = writer.poll_flush(context) {
            return Poll::Ready(Err(error));
        }
        if secure.tls.borrow_mut().take(buffer)?
            || ready!(self.poll_receive(secure, context, buffer))? == 0
        {
            return Poll::Ready(Ok(()));
        }
        // An error is told by the next read, behind what came before it.
        drop(writer.flush());
        if buffer.filled().is_empty() {
            // Records may carry nothing, one after another without end: others get their turn.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads records and decrypts them; says how many bytes were read.
    fn poll_receive(
        &mut self,
        secure: &Secure,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut buffers = secure.buffers.borrow_mut();
        let mut tls = secure.tls.borrow_mut();
        let held = tls.held();
        let mut records = ReadBuf::new(&mut buffers.full().incoming);
        records.advance(held);
        ready!(Pin::new(&mut self.reader).poll_read(context, &mut records))?;
        let read = records.filled().len() - held;
        if read > 0 {
            tls.receive(records.filled_mut(), buffer);
        }
        Poll::Ready(Ok(read))
    }

    /// Whether the peer said over TLS that it sends no more.
    pub(super) fn is_closed_by_notice(&self) -> bool {
        let secure = self.writer.secure.as_ref();
        secure.is_some_and(|secure| secure.tls.borrow().is_closed())
    }

    /// Whether the peer takes bytes again.
    pub(super) fn is_writable(&self, context: &mut Context<'_>) -> bool {
        self.reader.as_ref().poll_write_ready(context).is_ready()
    }

    /// Says that nothing more will be written, once the peer has taken all; the peer can still be read.
    pub(super) fn poll_finish(&self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(secure) = &self.writer.secure {
            secure.tls.borrow_mut().close();
            // If the peer is gone already, there is nobody to tell.
            drop(ready!(self.writer.poll_flush(context)));
        }
        drop(SockRef::from(self.reader.as_ref()).shutdown(Shutdown::Write));
        Poll::Ready(())
    }
}

impl Writer {
    /// Writes the records that wait, or says that the peer takes no more now.
    fn flush(&self) -> io::Result<()> {
        let Some(secure) = &self.secure else {
            return Ok(());
        };
        let mut tls = secure.tls.borrow_mut();
        while !tls.outgoing().is_empty() {
            match self.half.try_write(tls.outgoing()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => tls.sent(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.flush() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.half.as_ref().poll_write_ready(context))?;
                }
                flushed => return Poll::Ready(flushed),
            }
        }
    }

    fn try_write_plain(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [slice] => self.half.try_write(slice),
            slices => self.half.try_write_vectored(slices),
        }
    }
}

impl Secure {
    /// Seals as much as one write takes, in as few records as that needs. What was sealed is written:
    /// if the socket does not take it now, it waits here.
    fn seal(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut buffers = self.buffers.borrow_mut();
        let Buffers {
            gathered, sealed, ..
        } = buffers.full();
        let mut tls = self.tls.borrow_mut();
        let plain = match slices {
            [slice] => slice.get(..WRITE_BYTES_MAX).unwrap_or(slice),
            slices => {
                gathered.clear();
                for slice in slices {
                    let room = WRITE_BYTES_MAX - gathered.len();
                    gathered.extend_from_slice(slice.get(..room).unwrap_or(slice));
                }
                gathered
            }
        };
        let length = tls.seal(plain, sealed)?;
        tls.keep(sealed.get(..length).unwrap_or_default());
        Ok(plain.len())
    }
}

impl Sink for Writer {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(secure) = &self.secure else {
            return self.try_write_plain(slices);
        };
        self.flush()?;
        let sealed = secure.seal(slices)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(sealed),
        }
    }

    fn try_flush(&self) -> io::Result<()> {
        self.flush()
    }
}

/// The handshake reads and writes by these.
impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Self::poll_read(&mut self, context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.writer.try_write(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.writer.half.as_ref().poll_write_ready(context))?;
                }
                written => return Poll::Ready(written),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Wake, Waker};

    use rustls::{ClientConnection, ContentType};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::transport::tls::SEAL_BYTES_MAX;
    use crate::transport::tls::tests::{Forger, connected};

    /// More than the sockets take.
    const WRITES_MAX: usize = 2000;

    /// A socket behind its handshake, and the peer's side of both.
    async fn pair() -> (Socket, TcpStream, ClientConnection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (peer, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (client, tls) = connected();
        let socket = Socket::secure(accepted.unwrap().0, tls, Rc::default());
        (socket, peer.unwrap(), client)
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn records_that_carry_nothing_are_not_read_on_and_on() {
        let (mut socket, mut peer, client) = pair().await;
        let mut forger = Forger::new(client);
        let nothing = forger.record(ContentType::ApplicationData, b"");
        peer.write_all(&nothing).await.unwrap();
        socket.reader.as_ref().readable().await.unwrap();
        let (mut bytes, woken) = ([0; 100], Arc::<Woken>::default());
        let mut buffer = ReadBuf::new(&mut bytes);
        let waker = Waker::from(Arc::clone(&woken));
        let read = socket.poll_read(&mut Context::from_waker(&waker), &mut buffer);
        assert!(read.is_pending(), "others get their turn");
        assert!(woken.0.load(Ordering::Relaxed), "and then this one again");
        let hello = forger.record(ContentType::ApplicationData, b"hello");
        peer.write_all(&hello).await.unwrap();
        let read = poll_fn(|context| socket.poll_read(context, &mut buffer)).await;
        read.unwrap();
        assert_eq!(buffer.filled(), b"hello");
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_makes_us_hold_one_write() {
        let (socket, peer, _client) = pair().await;
        socket.reader.as_ref().writable().await.unwrap();
        let sink = socket.sink();
        let bytes = vec![0; 3 * WRITE_BYTES_MAX];
        let mut writes =
            (0..WRITES_MAX).map(|_| sink.try_write(&[IoSlice::new(&bytes), IoSlice::new(&bytes)]));
        let blocked = writes.find_map(|written| match written {
            Ok(taken) => (taken != WRITE_BYTES_MAX).then_some(io::ErrorKind::Other),
            Err(error) => Some(error.kind()),
        });
        assert_eq!(blocked, Some(io::ErrorKind::WouldBlock));
        assert_eq!(
            sink.try_flush().unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        let secure = socket.writer.secure.as_ref().unwrap();
        let holds = secure.tls.borrow().outgoing().len();
        assert!((1..=WRITE_BYTES_MAX + SEAL_BYTES_MAX).contains(&holds));
        drop(peer);
    }
}
