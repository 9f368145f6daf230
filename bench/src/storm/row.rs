//! The verdict on a crowd: who came back when, and whether all is within its bounds.

use std::time::{Duration, Instant};

use serde_json::{Value, json as value};

use super::bins::{BIN, Bins, Crowding};
use super::diary::{Entry, Step};
use super::history::Verdict;
use super::ordeal::{Blow, Ordeal};
use super::policy::Policy;
use super::{MEMBERS, Record};

/// After a kill, so many of the crowd have to be back in time.
const BACK_SHARE: f64 = 0.99;
/// In time is within so long of the kill.
const BACK_WITHIN: Duration = Duration::from_secs(20);
/// Where nobody listens for that long, it is within so long of the server's return: the longest wait of a client that has failed
/// before, `retry.capMs` as `welcome` announces it.
const RETRY_CAP: Duration = Duration::from_secs(30);
/// No tenth of a second may have more than so many times the mean of those who connect.
pub(super) const CROWDING_MAX: f64 = 3.0;
/// The server's memory may be so many times what it was before.
const MEMORY_RATIO_MAX: f64 = 1.3;
/// After a drain, everybody has to be back so soon after the server is: within `drain.window`, which `goaway` announces.
const DRAIN_WINDOW: Duration = Duration::from_secs(10);

/// Resident bytes of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Right before the blow.
    pub(super) before: u64,
    /// The most of the one after it.
    pub(super) most: u64,
}

/// Who connects, from the blow on.
#[derive(Debug)]
pub(super) struct Connects {
    pub(super) attempts: Bins,
    /// Those who came in.
    pub(super) entered: Bins,
    /// Attempts that were answered with a refusal.
    pub(super) refused: usize,
    /// By how much the crowd's own thread delayed an attempt, at most.
    pub(super) late: Duration,
}

/// One crowd.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) ordeal: &'static Ordeal,
    pub(crate) policy: &'static Policy,
    pub(super) clients: usize,
    /// From the blow until a server listens again.
    pub(super) up: Duration,
    /// When each of those who are back came back, since the blow, in order.
    pub(super) back: Vec<Duration>,
    pub(super) given_up: usize,
    pub(super) connects: Connects,
    pub(super) memory: Memory,
    pub(super) verdict: Verdict,
    /// The first gap that a member was told of, in the server's words.
    pub(super) first_gap: Option<String>,
}

impl Row {
    pub(super) fn of(
        (ordeal, policy): (&'static Ordeal, &'static Policy),
        record: &Record,
        (struck, up): (Instant, Duration),
        memory: Memory,
    ) -> Self {
        let diary = &record.diary;
        let since = |entry: &Entry| Some((entry.at.checked_duration_since(struck)?, entry.step));
        let steps: Vec<(Duration, Step)> = diary.entries.iter().filter_map(since).collect();
        let times = |wanted: fn(Step) -> bool| {
            let all = steps.iter().filter(move |(_, step)| wanted(*step));
            all.map(|(at, _)| *at)
        };
        let mut last = vec![None; record.diary.size()];
        for entry in &diary.entries {
            let place = last.get_mut(entry.who);
            if let (Step::Enters, Some(place)) = (entry.step, place) {
                *place = entry.at.checked_duration_since(struck);
            }
        }
        let is_back =
            |(who, at): (usize, &Option<Duration>)| diary.is_inside(who).then_some(*at)?;
        let mut back: Vec<Duration> = last.iter().enumerate().filter_map(is_back).collect();
        back.sort_unstable();
        Self {
            ordeal,
            policy,
            clients: diary.size(),
            up,
            back,
            given_up: diary.gone,
            connects: Connects {
                attempts: Bins::count(times(|step| step == Step::Dials)),
                entered: Bins::count(times(|step| step == Step::Enters)),
                refused: times(|step| matches!(step, Step::IsRefused(_))).count(),
                late: diary.late,
            },
            first_gap: record.history.first_gap.clone(),
            memory,
            verdict: record
                .history
                .judge(|who| diary.is_inside(who), |who| who / MEMBERS),
        }
    }

    /// When this share of the crowd was back, since the blow; nothing if it never was.
    pub(super) fn back_by(&self, share: f64) -> Option<Duration> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a crowd is a small number"
        )]
        let count = (share * self.clients as f64).ceil() as usize;
        self.back.get(count.checked_sub(1)?).copied()
    }

    /// How unevenly the attempts come, from the server's return until the last one is back.
    pub(super) fn crowding(&self) -> Crowding {
        let last = self.back.last().copied().unwrap_or(self.up);
        self.connects.attempts.crowding(self.up, last.max(self.up))
    }

    /// Attempts of each, on the average.
    pub(super) fn attempts_each(&self) -> f64 {
        let all: u64 = self
            .connects
            .attempts
            .0
            .iter()
            .copied()
            .map(u64::from)
            .sum();
        all as f64 / self.clients as f64
    }

    pub(super) fn memory_ratio(&self) -> f64 {
        self.memory.most as f64 / self.memory.before as f64
    }

    /// What is beyond its bound.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let Verdict {
            lost, twice, gaps, ..
        } = self.verdict;
        for (count, what) in [(lost, "lost"), (twice, "twice"), (gaps, "gaps")] {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        match self.ordeal.blow {
            Blow::Kill { outage } => {
                let (since, within, of) = if outage < BACK_WITHIN {
                    (Duration::ZERO, BACK_WITHIN, "the kill")
                } else {
                    (self.up, RETRY_CAP, "the server's return")
                };
                let in_time = since + within;
                if self.back_by(BACK_SHARE).is_none_or(|back| back > in_time) {
                    let within = within.as_secs();
                    faults.push(format!("99 % not back within {within} s of {of}"));
                }
                if self.crowding().ratio() > CROWDING_MAX {
                    faults.push(format!(
                        "a tenth of a second above {CROWDING_MAX} × the mean"
                    ));
                }
            }
            Blow::Drain => {
                let within = self.up + DRAIN_WINDOW;
                if self.back_by(1.0).is_none_or(|back| back > within) {
                    faults.push(format!("not all back within {} s", DRAIN_WINDOW.as_secs()));
                }
            }
        }
        if self.memory_ratio() > MEMORY_RATIO_MAX {
            faults.push(format!("memory above {MEMORY_RATIO_MAX} ×"));
        }
        faults
    }

    /// Whether nobody is to be alarmed: others' policies are there to be compared with.
    pub(crate) fn passes(&self) -> bool {
        !self.policy.is_ours() || self.faults().is_empty()
    }
}

/// A row for scripts.
pub(crate) fn json(row: &Row) -> Value {
    let crowding = row.crowding();
    let back = |share: f64| row.back_by(share).map(|back| back.as_secs_f64());
    value!({
        "case": row.ordeal.name,
        "policy": row.policy.name,
        "of": row.policy.of,
        "clients": row.clients,
        "up_s": row.up.as_secs_f64(),
        "back": row.back.len(),
        "given_up": row.given_up,
        "back_p50_s": back(0.5),
        "back_p99_s": back(0.99),
        "back_last_s": back(1.0),
        "attempts_each": row.attempts_each(),
        "refused": row.connects.refused,
        "late_max_ms": row.connects.late.as_millis(),
        "most_per_bin": crowding.most,
        "mean_per_bin": crowding.mean,
        "crowding": crowding.ratio(),
        "resident_before": row.memory.before,
        "resident_most_after": row.memory.most,
        "memory_ratio": row.memory_ratio(),
        "acknowledged": row.verdict.acknowledged,
        "lost": row.verdict.lost,
        "twice": row.verdict.twice,
        "gaps": row.verdict.gaps,
        "first_gap": row.first_gap,
        "faults": row.faults(),
        "passed": row.policy.is_ours().then(|| row.passes()),
        "bin_ms": BIN.as_millis(),
        "attempts": row.connects.attempts.0,
        "entered": row.connects.entered.0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::diary::Diary;
    use super::super::history::History;
    use super::super::ordeal::ALL;
    use super::super::policy;
    use super::*;

    /// A crowd of a hundred that is struck, and of which one after another comes back in a tenth of a second each, after so many
    /// seconds; the last one comes `last` seconds after the blow.
    fn row(ordeal: usize, first: u64, last: u64) -> Row {
        let struck = Instant::now();
        let mut record = Record {
            diary: Diary::new(100),
            history: History::new(10, 100),
        };
        for who in 0..100 {
            for step in [Step::Enters, Step::IsLost, Step::Dials, Step::Enters] {
                record.diary.note(who, step);
            }
        }
        for (nth, entry) in (0..).zip(&mut record.diary.entries) {
            let (who, nth) = (nth / 4, nth % 4);
            entry.at = match (who, nth) {
                (_, 0 | 1) => struck,
                (99, _) => struck + Duration::from_secs(last),
                _ => struck + Duration::from_secs(first) + BIN * who,
            };
        }
        let memory = Memory {
            before: 1000,
            most: 1300,
        };
        let up = Duration::from_secs(first);
        Row::of(
            (&ALL[ordeal], &policy::ALL[0]),
            &record,
            (struck, up),
            memory,
        )
    }

    #[test]
    fn a_crowd_that_is_back_evenly_and_in_time_has_no_fault() {
        let row = row(0, 2, 12);
        assert!(row.faults().is_empty(), "{:?}", row.faults());
        assert!(row.passes());
        assert_eq!(row.back.len(), 100);
        assert_eq!(row.back_by(0.5), Some(Duration::from_millis(6900)));
        assert!((row.attempts_each() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn one_in_a_hundred_may_be_late_after_a_kill_and_nobody_after_a_drain() {
        let late = row(0, 2, 21);
        assert_eq!(late.faults(), [""; 0]);
        let late = row(0, 11, 30);
        assert_eq!(late.faults(), ["99 % not back within 20 s of the kill"]);
        let drained = ALL.iter().position(|it| it.blow == Blow::Drain).unwrap();
        assert_eq!(row(drained, 2, 12).faults(), [""; 0]);
        assert_eq!(row(drained, 2, 13).faults(), ["not all back within 10 s"]);
    }

    #[test]
    fn after_a_long_outage_the_time_counts_from_the_servers_return() {
        let long = ALL.iter().position(|it| it.name == "storm-long").unwrap();
        assert_eq!(row(long, 50, 75).faults(), [""; 0]);
        let mut late = row(long, 50, 75);
        for back in &mut late.back {
            *back += Duration::from_secs(21);
        }
        let fault = "99 % not back within 30 s of the server's return";
        assert!(late.faults().iter().any(|one| one == fault));
    }

    #[test]
    fn what_is_beyond_a_bound_is_named() {
        let mut row = row(0, 2, 12);
        row.memory.most = 1301;
        row.verdict.lost = 2;
        row.connects.attempts = Bins::count((0..100).map(|_| Duration::from_secs(3)));
        let expected = [
            "2 lost",
            "a tenth of a second above 3 × the mean",
            "memory above 1.3 ×",
        ];
        assert_eq!(row.faults(), expected);
        assert!(!row.passes());
        row.policy = &policy::ALL[1];
        assert!(row.passes(), "it is there to be compared with");
    }

    #[test]
    fn who_is_not_back_is_not_counted_as_back() {
        let mut row = row(0, 2, 12);
        row.back.pop();
        assert_eq!(row.back_by(1.0), None);
        assert!(row.back_by(0.99).is_some());
    }
}
