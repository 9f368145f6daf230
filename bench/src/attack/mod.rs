//! What others notice of an attack: their latency and the server's memory, as ratios to what they
//! were in the same run before it began.
//!
//! A crowd of bystanders talks all the time; a raid is a thread of its own that does one thing
//! again and again, at a bounded rate. The server has the limits of a production configuration.

mod address;
mod arms;
mod crowd;
mod fate;
mod foe;
mod moves;
mod plan;
mod raid;
mod row;
mod trial;

pub(crate) use address::of_bystander;
pub(crate) use plan::{ALL, Plan};
pub(crate) use row::{MEMORY_RATIO_MAX, P99_RATIO_MAX, P99_UNNOTICED, Row};
pub(crate) use trial::{Spell, judge};
