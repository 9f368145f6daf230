//! The session of a connection that speaks v2: one machine, and the words it exchanges with its driver.
//!
//! It shares heartbeat, allowance and permissions with the session of v1, and nothing of either's course: here
//! everything begins with `hello`, several commands are on their way at once, and little ends the connection.

mod acks;
mod answers;
mod calls;
mod commands;
mod figures;
mod greeting;
mod output;
mod replies;
mod requests;
mod session;
mod telling;

pub use figures::Figures;
pub use output::{Ask, Begin, Call, Entered, Outcome, Output, Past, Placed, Reply, Ticket};
pub use session::{Accepted, Session};
