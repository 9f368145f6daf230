//! How a stream of bytes to a server is got.

use std::fmt;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::endpoint::Endpoint;

/// A stream of bytes in both directions: a socket, a pipe, anything.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Some stream, whichever it is.
pub type BoxedStream = Box<dyn Stream>;

/// A stream that is being got. Dropping it gives up.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<BoxedStream>> + Send + 'a>>;

/// Gets streams to a server: [`Tcp`](crate::Tcp), or whatever an application brings, for
/// instance a Unix socket or a way through a proxy.
///
/// The stream is one over which HTTP is spoken at once: for a `wss` endpoint that is after the handshake of TLS,
/// for which there is [`Tls`](crate::Tls). The client asks for a new stream whenever it connects, and
/// gives up by dropping the future when that takes too long.
///
/// A closure is a connector too:
///
/// ```
/// use tautline_client::{Connector, Endpoint};
///
/// fn check(_: impl Connector) {}
/// check(|_endpoint: Endpoint| async {
///     let (ours, _theirs) = tokio::io::duplex(1024);
///     Ok(ours)
/// });
/// ```
pub trait Connector: Send + Sync + 'static {
    /// Begins to get a stream to `endpoint`.
    fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> Connecting<'a>;
}

impl<F, S, R> Connector for F
where
    F: Fn(Endpoint) -> R + Send + Sync + 'static,
    R: Future<Output = io::Result<S>> + Send + 'static,
    S: Stream,
{
    fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> Connecting<'a> {
        let stream = self(endpoint.clone());
        Box::pin(async move { Ok(Box::new(stream.await?) as BoxedStream) })
    }
}

impl fmt::Debug for dyn Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl fmt::Debug for dyn Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
