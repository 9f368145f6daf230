//! When to ping, and when to give up.

use std::time::{Duration, Instant};

use super::Settings;
use crate::model::Chance;

/// Finds dead peers. A ping goes out at a random point of an interval after the one before, so that
/// connections opened together do not ping together; no sign of life for a while after a ping
/// means that the peer is dead. It keeps no time of the last sign of life: only a ping asks for one.
#[derive(Debug)]
pub(super) struct Heartbeat {
    ping_at: Instant,
    /// Set from a ping to the next sign of life.
    dead_at: Option<Instant>,
    chance: Chance,
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
            chance: Chance::new(seed),
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

    /// The peer is not given up yet: its signs of life may have been kept back unread.
    pub(super) fn postpone(&mut self, now: Instant, settings: &Settings) {
        self.dead_at = Some(now + settings.dead_after);
    }

    /// When `handle_timeout` has something to do.
    pub(super) fn next_timeout(&self) -> Instant {
        self.dead_at
            .map_or(self.ping_at, |dead_at| dead_at.min(self.ping_at))
    }

    fn draw_interval(&mut self, settings: &Settings) -> Duration {
        let (min, max) = settings.ping_every;
        self.chance.between(min, max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and there is no other way to get one"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn pings_come_at_random_points_of_the_interval() {
        let settings = Settings::default();
        let start = start();
        let mut points = Vec::new();
        for seed in 0..100 {
            let mut heartbeat = Heartbeat::new(start, &settings, seed);
            let mut last = start;
            for _ in 0..20 {
                let at = heartbeat.next_timeout();
                assert!((20 * SECOND..25 * SECOND).contains(&(at - last)));
                assert_eq!(heartbeat.handle_timeout(at, &settings), Beat::Ping);
                heartbeat.handle_traffic();
                points.push(at - last);
                last = at;
            }
        }
        for second in 20..25 {
            let within = |point: &&Duration| point.as_secs() == second;
            let share = points.iter().filter(within).count();
            assert!((200..600).contains(&share), "{share} of 2000 at {second} s");
        }
    }

    #[test]
    fn a_silent_peer_is_dead_within_35_seconds() {
        let settings = Settings::default();
        for seed in 0..100 {
            let start = start();
            let mut heartbeat = Heartbeat::new(start, &settings, seed);
            let ping_at = heartbeat.next_timeout();
            assert_eq!(heartbeat.handle_timeout(ping_at, &settings), Beat::Ping);
            let dead_at = heartbeat.next_timeout();
            assert_eq!(dead_at, ping_at + 10 * SECOND);
            assert!(dead_at - start <= 35 * SECOND);
            assert_eq!(heartbeat.handle_timeout(dead_at, &settings), Beat::Dead);
        }
    }

    #[test]
    fn any_traffic_after_a_ping_is_a_sign_of_life() {
        let settings = Settings::default();
        let mut heartbeat = Heartbeat::new(start(), &settings, 1);
        let ping_at = heartbeat.next_timeout();
        heartbeat.handle_timeout(ping_at, &settings);
        heartbeat.handle_traffic();
        let later = ping_at + 10 * SECOND;
        assert_eq!(heartbeat.handle_timeout(later, &settings), Beat::Rest);
        assert!(heartbeat.next_timeout() >= ping_at + 20 * SECOND);
    }

    #[test]
    fn a_second_ping_gives_no_more_time_for_the_first() {
        let settings = Settings {
            ping_every: (4 * SECOND, 4 * SECOND),
            ..Settings::default()
        };
        let start = start();
        let mut heartbeat = Heartbeat::new(start, &settings, 1);
        for second in [4, 8, 12] {
            let now = start + second * SECOND;
            assert_eq!(heartbeat.next_timeout(), now);
            assert_eq!(heartbeat.handle_timeout(now, &settings), Beat::Ping);
        }
        let dead_at = start + 14 * SECOND;
        assert_eq!(heartbeat.next_timeout(), dead_at);
        assert_eq!(heartbeat.handle_timeout(dead_at, &settings), Beat::Dead);
    }

    #[test]
    fn an_early_timeout_does_nothing() {
        let settings = Settings::default();
        let start = start();
        let mut heartbeat = Heartbeat::new(start, &settings, 1);
        let due = heartbeat.next_timeout();
        assert_eq!(heartbeat.handle_timeout(start, &settings), Beat::Rest);
        assert_eq!(heartbeat.next_timeout(), due);
    }
}
