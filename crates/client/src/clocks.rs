//! The two clocks of a machine, which tell that it slept: one of them stood still.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The clock on the wall has gone ahead of the other one by so much: the machine slept.
const SLEEP_MIN: Duration = Duration::from_secs(15);

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks {
    wall: SystemTime,
    steady: Instant,
}

impl Clocks {
    pub(crate) fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            steady: Instant::now(),
        }
    }

    /// How long the machine slept since an earlier moment, if it did. A clock that was set back says nothing.
    pub(crate) fn asleep_since(self, before: Self) -> Option<Duration> {
        let by_wall = self.wall.duration_since(before.wall).ok()?;
        let asleep = by_wall.checked_sub(self.steady - before.steady)?;
        (asleep >= SLEEP_MIN).then_some(asleep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said after the clock on the wall went on by one time, and the other one by another.
    fn asleep(wall: Duration, steady: Duration) -> Option<Duration> {
        let before = Clocks::now();
        let after = Clocks {
            wall: before.wall + wall,
            steady: before.steady + steady,
        };
        after.asleep_since(before)
    }

    #[test]
    fn the_clock_that_stood_still_tells_for_how_long() {
        let minute = Duration::from_mins(1);
        assert_eq!(asleep(minute, Duration::ZERO), Some(minute));
        assert_eq!(asleep(2 * minute, minute), Some(minute));
        assert_eq!(asleep(SLEEP_MIN, Duration::ZERO), Some(SLEEP_MIN));
    }

    #[test]
    fn a_busy_machine_did_not_sleep_nor_did_one_whose_clock_was_set() {
        let minute = Duration::from_mins(1);
        assert_eq!(asleep(minute, minute), None, "nobody looked for a minute");
        assert_eq!(
            asleep(SLEEP_MIN / 2, Duration::ZERO),
            None,
            "put right by a little"
        );
        assert_eq!(asleep(Duration::ZERO, minute), None, "set back");
        let before = Clocks::now();
        let earlier = Clocks {
            wall: before.wall - minute,
            ..before
        };
        assert_eq!(
            earlier.asleep_since(before),
            None,
            "set back before the first look"
        );
    }
}
