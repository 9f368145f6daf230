//! The nouns of Tautline, its wire, and both halves of a connection.
//!
//! - [`model`]: rooms, publications, positions, members, identities.
//! - [`wire`]: the nouns as bytes, one dialect per protocol version.
//! - [`server`]: the session of one connection, a machine.
//! - [`client`]: the session that outlives its connections, a machine too.
//!
//! Nothing here does I/O, reads a clock or draws a random number: time and chance are arguments.
//! Parsing never panics.

pub mod client;
pub mod model;
pub mod server;
pub mod wire;
