//! What a person reads while a run lasts, and when it is over.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Blows;
use crate::crowd::Progress;
use crate::fault::{Kind, Tally};
use crate::history::Verdict;

/// So many violations are shown.
const SHOWN_MAX: usize = 20;

/// Promises that are not about the order of messages, as the documentation names them.
pub(super) const END: &str = "an end";
pub(super) const PROTOCOL: &str = "the protocol";
pub(super) const START: &str = "a start";
/// Not about the server: what the judge wanted to try was not tried.
pub(super) const JUDGE: &str = "the judge's own";

/// Something that is wrong besides what histories show.
#[derive(Debug)]
pub struct Wrong {
    /// Which promise it breaks.
    pub promise: &'static str,
    /// What it is.
    pub what: String,
}

/// What came out of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What makes the same run again, as far as the machine allows it.
    pub seed: u64,
    /// How long it took.
    pub time: Duration,
    /// What was done to the server, and noticed.
    pub blows: Blows,
    /// How often it went on with an older copy of its disk.
    pub rewinds: usize,
    /// The faults of the network, with how often each happened.
    pub faults: Vec<(&'static str, u64)>,
    /// What the check found.
    pub verdict: Verdict,
    /// What is wrong besides: who never came to the end, and what no server may say.
    pub wrong: Vec<Wrong>,
}

/// A line that changes while a person looks at it, and that nobody sees elsewhere.
#[derive(Debug)]
pub(super) struct Line {
    begun: Instant,
    is_seen: bool,
}

impl Line {
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            is_seen: io::stderr().is_terminal(),
        }
    }

    pub(super) fn show(&self, stage: &str, (progress, tally, blows): (&Progress, &Tally, Blows)) {
        let Blows {
            kills,
            stops,
            drains,
        } = blows;
        if self.is_seen {
            let line = format!(
                "{stage:<9} {:>4} s  {:>7} faults  {kills:>4} kills  {stops:>3} stops  {drains:>3} drains  {:>9} acknowledged  {:>9} delivered",
                self.begun.elapsed().as_secs(),
                tally.sum(),
                progress.acknowledged.load(Ordering::Relaxed),
                progress.delivered.load(Ordering::Relaxed),
            );
            // Nobody to show it to is no reason to stop.
            drop(write!(io::stderr(), "\r\x1b[2K{line}"));
        }
    }

    pub(super) fn end(&self) -> Duration {
        if self.is_seen {
            drop(write!(io::stderr(), "\r\x1b[2K"));
        }
        self.begun.elapsed()
    }
}

impl Outcome {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.verdict.violations.is_empty() && self.wrong.is_empty()
    }

    /// Which promises were broken and how often, the worst first.
    fn promises(&self) -> Vec<(&'static str, usize)> {
        let violations = self.verdict.violations.iter();
        let broken = violations.map(|violation| violation.fault.promise());
        let wrong = self.wrong.iter().map(|wrong| wrong.promise);
        let mut times: BTreeMap<&'static str, usize> = BTreeMap::new();
        for promise in broken.chain(wrong) {
            *times.entry(promise).or_default() += 1;
        }
        let mut promises: Vec<_> = times.into_iter().collect();
        promises.sort_by_key(|(_, times)| Reverse(*times));
        promises
    }

    /// The closing table.
    pub fn table(&self) -> String {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut rows: Vec<(&str, u64)> = vec![
            ("server killed", u64::from(self.blows.kills)),
            ("server stopped", u64::from(self.blows.stops)),
            ("server drained", u64::from(self.blows.drains)),
            ("with an older disk", count(self.rewinds)),
        ];
        rows.extend(self.faults.iter().map(|(name, times)| (*name, *times)));
        let broken = count(self.verdict.violations.len() + self.wrong.len());
        rows.extend([
            ("publications sent", count(self.verdict.sent)),
            ("acknowledged", count(self.verdict.acknowledged)),
            ("messages delivered", count(self.verdict.deliveries)),
            ("gaps told", count(self.verdict.gaps)),
            ("violations", broken),
        ]);
        let mut lines: Vec<String> = rows
            .iter()
            .map(|(name, times)| format!("{name:<20} {times:>10}"))
            .collect();
        let promises = self.promises().into_iter();
        lines.extend(promises.map(|(promise, times)| format!("broken: {promise}, {times} times")));
        let broken = self.verdict.violations.iter().map(ToString::to_string);
        let wrong = self.wrong.iter().map(|wrong| wrong.what.clone());
        let broken: Vec<String> = broken.chain(wrong).collect();
        lines.extend(broken.iter().take(SHOWN_MAX).map(|one| format!("  {one}")));
        if broken.len() > SHOWN_MAX {
            lines.push(format!("  and {} more", broken.len() - SHOWN_MAX));
        }
        let seconds = self.time.as_secs();
        lines.push(format!("seed {}, {seconds} s\n", self.seed));
        lines.join("\n")
    }
}

/// How often each fault of the network has happened.
pub(super) fn faults(tally: &Tally) -> Vec<(&'static str, u64)> {
    let row = |kind: Kind| (kind.name(), tally.times(kind));
    Kind::ALL.into_iter().map(row).collect()
}
