//! The nouns. Each is parsed once, at the edge, and trusted ever after.
//!
//! Nothing here knows how a noun travels: that is [`crate::wire`].

mod chance;
mod connection_id;
mod event_name;
mod gap;
mod identity;
mod member;
mod position;
mod publication;
mod rate;
mod room_name;
mod rule;

pub use chance::Chance;
pub use connection_id::{ConnectionId, NodeId};
pub use event_name::{EventName, InvalidEventName};
pub use gap::{Gap, GapReason};
pub use identity::{Action, Actions, Grant, Identity};
pub use member::Member;
pub use position::{Epoch, Position, PublicationId};
pub use publication::{Publication, Timestamp};
pub use rate::{Bucket, Rate};
pub use room_name::{InvalidRoomName, RoomName};
pub use rule::{Acks, Pattern, Retention, RoomRule, Rules, SlowConsumers};
