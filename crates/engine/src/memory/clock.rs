//! What time it is, for whoever decides that.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use tautline_protocol::model::Timestamp;

/// One reading of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// What people call this time; it may jump. Publications are stamped with it.
    pub wall: Timestamp,
    /// Since some moment before the engine's first; never jumps. Everything that ends is measured with it.
    pub monotonic: Duration,
    /// The same moment, for those who compare it with readings of their own.
    pub at: Instant,
}

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// What time it is.
    fn now(&self) -> Now;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let at = Instant::now();
        Now {
            wall: milliseconds(since_1970),
            monotonic: at.saturating_duration_since(self.start),
            at,
        }
    }
}

/// A clock that stands still until it is moved. Its clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<Mutex<Now>>,
}

impl ManualClock {
    /// Stands at `wall`.
    pub fn new(wall: Timestamp) -> Self {
        let now = Now {
            wall,
            monotonic: Duration::ZERO,
            at: Instant::now(),
        };
        Self {
            now: Arc::new(Mutex::new(now)),
        }
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock();
        now.wall = Timestamp(now.wall.0 + milliseconds(by).0);
        now.monotonic += by;
        now.at += by;
    }

    /// Sets what people call this time, as an operator or a time server does. No time passes.
    pub fn jump(&self, wall: Timestamp) {
        self.now.lock().wall = wall;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        *self.now.lock()
    }
}

fn milliseconds(duration: Duration) -> Timestamp {
    Timestamp(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
