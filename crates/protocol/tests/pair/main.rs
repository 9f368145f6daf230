//! Both halves of protocol v2 back to back, over a network that loses and delays, against a clock that nobody waits for.
//!
//! Each run follows from its seed. `PAIR_RUNS` says how many there are, `PAIR_SEED` plays one of them again.

#[cfg(test)]
mod desk;
#[cfg(test)]
mod dice;
#[cfg(test)]
mod house;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod link;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod program;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod trace;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod world;
