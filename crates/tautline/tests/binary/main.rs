//! The real binary, from outside: started as a process, spoken to over TCP, watched through its log.
//!
//! One program for all of it, so that it is linked once. Clippy knows tests by `cfg(test)`, which
//! always holds here.

#[cfg(test)]
mod acks;
#[cfg(test)]
mod api;
#[cfg(test)]
mod audit;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what comes besides what may come is all the same"
)]
mod client;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod cookies;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod durable;
#[cfg(test)]
mod grace;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod heartbeat;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod nginx;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod power;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod typed;
