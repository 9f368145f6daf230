//! The judge of delivery: what may happen to a connection, and whether what clients saw is what was promised.
//!
//! `fault` is a proxy between clients and the server that does to connections what networks do. `history` is
//! what clients did and saw, and the proof that nothing was lost, repeated or moved without a word. Neither
//! knows how the server works; the checker knows no socket.
//!
//! `crowd` holds its rooms over the proxy and writes down its histories, `server` is the real one and is killed
//! now and then, and `prove` puts all of them together.

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what a server says besides what it may say is all the same"
)]
pub mod crowd;
pub mod fault;
pub mod history;
pub mod prove;
pub mod server;
