//! The store's time: it goes on over restarts.

use std::sync::Arc;
use std::time::Duration;

use crate::memory::{Clock, Now};

/// Shows the time since 1970 as the monotonic one. It begins with the wall clock, but never before what
/// is stored already, and does not jump afterwards: so ends that are stored mean the same after a restart.
#[derive(Debug)]
pub(super) struct StoreClock {
    clock: Arc<dyn Clock>,
    /// The clock's own monotonic time at the beginning.
    origin: Duration,
    begin: Duration,
}

impl StoreClock {
    /// Goes on from `newest`, the time of what was stored last.
    pub(super) fn new(clock: Arc<dyn Clock>, newest: Duration) -> Self {
        let now = clock.now();
        let wall = Duration::from_millis(now.wall.0);
        Self {
            clock,
            origin: now.monotonic,
            begin: wall.max(newest),
        }
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Now {
        let now = self.clock.now();
        let since = now.monotonic.saturating_sub(self.origin);
        Now {
            monotonic: self.begin.saturating_add(since),
            ..now
        }
    }
}

/// A time or a span of it as a number in the store: whole microseconds.
pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// The time that a number in the store means. Only time without end is as large as it can be.
pub(super) fn time(micros: i64) -> Duration {
    match u64::try_from(micros) {
        Ok(micros) if micros < i64::MAX.cast_unsigned() => Duration::from_micros(micros),
        Ok(_) => Duration::MAX,
        Err(_) => Duration::ZERO,
    }
}
