//! What is the same for all sessions of a server.

use std::time::{Duration, Instant};

use crate::model::{Rules, Timestamp};

/// The present, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// By the clock that only goes forward; for intervals.
    pub at: Instant,
    /// By the clock on the wall; for what is shown, and for the end of tokens.
    pub wall: Timestamp,
}

/// What is the same for all sessions of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a connection may be without a successful authentication.
    pub auth_timeout: Duration,
    /// A ping is sent at a random point between these two after the one before.
    pub ping_every: (Duration, Duration),
    /// How long after a ping without any sign of life a peer is dead.
    pub dead_after: Duration,
    /// The largest v1 message, in bytes; the codec is told the same.
    pub v1_frame_bytes_max: usize,
    /// The most rooms of one connection.
    pub rooms_max: usize,
    /// Whether the request method `echo` is answered; for tests.
    pub echo: bool,
    /// What rooms allow.
    pub rules: Rules,
}

/// The figures of the protocol; without rules, so that nothing is allowed.
impl Default for Settings {
    fn default() -> Self {
        Self {
            auth_timeout: Duration::from_secs(5),
            ping_every: (Duration::from_secs(20), Duration::from_secs(25)),
            dead_after: Duration::from_secs(10),
            v1_frame_bytes_max: 8192,
            rooms_max: 128,
            echo: false,
            rules: Rules::default(),
        }
    }
}
