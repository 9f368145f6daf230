//! How a connection ended. Every connection ends in exactly one.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tautline_hub::Traffic;
use tautline_protocol::model::ConnectionId;
use tautline_protocol::wire::{CloseCode, Retry};

/// How a connection ended, and all that is known of its last moments.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) connection: ConnectionId,
    /// Whose it was, if that was proved.
    pub(crate) user: Option<Arc<str>>,
    pub(crate) by: By,
    pub(crate) how: How,
    /// The close code that was sent or received.
    pub(crate) code: Option<u16>,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) times: Times,
    /// How many rooms it was in.
    pub(crate) rooms: usize,
    pub(crate) traffic: Traffic,
    /// How long the token would have held on.
    pub(crate) token_left: Option<Duration>,
    /// Whether the server was going away.
    pub(crate) draining: bool,
}

/// Who began the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Server,
    Client,
    /// Neither said a word: the peer, something between, or the network.
    Network,
}

/// What the end looked like on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    CloseFrame,
    /// TLS was closed (`close_notify`) without a close frame.
    CloseNotify,
    /// The stream ended without a close frame, and over TLS without its word that this is the end.
    Fin,
    /// The connection was reset, or writing to it failed.
    Reset,
}

/// Whether a client that ends like this does not come back by itself: it has left, or may not.
pub(crate) fn is_final(by: By, how: How, code: Option<u16>) -> bool {
    if how != How::CloseFrame {
        return false;
    }
    match by {
        By::Client => code.is_none_or(|code| code == CloseCode::Normal.number()),
        By::Server => CloseCode::all()
            .find(|known| Some(known.number()) == code)
            .is_some_and(|code| code.retry() == Retry::Never),
        By::Network => false,
    }
}

/// How long ago things were.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) age: Duration,
    pub(crate) since_read: Duration,
    pub(crate) since_write: Option<Duration>,
    pub(crate) since_ping: Option<Duration>,
    pub(crate) since_pong: Option<Duration>,
}

impl Ending {
    /// The reason, where it is ours: a client's is its application's business.
    pub(crate) fn told_reason(&self) -> Option<&str> {
        (self.by == By::Server).then_some(&*self.reason)
    }

    pub(crate) fn log(&self) {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(
            connection = %self.connection,
            user = self.user.as_deref(),
            by = ?self.by,
            how = ?self.how,
            code = self.code,
            reason = self.told_reason(),
            age_ms = ms(self.times.age),
            since_read_ms = ms(self.times.since_read),
            since_write_ms = self.times.since_write.map(ms),
            since_ping_ms = self.times.since_ping.map(ms),
            since_pong_ms = self.times.since_pong.map(ms),
            rooms = self.rooms,
            bytes_written = self.traffic.bytes_written,
            bytes_queued_peak = self.traffic.bytes_queued_peak,
            token_left_ms = self.token_left.map(ms),
            draining = self.draining,
            "ended"
        );
    }
}
