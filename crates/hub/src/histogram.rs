//! How often something took how long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a [`Histogram`] tells apart: at most so long each, and behind them whatever took longer.
///
/// From what a table in memory costs to what a client waits for, so that one list is right for all.
pub const BOUNDS: [Duration; 22] = [
    Duration::from_micros(1),
    Duration::from_micros(2),
    Duration::from_micros(5),
    Duration::from_micros(10),
    Duration::from_micros(20),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(200),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// One more than there are bounds.
const BUCKETS: usize = BOUNDS.len() + 1;

/// Counts durations. One thread adds, any thread reads: an addition is two of atomics that nobody else
/// writes to, without a lock and without memory.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

/// What histograms held when they were read; several are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many there were up to each bound and above the one before; the last are above all bounds.
    pub counts: [u64; BUCKETS],
    /// All durations together, in nanoseconds.
    pub nanoseconds: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            nanoseconds: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Adds one that took so long.
    pub fn observe(&self, took: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < took);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Adds what it holds to `spread`.
    pub fn add_to(&self, spread: &mut Spread) {
        for (sum, count) in spread.counts.iter_mut().zip(&self.counts) {
            *sum += count.load(Ordering::Relaxed);
        }
        spread.nanoseconds += self.nanoseconds.load(Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(histograms: &[&Histogram]) -> Spread {
        let mut spread = Spread::default();
        for histogram in histograms {
            histogram.add_to(&mut spread);
        }
        spread
    }

    #[test]
    fn a_duration_is_counted_at_the_first_bound_that_is_not_below_it() {
        let last = BOUNDS.len() - 1;
        for (took, bucket) in [
            (Duration::ZERO, 0),
            (BOUNDS[0], 0),
            (BOUNDS[0] + Duration::from_nanos(1), 1),
            (Duration::from_millis(1), 9),
            (BOUNDS[last], last),
            (Duration::from_mins(1), BUCKETS - 1),
        ] {
            let histogram = Histogram::default();
            histogram.observe(took);
            let mut counts = [0; BUCKETS];
            counts[bucket] = 1;
            let nanoseconds = u64::try_from(took.as_nanos()).unwrap();
            let expected = Spread {
                counts,
                nanoseconds,
            };
            assert_eq!(spread(&[&histogram]), expected, "{took:?}");
        }
    }

    #[test]
    fn histograms_are_added_up() {
        let (one, other) = (Histogram::default(), Histogram::default());
        one.observe(Duration::from_micros(1));
        one.observe(Duration::from_secs(1));
        other.observe(Duration::from_micros(1));
        let sum = spread(&[&one, &other]);
        assert_eq!((sum.counts[0], sum.counts[18]), (2, 1));
        assert_eq!(sum.counts.iter().sum::<u64>(), 3);
        assert_eq!(sum.nanoseconds, 1_000_002_000);
    }

    #[test]
    fn bounds_grow() {
        assert!(BOUNDS.is_sorted_by(|one, next| one < next));
    }
}
