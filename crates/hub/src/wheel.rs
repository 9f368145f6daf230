//! A wheel of timers, for all connections of a shard.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Which connection a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) slot: u32,
    pub(crate) serial: u32,
}

/// Timers in steps of [`Wheel::STEP_MS`]: a timer fires at the first step at or after its time.
///
/// A timer is not taken back: who is told that its time has come looks at what is due, and sets the
/// next. No timer is one of the runtime's own.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    start: Instant,
    steps: BTreeMap<u64, Vec<T>>,
}

impl<T> Wheel<T> {
    /// Fine enough for intervals of 50 ms, coarse enough that thousands of timers share a step.
    const STEP_MS: u64 = 10;
    const STEP: Duration = Duration::from_millis(Self::STEP_MS);

    pub(crate) fn new(start: Instant) -> Self {
        Self {
            start,
            steps: BTreeMap::new(),
        }
    }

    pub(crate) fn set(&mut self, at: Instant, ticket: T) {
        let after = at.saturating_duration_since(self.start).as_nanos();
        let step = after.div_ceil(Self::STEP.as_nanos());
        self.steps
            .entry(u64::try_from(step).unwrap_or(u64::MAX))
            .or_default()
            .push(ticket);
    }

    /// When the earliest timers fire.
    pub(crate) fn next(&self) -> Option<Instant> {
        let (step, _) = self.steps.first_key_value()?;
        self.start
            .checked_add(Duration::from_millis(step.saturating_mul(Self::STEP_MS)))
    }

    /// The timers of the earliest step, if its time has come.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Vec<T>> {
        if self.next()? <= now {
            self.steps.pop_first().map(|(_, tickets)| tickets)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_order_and_never_early() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let ticket = |slot| Ticket { slot, serial: 0 };
        for (slot, ms) in [(1, 95), (2, 20), (3, 91), (4, 0)] {
            wheel.set(start + Duration::from_millis(ms), ticket(slot));
        }
        let mut at = |ms| {
            let mut due = Vec::new();
            while let Some(tickets) = wheel.due(start + Duration::from_millis(ms)) {
                due.extend(tickets.into_iter().map(|ticket| ticket.slot));
            }
            due
        };
        assert_eq!(at(0), [4]);
        assert_eq!(at(19), [] as [u32; 0]);
        assert_eq!(at(20), [2]);
        assert_eq!(at(99), [] as [u32; 0]);
        assert_eq!(at(100), [1, 3]);
    }

    #[test]
    fn a_timer_years_away_is_not_early() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let year = Duration::from_hours(366 * 24);
        let ticket = Ticket { slot: 1, serial: 0 };
        wheel.set(start + 3 * year, ticket);
        assert_eq!(wheel.due(start + 2 * year), None);
        assert_eq!(wheel.due(start + 3 * year), Some(vec![ticket]));
    }
}
