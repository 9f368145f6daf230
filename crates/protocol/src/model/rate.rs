//! How often something may happen.

use std::time::{Duration, Instant};

/// So many a second in the long run, and so many at once after a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run; at least one.
    pub per_second: u32,
    /// At once; at least one.
    pub burst: u32,
}

/// How much of a rate is used up: empty after a rest.
///
/// One point in time says all: when everything taken so far will have been earned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    earned_at: Option<Instant>,
}

impl Rate {
    /// How long it takes to earn one.
    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second.max(1)
    }

    /// How long it takes to earn a whole burst.
    pub fn rest(self) -> Duration {
        self.interval() * self.burst.max(1)
    }

    /// How long it takes to earn so many, without the burst.
    pub fn time_for(self, count: u32) -> Duration {
        self.interval().saturating_mul(count)
    }
}

impl Bucket {
    /// Takes one, or says how long to wait for it. Without a rate there is always one.
    pub fn take(&mut self, now: Instant, rate: Option<Rate>) -> Result<(), Duration> {
        let Some(rate) = rate else {
            return Ok(());
        };
        let earned_at = self.earned_at.map_or(now, |at| at.max(now)) + rate.interval();
        let wait = earned_at.saturating_duration_since(now + rate.rest());
        if wait.is_zero() {
            self.earned_at = Some(earned_at);
            Ok(())
        } else {
            Err(wait)
        }
    }

    /// Whether everything taken is earned again.
    pub fn is_rested(&self, now: Instant) -> bool {
        self.earned_at.is_none_or(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and there is no other way to get one"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    const RATE: Rate = Rate {
        per_second: 20,
        burst: 3,
    };

    #[test]
    fn a_burst_passes_and_then_one_an_interval() {
        let (start, mut bucket) = (start(), Bucket::default());
        for _ in 0..3 {
            assert_eq!(bucket.take(start, Some(RATE)), Ok(()));
        }
        let wait = Duration::from_millis(50);
        assert_eq!(bucket.take(start, Some(RATE)), Err(wait));
        assert_eq!(bucket.take(start + wait, Some(RATE)), Ok(()));
        assert_eq!(bucket.take(start + wait, Some(RATE)), Err(wait));
    }

    #[test]
    fn without_a_rate_everything_passes() {
        let (start, mut bucket) = (start(), Bucket::default());
        assert!((0..10_000).all(|_| bucket.take(start, None).is_ok()));
    }

    proptest! {
        #[test]
        fn no_span_of_time_holds_more_than_its_share(gaps in prop::collection::vec(0_u64..200, 1..200)) {
            let (start, mut bucket) = (start(), Bucket::default());
            let mut now = start;
            let mut passed: Vec<Instant> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                match bucket.take(now, Some(RATE)) {
                    Ok(()) => passed.push(now),
                    Err(wait) => {
                        let mut later = bucket;
                        prop_assert_eq!(later.take(now + wait, Some(RATE)), Ok(()), "the wait is honest");
                    }
                }
            }
            for (nth, from) in passed.iter().enumerate() {
                for (before, to) in passed.iter().skip(nth).enumerate() {
                    let earned = (*to - *from).as_millis() / 50;
                    prop_assert!(u128::try_from(before).unwrap() < 3 + earned);
                }
            }
        }
    }
}
