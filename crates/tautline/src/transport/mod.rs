//! Sockets: from accepting them, over the handshake, to the last byte.
//!
//! [`Worker`] is what the connections of one shard share. A socket is handed to the worker of its
//! shard, which owns it from then on: the handshake ([`handshake`]), the connection's driver
//! ([`connection`]) with the session of its version ([`dialogue`]), and the way out ([`socket`], [`tls`], [`encoder`]). Knows nothing of the HTTP interface
//! for operators.

mod admission;
mod calls;
mod client;
mod connection;
mod dialogue;
mod encoder;
mod entrance;
mod envelope;
mod handshake;
mod http;
mod origin;
mod socket;
mod stay;
mod tls;
mod worker;

pub(crate) use encoder::Encoder;
use envelope::Asker;
pub(crate) use http::answer;
pub(crate) use origin::Origins;
use stay::Stay;
pub(crate) use worker::{Arrival, Intake, Shared, Worker};
