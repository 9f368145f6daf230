//! The Tautline server: sockets, HTTP, tokens, configuration, and the life of the process.
//!
//! [`serve()`] alone knows all parts. `transport` knows sockets and frames, `auth` tokens, `config`
//! the file; none of them knows another but for `transport`, which asks `auth`.

mod admin;
mod api;
mod audit;
mod auth;
mod cause;
mod certificate;
pub mod cli;
mod color;
mod config;
mod ending;
mod inquiry;
mod lifecycle;
mod limits;
mod logging;
mod metrics;
mod page;
mod pages;
mod panics;
mod plain;
mod problem;
mod rlimits;
mod serve;
mod store;
mod tell;
mod terminal;
mod terms;
mod transport;

pub use audit::run as audit;
pub use serve::serve;
pub use store::run as store;
pub use tell::{completions, config, explain, key, token};
pub use terminal::{members, publish, request, subscribe};
