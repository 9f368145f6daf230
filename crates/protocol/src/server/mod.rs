//! The server's half of a connection: machines without socket, clock or chance.
//!
//! [`Session`] is the control plane of one connection: authentication, permissions, joins, limits,
//! heartbeat. What is published to its rooms passes it by. It never asks for anything: its driver
//! feeds it (`handle_*`), does what it says (`poll`) and wakes it (`next_timeout`).

mod heartbeat;
mod output;
mod permissions;
mod session;
mod settings;
pub mod v2;

pub use output::{Ask, Denied, Output, Reply};
pub use permissions::allows;
pub use session::Session;
pub use settings::{Now, Rates, Settings};
