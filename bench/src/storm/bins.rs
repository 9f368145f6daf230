//! How many there are in each tenth of a second.

use std::time::Duration;

/// How long a bin is.
pub(super) const BIN: Duration = Duration::from_millis(100);

/// Counts, a bin after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bins(pub(super) Vec<u32>);

impl Bins {
    /// Counts instants, all of them since the same beginning.
    pub(super) fn count(instants: impl Iterator<Item = Duration>) -> Self {
        let mut counts = Vec::new();
        for instant in instants {
            let at = Self::of(instant);
            if counts.len() <= at {
                counts.resize(at + 1, 0);
            }
            if let Some(count) = counts.get_mut(at) {
                *count += 1;
            }
        }
        Self(counts)
    }

    /// The bin that an instant is in.
    fn of(instant: Duration) -> usize {
        usize::try_from(instant.as_millis() / BIN.as_millis()).unwrap_or(usize::MAX)
    }

    /// The most in one bin, and the mean of the bins, from one instant to another, both of their bins included.
    pub(super) fn crowding(&self, from: Duration, to: Duration) -> Crowding {
        let bins = (Self::of(to) + 1).saturating_sub(Self::of(from)).max(1);
        let within = self.0.iter().skip(Self::of(from)).take(bins);
        let (most, sum) = within.fold((0, 0), |(most, sum), count| {
            (most.max(*count), sum + u64::from(*count))
        });
        Crowding {
            most,
            mean: sum as f64 / bins as f64,
        }
    }
}

/// How unevenly something happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crowding {
    pub(super) most: u32,
    pub(super) mean: f64,
}

impl Crowding {
    /// The most, in units of the mean.
    pub(super) fn ratio(self) -> f64 {
        f64::from(self.most) / self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: &[u64]) -> Bins {
        let instants = milliseconds.iter().copied();
        Bins::count(instants.map(Duration::from_millis))
    }

    #[test]
    fn an_instant_is_counted_in_its_tenth_of_a_second() {
        assert_eq!(at(&[0, 99, 100, 350]).0, [2, 1, 0, 1]);
    }

    #[test]
    fn the_mean_is_of_the_span_and_counts_its_empty_bins() {
        let bins = at(&[0, 0, 0, 0, 0, 120, 130, 330]);
        let span = (Duration::from_millis(100), Duration::from_millis(399));
        let crowding = bins.crowding(span.0, span.1);
        assert_eq!(crowding.most, 2);
        assert!((crowding.mean - 1.0).abs() < 1e-9, "3 in 3 bins");
        assert!((crowding.ratio() - 2.0).abs() < 1e-9);
    }
}
