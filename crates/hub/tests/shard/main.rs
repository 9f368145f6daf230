//! A shard from outside: the real memory engine on one side, peers that can be blocked, narrowed
//! and broken on the other, and time that stands still while anybody has something to do.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod acks;
mod casts;
mod census;
mod counting;
mod delayed;
mod gaps;
mod history;
mod house;
mod interleaving;
mod joining;
mod latest;
mod limits;
mod order;
mod peer;
mod presence;
mod timers;
mod turns;
