//! One wheel of timers for all connections of a shard.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Which connection a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) slot: u32,
    pub(crate) serial: u32,
}

/// Timers in steps of [`Wheel::STEP`]: a timer fires at the first step at or after its time.
///
/// A timer is not taken back: who is told that its time has come looks at what is due, and sets the
/// next. Twelve bytes a timer, and no timer of the runtime's own.
#[derive(Debug)]
pub(crate) struct Wheel {
    start: Instant,
    steps: BTreeMap<u64, Vec<Ticket>>,
}

impl Wheel {
    /// Fine enough for intervals of 50 ms, coarse enough that thousands of timers share a step.
    pub(crate) const STEP: Duration = Duration::from_millis(10);

    pub(crate) fn new(start: Instant) -> Self {
        Self {
            start,
            steps: BTreeMap::new(),
        }
    }

    pub(crate) fn set(&mut self, at: Instant, ticket: Ticket) {
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
            .checked_add(Self::STEP * u32::try_from(*step).unwrap_or(u32::MAX))
    }

    /// The timers of the earliest step, if its time has come.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Vec<Ticket>> {
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
}
