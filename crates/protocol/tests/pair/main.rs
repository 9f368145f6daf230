//! Both halves of protocol v2 back to back, over a network that loses and delays, against a clock that nobody waits for.
//!
//! Each run follows from its seed. `PAIR_RUNS` says how many there are, `PAIR_SEED` plays one of them again.

mod desk;
mod dice;
mod house;
mod judge;
mod link;
mod plan;
mod program;
mod trace;
mod trouble;
mod world;

#[cfg(test)]
mod runs;
