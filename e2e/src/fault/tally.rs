//! How often each fault has happened.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{End, Plan};

/// What happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was reset as soon as it was there.
    Refused,
    /// It was let in and left alone.
    Silent,
    /// Its bytes came late.
    Delayed,
    /// Its bytes came slowly.
    Throttled,
    /// Its bytes came one by one.
    Sliced,
    /// What it sent one way went nowhere.
    Stalled,
    /// It was ended in order.
    Cut,
    /// It was reset.
    Reset,
}

/// How often each fault has happened.
#[derive(Debug, Default)]
pub struct Tally([AtomicU64; Kind::ALL.len()]);

impl Kind {
    /// All that happens.
    pub const ALL: [Self; 8] = [
        Self::Refused,
        Self::Silent,
        Self::Delayed,
        Self::Throttled,
        Self::Sliced,
        Self::Stalled,
        Self::Cut,
        Self::Reset,
    ];

    /// A word for a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::Delayed => "delayed",
            Self::Throttled => "throttled",
            Self::Sliced => "sliced",
            Self::Stalled => "stalled",
            Self::Cut => "cut",
            Self::Reset => "reset",
        }
    }
}

impl From<End> for Kind {
    fn from(end: End) -> Self {
        match end {
            End::Stall => Self::Stalled,
            End::Cut => Self::Cut,
            End::Reset => Self::Reset,
        }
    }
}

impl Tally {
    /// Counts what a plan does from the beginning; its end is counted when it comes.
    pub(super) fn begin(&self, plan: &Plan) {
        for (happens, kind) in [
            (plan.refuses, Kind::Refused),
            (plan.is_silent, Kind::Silent),
            (!plan.delay.is_zero(), Kind::Delayed),
            (plan.bytes_per_second.is_some(), Kind::Throttled),
            (plan.slices, Kind::Sliced),
        ] {
            if happens {
                self.count(kind);
            }
        }
    }

    pub(super) fn count(&self, kind: Kind) {
        if let Some(times) = self.0.get(kind as usize) {
            times.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often it has happened.
    pub fn times(&self, kind: Kind) -> u64 {
        let times = self.0.get(kind as usize);
        times.map_or(0, |times| times.load(Ordering::Relaxed))
    }

    /// How often anything has happened.
    pub fn sum(&self) -> u64 {
        Kind::ALL.iter().map(|kind| self.times(*kind)).sum()
    }
}
