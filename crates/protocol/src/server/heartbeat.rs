//! When to ping, and when to give up.

use std::time::{Duration, Instant};

use super::Settings;

/// Finds dead peers. A ping goes out at a random point of an interval after the one before, so that
/// connections opened together do not ping together; no sign of life for a while after a ping
/// means that the peer is dead. It keeps no time of the last sign of life: only a ping asks for one.
#[derive(Debug)]
pub(super) struct Heartbeat {
    ping_at: Instant,
    /// Set from a ping to the next sign of life.
    dead_at: Option<Instant>,
    chance: u64,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing.
    Rest,
    /// Send a ping.
    Ping,
    /// Give up.
    Dead,
}

impl Heartbeat {
    /// The heartbeat of a connection opened now; `seed` decides its random points.
    pub(super) fn new(now: Instant, settings: &Settings, seed: u64) -> Self {
        let mut heartbeat = Self {
            ping_at: now,
            dead_at: None,
            chance: seed,
        };
        let interval = heartbeat.draw_interval(settings);
        heartbeat.ping_at += interval;
        heartbeat
    }

    /// The peer gave a sign of life.
    pub(super) fn handle_traffic(&mut self) {
        self.dead_at = None;
    }

    /// Time has passed. What had been read by now must have been reported before.
    pub(super) fn handle_timeout(&mut self, now: Instant, settings: &Settings) -> Beat {
        if self.dead_at.is_some_and(|at| at <= now) {
            return Beat::Dead;
        }
        if now < self.ping_at {
            return Beat::Rest;
        }
        self.ping_at = now + self.draw_interval(settings);
        // A later ping does not give more time to answer an earlier one.
        self.dead_at.get_or_insert(now + settings.dead_after);
        Beat::Ping
    }

    /// When `handle_timeout` has something to do.
    pub(super) fn next_timeout(&self) -> Instant {
        self.dead_at
            .map_or(self.ping_at, |dead_at| dead_at.min(self.ping_at))
    }

    fn draw_interval(&mut self, settings: &Settings) -> Duration {
        let (min, max) = settings.ping_every;
        let span = max.saturating_sub(min);
        min + span.mul_f64(self.draw())
    }

    /// A number from 0 to below 1 (SplitMix64: one word of state, and any seed is a good one).
    fn draw(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.chance;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let top = u32::try_from(bits >> 32).expect("half of 64 bits is 32");
        f64::from(top) / (f64::from(u32::MAX) + 1.0)
    }
}
