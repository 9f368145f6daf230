//! What the server has announced.

use std::time::Duration;

use crate::model::Rate;
use crate::wire::v2::Welcome;

/// What the server has announced in its last `welcome`, or what holds before there was one.
#[derive(Debug)]
pub(super) struct Terms {
    /// The first attempt after a loss comes at a random point of this time.
    pub(super) first_window: Duration,
    /// No later attempt waits longer, says the server.
    pub(super) cap: Duration,
    /// A ping comes at least so often.
    pub(super) ping_every: Duration,
    /// The largest message.
    pub(super) message_bytes_max: usize,
    /// How often the client may publish or cast.
    pub(super) publish: Option<Rate>,
    /// How often it may join or leave.
    pub(super) join: Option<Rate>,
    /// How often it may ask for something else.
    pub(super) request: Option<Rate>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            first_window: Duration::from_secs(1),
            cap: Duration::MAX,
            ping_every: Duration::from_secs(25),
            message_bytes_max: usize::MAX,
            publish: None,
            join: None,
            request: None,
        }
    }
}

impl Terms {
    pub(super) fn of(welcome: &Welcome<'_>) -> Self {
        Self {
            first_window: Duration::from_millis(welcome.retry.first_window_ms),
            cap: Duration::from_millis(welcome.retry.cap_ms),
            ping_every: Duration::from_millis(welcome.ping_every_ms),
            message_bytes_max: usize::try_from(welcome.limits.message_bytes).unwrap_or(usize::MAX),
            publish: welcome.limits.publish.map(below),
            join: welcome.limits.join.map(below),
            request: welcome.limits.request.map(below),
        }
    }
}

/// Three quarters of what is allowed: messages that left apart may arrive together.
fn below(rate: Rate) -> Rate {
    Rate {
        per_second: rate.per_second,
        burst: (rate.burst / 4 * 3).max(1),
    }
}
