//! Who is where, who gets what, how fast: shards, rooms, fan-out and outboxes.
//!
//! A [`Shard`] belongs to one thread and is the only one to touch its connections, its rooms' lists
//! of subscribers and their heads, so nothing here is locked. It hears of publications from the
//! engine alone, also of those that its own connections made: one way, one order.
//!
//! The hub writes through [`Sink`] and has bytes made by [`Encode`]. It knows no socket, no HTTP, no
//! TLS, no token, and no frame.

mod casts;
mod census;
mod connection;
mod encode;
mod events;
mod fanout;
mod flush;
mod follow;
mod histogram;
mod ledger;
mod memory;
mod newest;
mod outbox;
mod owing;
mod room;
mod shard;
mod sink;
mod stats;
mod subscription;
mod wheel;

pub use census::{RoomSight, Seen, Sight, Wanted};
pub use connection::{Closing, Manner, OnGap, Wake};
pub use encode::{Encode, Variant};
pub use follow::{Joined, PageMax, Parting, Resumed};
pub use histogram::{BOUNDS, Histogram, Spread};
pub use memory::Memory;
pub use outbox::{OutboxLimits, Traffic};
pub use shard::{Shard, ShardLimits};
pub use sink::Sink;
pub use stats::Stats;
