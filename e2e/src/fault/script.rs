//! Which connection gets which plan.

use std::collections::VecDeque;

use fastrand::Rng;

use super::Plan;

/// Which connection gets which plan.
#[derive(Debug)]
pub enum Script {
    /// All are left alone.
    Calm,
    /// One plan after another; all behind them are left alone.
    Plans(VecDeque<Plan>),
    /// Some plan each, by a seed.
    Random(Rng),
}

impl Script {
    /// Some plan each; the same ones for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self::Random(Rng::with_seed(seed))
    }

    /// One plan after another.
    pub fn of(plans: impl IntoIterator<Item = Plan>) -> Self {
        Self::Plans(plans.into_iter().collect())
    }

    /// The next connection's plan.
    pub(super) fn next(&mut self) -> Plan {
        match self {
            Self::Calm => Plan::default(),
            Self::Plans(plans) => plans.pop_front().unwrap_or_default(),
            Self::Random(random) => Plan::random(random),
        }
    }
}
