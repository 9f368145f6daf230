//! What waits to be written to a stream: frames, whole and in order, with a bound.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tautline_protocol::wire::v2::Encoding;
use tautline_websocket::client_frame;
use tokio::io::AsyncWrite as _;
use tokio::time::Instant;

use crate::connector::BoxedStream;

/// Why a message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PushError {
    /// As much waits as may: the peer takes nothing, or takes it slowly.
    #[error("too much waits to be written: try again when less is buffered")]
    Full,
    /// A close was queued, or the connection has ended.
    #[error("the connection is being closed")]
    Closing,
}

/// Frames that the stream has not taken.
pub(crate) struct Outgoing {
    bytes: BytesMut,
    bytes_max: usize,
    /// How many bytes the stream has taken since the beginning.
    written: u64,
    /// Whether the stream may hold what it has taken.
    needs_flush: bool,
    stalled_since: Option<Instant>,
    /// The payload of the last ping, while an answer to another one waits.
    owed_pong: Option<Vec<u8>>,
    /// Where the last answer to a ping ends, counted as `written` is.
    pong_end: u64,
    is_closing: bool,
}

impl Outgoing {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes: BytesMut::new(),
            bytes_max,
            written: 0,
            needs_flush: false,
            stalled_since: None,
            owed_pong: None,
            pong_end: 0,
            is_closing: false,
        }
    }

    /// Appends a message. One that is larger than the bound is taken alone.
    pub(crate) fn push(&mut self, message: &[u8], encoding: Encoding) -> Result<(), PushError> {
        if self.is_closing {
            return Err(PushError::Closing);
        }
        if !self.bytes.is_empty() && self.bytes.len() + message.len() > self.bytes_max {
            return Err(PushError::Full);
        }
        let frame = match encoding {
            Encoding::Json => client_frame::text(message, mask()),
            Encoding::MessagePack => client_frame::binary(message, mask()),
        };
        self.append(&frame);
        Ok(())
    }

    /// Answers a ping: at once, or when the answer to an earlier one is written. Of several that
    /// wait, only the last is answered, so that they cannot pile up.
    pub(crate) fn pong(&mut self, payload: &[u8]) {
        if !self.is_closing {
            self.owed_pong = Some(payload.to_vec());
            self.settle_pong();
        }
    }

    /// Appends a close, behind which nothing comes. The first is the only one.
    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        if !self.is_closing {
            self.owed_pong = None;
            self.is_closing = true;
            self.append(&client_frame::close(code, reason, mask()));
        }
    }

    /// Forgets what waits: nobody will take it.
    pub(crate) fn discard(&mut self) {
        self.is_closing = true;
        self.bytes = BytesMut::new();
        self.owed_pong = None;
        self.needs_flush = false;
        self.stalled_since = None;
    }

    /// How many bytes wait.
    pub(crate) fn buffered(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes the stream has taken since the beginning.
    #[cfg(test)]
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Since when something waits of which the stream takes nothing; none where nothing waits.
    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        self.stalled_since
    }

    /// Writes all that waits. What the stream has taken is counted at once, so that a poll that is the last
    /// loses nothing.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut BoxedStream,
    ) -> Poll<io::Result<()>> {
        while !self.bytes.is_empty() {
            let written = ready!(Pin::new(&mut *stream).poll_write(context, &self.bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.bytes.advance(written);
            self.written += written as u64;
            self.needs_flush = true;
            self.stalled_since = Some(Instant::now());
            self.settle_pong();
        }
        if self.needs_flush {
            self.bytes = BytesMut::new();
            ready!(Pin::new(stream).poll_flush(context))?;
            self.needs_flush = false;
            self.stalled_since = None;
        }
        Poll::Ready(Ok(()))
    }

    fn settle_pong(&mut self) {
        if self.written < self.pong_end {
            return;
        }
        if let Some(payload) = self.owed_pong.take() {
            self.append(&client_frame::pong(payload, mask()));
            self.pong_end = self.written + self.bytes.len() as u64;
        }
    }

    fn append(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
        self.stalled_since.get_or_insert_with(Instant::now);
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("buffered", &self.bytes.len())
            .field("written", &self.written)
            .field("stalled_since", &self.stalled_since)
            .field("is_closing", &self.is_closing)
            .finish_non_exhaustive()
    }
}

/// A mask is fresh for each frame, and nobody can foretell it (RFC 6455, section 10.3).
fn mask() -> [u8; 4] {
    getrandom::u32()
        .expect("the handshake has drawn random numbers before")
        .to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mask_comes_twice() {
        let mut outgoing = Outgoing::new(1000);
        for _ in 0..3 {
            outgoing.push(b"{}", Encoding::Json).unwrap();
        }
        let masks: Vec<_> = outgoing.bytes.chunks(8).map(|frame| &frame[2..6]).collect();
        assert_eq!(masks.len(), 3);
        assert!(masks[0] != masks[1] || masks[1] != masks[2]);
    }
}
