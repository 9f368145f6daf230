//! The judge of delivery: what may happen to a connection, and whether what clients saw is what was promised.
//!
//! `fault` is a proxy between clients and the server that does to connections what networks do. `history` is
//! what clients did and saw, and the proof that nothing was lost, repeated or moved without a word. Neither
//! knows how the server works; the checker knows no socket.

pub mod fault;
pub mod history;
