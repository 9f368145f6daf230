//! What networks do to connections, done on purpose: a proxy whose faults come from a script or a seed.
//!
//! A [`Plan`] says what happens to one connection; a [`Script`] gives each its plan. `shape` decides, without
//! I/O, when how many bytes of one direction pass and when it ends; `pipe` moves them, `proxy` has the
//! listener and the connections.

mod pipe;
mod plan;
mod proxy;
mod script;
mod shape;
mod tally;

#[cfg(test)]
mod tests;

pub use plan::{Direction, End, Plan};
pub use proxy::Proxy;
pub use script::Script;
pub use tally::{Kind, Tally};
