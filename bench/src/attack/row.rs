//! The verdict on an attack.

use anyhow::{Context as _, Result};

use super::fate::Tally;
use super::plan::Plan;
use super::trial::{Round, Spell};

/// The bystanders' p99 under attack may be so many times what it was before. Generous: on a machine with
/// two cores the attackers share one with those who measure.
pub(crate) const P99_RATIO_MAX: f64 = 5.0;
/// A p99 up to this, in milliseconds, is nothing that anybody notices, whatever its ratio to a
/// fraction of a millisecond.
pub(crate) const P99_UNNOTICED: f64 = 5.0;
/// The server's resident memory under attack may be so many times what it was before: with a crowd of this
/// size, that is room for all the handshakes that may go on at once, and for little else.
pub(crate) const MEMORY_RATIO_MAX: f64 = 3.0;

/// One attack, over all rounds.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) plan: &'static Plan,
    pub(crate) rounds: usize,
    /// Of the round whose ratio of the p99 is the median one.
    pub(crate) before: Spell,
    pub(crate) during: Spell,
    pub(crate) tally: Tally,
    /// Of the round in which it is highest.
    pub(crate) memory_ratio: f64,
}

impl Row {
    pub(super) fn of(plan: &'static Plan, mut rounds: Vec<Round>) -> Result<Self> {
        let count = rounds.len();
        let memory = |round: &Round| round.during.resident as f64 / round.before.resident as f64;
        let memory_ratio = rounds.iter().map(memory).fold(0.0, f64::max);
        rounds.sort_by(|a, b| p99_ratio(a).total_cmp(&p99_ratio(b)));
        let median = rounds.into_iter().nth(count / 2);
        let Round {
            before,
            during,
            tally,
        } = median.context("an attack has a round")?;
        Ok(Self {
            plan,
            rounds: count,
            before,
            during,
            tally,
            memory_ratio,
        })
    }

    /// The p99 under attack, in units of the one before.
    pub(crate) fn p99_ratio(&self) -> f64 {
        self.during.latency.p99 / self.before.latency.p99
    }

    /// What is beyond its bound; nothing if the attack is borne.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.p99_ratio() > P99_RATIO_MAX && self.during.latency.p99 > P99_UNNOTICED {
            faults.push(format!("p99 above {P99_RATIO_MAX} ×"));
        }
        if self.memory_ratio > MEMORY_RATIO_MAX {
            faults.push(format!("memory above {MEMORY_RATIO_MAX} ×"));
        }
        if !self.tally.fates.contains_key(&self.plan.answer) {
            faults.push(format!("never answered with {}", self.plan.answer));
        }
        faults
    }
}

fn p99_ratio(round: &Round) -> f64 {
    round.during.latency.p99 / round.before.latency.p99
}

#[cfg(test)]
mod tests {
    use super::super::plan::ALL;
    use super::*;
    use crate::load::latency::Percentiles;

    fn spell(p99: f64, resident: u64) -> Spell {
        let latency = Percentiles {
            p50: p99,
            p99,
            p999: p99,
        };
        Spell {
            latency,
            resident,
            cpu: 0.1,
        }
    }

    fn row(during: &[(f64, u64)]) -> Row {
        let mut tally = Tally::default();
        tally.note(ALL[0].answer);
        let rounds = during.iter().map(|&(p99, resident)| Round {
            before: spell(2.0, 1000),
            during: spell(p99, resident),
            tally: tally.clone(),
        });
        Row::of(&ALL[0], rounds.collect()).unwrap()
    }

    #[test]
    fn the_median_latency_counts_and_the_most_memory() {
        let row = row(&[(90.0, 1000), (3.0, 1800), (2.0, 1000)]);
        assert!((row.p99_ratio() - 1.5).abs() < 1e-9);
        assert!((row.memory_ratio - 1.8).abs() < 1e-9);
        assert!(row.faults().is_empty());
    }

    #[test]
    fn what_is_beyond_a_bound_is_named() {
        assert_eq!(row(&[(11.0, 1000)]).faults(), ["p99 above 5 ×"]);
        assert_eq!(row(&[(2.0, 3001)]).faults(), ["memory above 3 ×"]);
    }

    #[test]
    fn an_attack_that_met_no_limit_was_none() {
        let mut row = row(&[(2.0, 1000)]);
        row.tally = Tally::default();
        assert_eq!(row.faults(), ["never answered with 1008"]);
    }
}
