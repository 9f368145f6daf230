//! When to come back: full jitter above a floor, in the window that the server announced.

use std::time::Duration;

use crate::model::Chance;

/// No attempt but the first comes sooner than this.
pub const RETRY_FLOOR: Duration = Duration::from_millis(250);
/// The window of the first attempt where this client alone lost its connection.
pub const LOCAL_WINDOW: Duration = Duration::from_millis(250);

/// How a client comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The second attempt waits up to this long, each later one up to twice as long as the one before.
    pub base: Duration,
    /// No attempt waits longer, unless the server's window is.
    pub cap: Duration,
    /// Give up after so many attempts in a row; never if none.
    pub give_up_after: Option<u32>,
}

/// What the first attempt goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Only this client is affected.
    Local,
    /// All clients of the server may be: they spread over the announced window.
    Announced,
    /// Not before this, says the server.
    Hint(Duration),
    /// The server goes away and is gone after this: all its clients come back from then on, over the announced window.
    Gone(Duration),
}

impl Default for Retry {
    /// 1 s, 30 s, and never give up.
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            give_up_after: None,
        }
    }
}

impl Retry {
    /// How long attempt number `failures`, from 0, waits where `window` is what the server announced for the first.
    ///
    /// Later attempts spread over the window too where that is the longer: those who were too many at first are
    /// not fewer the second time.
    pub fn delay(&self, failures: u32, window: Duration, chance: &mut Chance) -> Duration {
        if failures == 0 {
            return chance.between(Duration::ZERO, window);
        }
        let doubled = self
            .base
            .saturating_mul(1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX));
        chance.between(RETRY_FLOOR, doubled.min(self.cap).max(window))
    }

    /// The same for what is known of the reason.
    pub(super) fn wait(
        &self,
        failures: u32,
        wait: Wait,
        window: Duration,
        chance: &mut Chance,
    ) -> Duration {
        match wait {
            Wait::Local if failures == 0 => chance.between(Duration::ZERO, LOCAL_WINDOW),
            Wait::Local | Wait::Announced => self.delay(failures, window, chance),
            Wait::Gone(after) => chance.between(after, after + window),
            Wait::Hint(hint) => chance.between(hint, hint + (hint / 2).max(LOCAL_WINDOW)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 10_000;

    fn draws(failures: u32, window: Duration) -> Vec<Duration> {
        let mut chance = Chance::new(7);
        let retry = Retry::default();
        (0..DRAWS)
            .map(|_| retry.delay(failures, window, &mut chance))
            .collect()
    }

    /// How far the shares of twenty equal parts between two times are from equal.
    fn chi_square(draws: &[Duration], from: Duration, to: Duration) -> f64 {
        let mut parts = [0_u32; 20];
        for draw in draws {
            assert!((from..=to).contains(draw), "{draw:?} of {from:?} to {to:?}");
            let span = to.as_secs_f64() - from.as_secs_f64();
            let at = (draw.as_secs_f64() - from.as_secs_f64()) / span * 20.0;
            let part = (0..20).rev().find(|part| f64::from(*part) <= at).unwrap();
            parts[usize::try_from(part).unwrap()] += 1;
        }
        let expected = f64::from(DRAWS) / 20.0;
        let off = |part: &u32| (f64::from(*part) - expected).powi(2) / expected;
        parts.iter().map(off).sum()
    }

    #[test]
    fn attempts_spread_evenly_and_pile_up_nowhere() {
        let second = Duration::from_secs(1);
        for (failures, ceiling) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (60, 30)] {
            let spread = chi_square(&draws(failures, second), RETRY_FLOOR, ceiling * second);
            // 43.8 is exceeded by one in a thousand of even spreads over twenty parts.
            assert!(spread < 43.8, "{failures}: {spread}");
        }
        assert!(chi_square(&draws(0, 10 * second), Duration::ZERO, 10 * second) < 43.8);
    }

    #[test]
    fn a_wide_window_is_wide_for_later_attempts_too() {
        let minute = Duration::from_mins(1);
        assert!(chi_square(&draws(3, minute), RETRY_FLOOR, minute) < 43.8);
    }

    #[test]
    fn a_hint_is_never_undercut() {
        let mut chance = Chance::new(1);
        let hint = Duration::from_secs(4);
        for failures in 0..100 {
            let wait = Retry::default().wait(
                failures,
                Wait::Hint(hint),
                Duration::from_secs(1),
                &mut chance,
            );
            assert!((hint..=hint * 3 / 2).contains(&wait), "{wait:?}");
        }
    }

    #[test]
    fn nobody_comes_before_the_server_is_gone_and_all_spread_over_the_window() {
        let mut chance = Chance::new(7);
        let (gone, window) = (Duration::from_secs(10), Duration::from_secs(4));
        let mut wait =
            |failures| Retry::default().wait(failures, Wait::Gone(gone), window, &mut chance);
        for failures in [0, 5] {
            let draws: Vec<_> = (0..DRAWS).map(|_| wait(failures)).collect();
            assert!(chi_square(&draws, gone, gone + window) < 43.8);
        }
    }
}
