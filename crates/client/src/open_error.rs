//! Why there is no connection.

use std::error::Error;
use std::io;

use crate::refusal::Refusal;

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The connector got no stream: the name is unknown, nobody listens there, or TLS failed.
    #[error("no stream to the server: {0}")]
    Connect(#[source] io::Error),
    /// The stream ended before the server had answered, or what it said is no HTTP.
    #[error("the server did not answer the handshake: {0}")]
    Http(#[source] Box<dyn Error + Send + Sync>),
    /// The server lets nobody in, and says why.
    #[error("the server refused the handshake with {0}")]
    Refused(Refusal),
    /// The server, or something before it, agreed to another thing than it was asked for.
    #[error("the answer to the handshake is wrong: {0}")]
    Upgrade(#[from] UpgradeFault),
    /// The system gives no random numbers, without which no WebSocket is safe.
    #[error("the system has no random numbers")]
    NoRandomness,
}

/// What is wrong with an answer that agrees to the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeFault {
    /// `Upgrade` is not `websocket`.
    #[error("it upgrades to something else than a WebSocket; see what is at that address")]
    Upgrade,
    /// `Connection` has no `upgrade`.
    #[error("its header Connection does not say upgrade; see whether a proxy removes it")]
    Connection,
    /// `Sec-WebSocket-Accept` does not belong to our key.
    #[error("it does not belong to this request; see whether a proxy answers from a cache")]
    Accept,
    /// No subprotocol is settled, or another one than was offered.
    #[error(
        "it has not settled on the subprotocol that was offered; see whether the server is one of Tautline with v2"
    )]
    Subprotocol,
    /// An extension is agreed, and none was offered.
    #[error("it agrees to an extension that was not offered; see whether a proxy adds one")]
    Extension,
}
