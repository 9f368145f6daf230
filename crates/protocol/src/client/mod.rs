//! The client's half of a connection: a machine without socket, clock or chance.
//!
//! [`Session`] outlives its connections. It says when to open one, greets on it, restores the rooms, finds out when it
//! is dead and when to come back, keeps publications until they are acknowledged, and delivers each message of a room
//! once, in order, or a gap. Its driver feeds it (`handle_*`), does what it says (`poll`) and wakes it
//! (`next_timeout`).

mod calls;
mod casts;
mod credentials;
mod ending;
mod line;
mod output;
mod publications;
mod retry;
mod room;
mod room_event;
mod rooms;
mod session;
mod settings;
mod terms;

pub use calls::{Answer, CallError, HistoryPage, Question};
pub use credentials::{Fetch, TokenFailure, TokenReason};
pub use ending::{Ending, EndingKind};
pub use line::Line;
pub use output::{ConnectionState, Output, Ticket};
pub use publications::{Acknowledged, Draft, PublishError};
pub use retry::{LOCAL_WINDOW, RETRY_FLOOR, Retry};
pub use room_event::{Cast, Gap, GapReason, PresenceEvent, RoomEvent, RoomStatus};
pub use rooms::{JoinError, Joining};
pub use session::Session;
pub use settings::{Program, QueueBounds, Settings, Timeouts};
