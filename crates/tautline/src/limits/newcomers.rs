//! How many connections the server takes in, from everybody: after a crash or a deploy all come at once.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tautline_protocol::model::{Bucket, Rate};

/// Counts those who come.
pub(crate) struct Newcomers {
    rate: Option<Rate>,
    taken_in: Mutex<Bucket>,
}

impl Newcomers {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Self {
            rate,
            taken_in: Mutex::default(),
        }
    }

    /// Takes one more in, or says how long to wait.
    pub(crate) fn take_in(&self, now: Instant) -> Result<(), Duration> {
        self.taken_in.lock().take(now, self.rate)
    }
}
