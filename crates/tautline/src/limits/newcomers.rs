//! How many connections the server takes in, from everybody: after a crash or a deploy all come at once.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tautline_protocol::model::{Bucket, Rate};

/// Who loses its connection comes back within this time at the least, so that few who lose it together come together.
const WINDOW_MIN: Duration = Duration::from_secs(1);
/// And within this time at the most: that long nobody wants to wait.
const WINDOW_MAX: Duration = Duration::from_mins(2);

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

    /// In what time so many are taken in again, when all lose their connection at once.
    pub(crate) fn window(&self, present: usize) -> Duration {
        let present = u32::try_from(present).unwrap_or(u32::MAX);
        let time = self.rate.map_or(WINDOW_MIN, |rate| rate.time_for(present));
        time.clamp(WINDOW_MIN, WINDOW_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_grows_with_those_who_would_come_back() {
        let rate = Rate {
            per_second: 1000,
            burst: 1000,
        };
        let newcomers = Newcomers::new(Some(rate));
        for (present, window) in [
            (0, WINDOW_MIN),
            (999, WINDOW_MIN),
            (20_000, Duration::from_secs(20)),
            (1_000_000, WINDOW_MAX),
            (usize::MAX, WINDOW_MAX),
        ] {
            assert_eq!(newcomers.window(present), window, "{present}");
        }
        assert_eq!(Newcomers::new(None).window(1_000_000), WINDOW_MIN);
    }
}
