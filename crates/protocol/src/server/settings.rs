//! What is the same for all sessions of a server.

use std::time::{Duration, Instant};

use super::v2::Figures;
use crate::model::{Rate, Rules, Timestamp};

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
    /// How often a connection may do what it does.
    pub rates: Rates,
    /// Whether the request methods `echo` and, in v2, `wait` are answered; for tests.
    pub echo: bool,
    /// What sessions of v2 go by besides.
    pub v2: Figures,
    /// What rooms allow.
    pub rules: Rules,
}

/// How often a connection may do what it does; none is without limit.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Publish.
    pub publish: Option<Rate>,
    /// Join and leave; each topic of a subscription is one.
    pub join: Option<Rate>,
    /// Join a room whose history it is given.
    pub history: Option<Rate>,
    /// Authenticate, ask and ping, as messages.
    pub request: Option<Rate>,
    /// Send control frames of the WebSocket protocol.
    pub control: Option<Rate>,
    /// Be refused. A client that goes on is ended.
    pub refusal: Option<Rate>,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |per_second, burst| Some(Rate { per_second, burst });
        Self {
            publish: rate(20, 60),
            join: rate(50, 300),
            history: rate(2, 128),
            request: rate(50, 100),
            control: rate(10, 20),
            refusal: rate(20, 100),
        }
    }
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
            rates: Rates::default(),
            echo: false,
            v2: Figures::default(),
            rules: Rules::default(),
        }
    }
}
