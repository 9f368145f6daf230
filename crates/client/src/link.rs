//! One WebSocket connection that carries whole messages.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tautline_protocol::wire::v2::Encoding;
use tautline_websocket::{Decoder, Event, Inflater, Input, Role};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::connector::{BoxedStream, Connector};
use crate::ended::Ended;
use crate::endpoint::Endpoint;
use crate::handshake::{Upgraded, upgrade};
use crate::headers::Headers;
use crate::open_error::OpenError;
use crate::outgoing::{Outgoing, PushError};

/// So many bytes are read at once.
const READ_BYTES_MAX: usize = 8 * 1024;
/// How long the server is given to take our answer to its close, or to what it may not send.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(1);

/// The codes of RFC 6455, section 7.4.1, that the link says itself: "normal", where the server gave none, and "cannot accept".
const NORMAL: u16 = 1000;
const UNSUPPORTED: u16 = 1003;

/// What may wait in a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Of the server's frames and messages.
    pub(crate) incoming: tautline_websocket::Limits,
    /// So many bytes of messages wait to be written; a larger message waits alone.
    pub(crate) write_bytes_max: usize,
}

impl Default for Limits {
    /// 32 MiB for a message of the server's, twice the largest that it can be configured for; 256 KiB of ours.
    fn default() -> Self {
        const MESSAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
        Self {
            incoming: tautline_websocket::Limits {
                frame_bytes_max: MESSAGE_BYTES_MAX,
                message_bytes_max: MESSAGE_BYTES_MAX,
                fragments_max: 1024,
            },
            write_bytes_max: 256 * 1024,
        }
    }
}

/// What came. Anything is a sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A whole message, in the link's encoding.
    Message(Vec<u8>),
    /// Bytes that are no message, or not yet.
    Traffic,
}

/// A connection after its handshake. It has one owner, who calls [`poll_next`](Self::poll_next) again and again: all reading
/// and all writing happens there.
///
/// It has no deadlines of its own: the owner gives up by dropping it, on silence, when
/// [`stalled_since`](Self::stalled_since) is too long ago, and when no answer comes to a close.
pub(crate) struct Link {
    stream: BoxedStream,
    encoding: Encoding,
    decoder: Decoder,
    inflater: Inflater,
    /// What was read and is not yet decoded.
    unread: BytesMut,
    /// Whether something was read of which the owner has not been told.
    has_news: bool,
    outgoing: Outgoing,
    /// Why nothing more can be written. What was sent before may still be read.
    write_error: Option<io::Error>,
    ended: Option<Ended>,
    /// Runs while the last words are written.
    farewell: Option<Pin<Box<Sleep>>>,
}

/// What the decoder hears, with its own memory.
enum Heard {
    Message(Vec<u8>),
    WrongKind,
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>, String),
}

impl Link {
    /// Connects and shakes hands. The owner drops the future when that takes too long, which closes everything.
    pub(crate) async fn open(
        connector: &dyn Connector,
        endpoint: &Endpoint,
        headers: &Headers,
        encoding: Encoding,
        limits: Limits,
    ) -> Result<Self, OpenError> {
        let stream = connector
            .connect(endpoint)
            .await
            .map_err(OpenError::Connect)?;
        let Upgraded { stream, early } = upgrade(stream, endpoint, headers, encoding).await?;
        Ok(Self {
            stream,
            encoding,
            decoder: Decoder::new(Role::Client, limits.incoming, None),
            inflater: Inflater::default(),
            has_news: !early.is_empty(),
            unread: early.into(),
            outgoing: Outgoing::new(limits.write_bytes_max),
            write_error: None,
            ended: None,
            farewell: None,
        })
    }

    /// Queues a message of the link's encoding; in JSON it must be UTF-8. Never waits.
    pub(crate) fn push(&mut self, message: &[u8]) -> Result<(), PushError> {
        self.outgoing.push(message, self.encoding)
    }

    /// Queues a close behind what waits. Messages may still come, until [`poll_next`](Self::poll_next) yields the end.
    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        self.outgoing.close(code, reason);
    }

    /// How many bytes wait to be written.
    pub(crate) fn buffered(&self) -> usize {
        self.outgoing.buffered()
    }

    /// How many bytes the stream has taken since the handshake.
    #[cfg(test)]
    pub(crate) fn written(&self) -> u64 {
        self.outgoing.written()
    }

    /// Since when something waits of which the stream takes nothing; none where nothing waits.
    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        self.outgoing.stalled_since()
    }

    /// Waits for what comes.
    #[cfg(test)]
    pub(crate) async fn next(&mut self) -> Result<Incoming, Ended> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// Writes what waits, and looks for what has come. Pings are answered within. After an end there is the same end
    /// again.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Incoming, Ended>> {
        loop {
            if let Some(ended) = &self.ended {
                let ended = ended.clone();
                ready!(self.poll_farewell(context));
                return Poll::Ready(Err(ended));
            }
            // A stream that takes nothing is nothing to wait for: reading goes on.
            if let Poll::Ready(Err(error)) = self.outgoing.poll_write(context, &mut self.stream) {
                self.outgoing.discard();
                self.write_error = Some(error);
            }
            if let Some(message) = self.decode() {
                self.has_news = false;
                return Poll::Ready(Ok(Incoming::Message(message)));
            }
            if self.ended.is_some() {
                continue;
            }
            if self.has_news {
                self.has_news = false;
                return Poll::Ready(Ok(Incoming::Traffic));
            }
            match self.poll_read(context) {
                Poll::Ready(Ok(0)) => self.end(Ended::eof()),
                Poll::Ready(Ok(_)) => self.has_news = true,
                Poll::Ready(Err(error)) => self.end(Ended::failed(&error)),
                Poll::Pending => match &self.write_error {
                    Some(error) => self.end(Ended::failed(error)),
                    None => return Poll::Pending,
                },
            }
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [0; READ_BYTES_MAX];
        let mut chunk = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut chunk))?;
        self.unread.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(chunk.filled().len()))
    }

    /// The next message of what was read. Everything else is dealt with here, and an end is set.
    fn decode(&mut self) -> Option<Vec<u8>> {
        while !self.unread.is_empty() {
            let mut input = Input::new(&mut self.unread);
            let event = self.decoder.next(&mut input, &mut self.inflater);
            let heard = event.map(|event| event.map(|event| Heard::new(event, self.encoding)));
            let rest = input.rest().len();
            self.unread.advance(self.unread.len() - rest);
            match heard {
                Ok(Some(Heard::Message(message))) => return Some(message),
                Ok(Some(Heard::Ping(payload))) => self.outgoing.pong(&payload),
                Ok(Some(Heard::Pong) | None) => {}
                Ok(Some(Heard::Close(code, reason))) => {
                    self.take_leave(code.unwrap_or(NORMAL), "", Ended::closed(code, reason));
                }
                Ok(Some(Heard::WrongKind)) => {
                    let reason = "the other kind of frame than the subprotocol's";
                    self.take_leave(UNSUPPORTED, reason, Ended::violation(UNSUPPORTED, reason));
                }
                Err(violation) => {
                    let (code, reason) = (violation.close_code(), violation.reason());
                    self.take_leave(code, reason, Ended::violation(code, reason));
                }
            }
        }
        self.unread = BytesMut::new();
        None
    }

    /// Ends, and answers with a close if none was sent. Nothing is read any more.
    fn take_leave(&mut self, code: u16, reason: &str, ended: Ended) {
        self.unread = BytesMut::new();
        self.outgoing.close(code, reason);
        self.ended = Some(ended);
        self.farewell = Some(Box::pin(sleep(FAREWELL_PATIENCE)));
    }

    /// Ends at once: nobody is there to be told.
    fn end(&mut self, ended: Ended) {
        self.outgoing.discard();
        self.ended = Some(ended);
    }

    /// Writes what is left and closes the stream, as long as there is patience.
    fn poll_farewell(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(patience) = &mut self.farewell else {
            return Poll::Ready(());
        };
        let is_said = match self.outgoing.poll_write(context, &mut self.stream) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.stream).poll_shutdown(context).is_ready(),
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if !is_said {
            ready!(patience.as_mut().poll(context));
        }
        self.farewell = None;
        self.outgoing.discard();
        Poll::Ready(())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("encoding", &self.encoding)
            .field("outgoing", &self.outgoing)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Heard {
    fn new(event: Event<'_>, encoding: Encoding) -> Self {
        match (event, encoding) {
            (Event::Text(text), Encoding::Json) => Self::Message(text.as_bytes().to_vec()),
            (Event::Binary(bytes), Encoding::MessagePack) => Self::Message(bytes.to_vec()),
            (Event::Text(_) | Event::Binary(_), _) => Self::WrongKind,
            (Event::Ping(payload), _) => Self::Ping(payload.to_vec()),
            (Event::Pong(_), _) => Self::Pong,
            (Event::Close { code, reason }, _) => Self::Close(code, reason.to_owned()),
        }
    }
}
