//! The Rust client of Tautline.
//!
//! It has three layers, each of which knows only those below it: the *link* is one WebSocket connection that
//! carries whole messages; the *driver* is the task that owns the links and the client's machine of
//! `tautline_protocol`, and does what that says; the *client* is what an application holds.
//!
//! Here are the parts of the link that an application sees: where a server is ([`Endpoint`]), how a
//! stream to it is got ([`Connector`], [`Tcp`], [`Tls`]), what the handshake says besides
//! ([`Headers`]), and why it failed ([`OpenError`]).
//!
//! What never lives here: when to connect, what to send, and when to give up; the machine decides that.

mod connector;
mod ended;
mod endpoint;
mod handshake;
mod headers;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the driver, which uses the link, comes next")
)]
mod link;
mod open_error;
mod outgoing;
mod refusal;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;

pub use connector::{BoxedStream, Connecting, Connector, Stream};
pub use ended::{EndKind, Ended};
pub use endpoint::{Endpoint, EndpointError};
pub use headers::{HeaderError, Headers};
pub use open_error::{OpenError, UpgradeFault};
pub use refusal::Refusal;
pub use tcp::Tcp;
pub use tls::Tls;
