//! What a person reads while a run lasts, and when it is over.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::client::Progress;
use crate::fault::{Kind, Tally};
use crate::history::Verdict;

/// So many violations are shown.
const SHOWN_MAX: usize = 20;

/// What came out of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What makes the same run again, as far as the machine allows it.
    pub seed: u64,
    /// How long it took.
    pub time: Duration,
    /// How often the server was killed.
    pub kills: u32,
    /// The faults of the network, with how often each happened.
    pub faults: Vec<(&'static str, u64)>,
    /// What the check found.
    pub verdict: Verdict,
    /// What is wrong besides: who never came to the end, and what no server may say.
    pub wrong: Vec<String>,
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

    pub(super) fn show(&self, stage: &str, (progress, tally, kills): (&Progress, &Tally, u32)) {
        if self.is_seen {
            let line = format!(
                "{stage:<9} {:>4} s  {:>7} faults  {kills:>4} kills  {:>9} acknowledged  {:>9} delivered",
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

    /// The closing table.
    pub fn table(&self) -> String {
        let mut rows: Vec<(&str, u64)> = vec![("server killed", u64::from(self.kills))];
        rows.extend(self.faults.iter().map(|(name, times)| (*name, *times)));
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
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
        let broken = self.verdict.violations.iter().map(ToString::to_string);
        let broken: Vec<String> = broken.chain(self.wrong.iter().cloned()).collect();
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
