//! What clients find out about the server, so that a run knows whether they have felt what was done to it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which client somebody comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// The Rust client.
    Native,
    /// One in another language.
    Script,
    /// A small one of its own.
    Witness,
}

/// What a client finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// Nothing was heard of the server for too long.
    Silence,
    /// The server says that it goes away.
    Farewell,
}

/// How often what was noticed, and by whom, while it was to be.
#[derive(Debug, Default)]
pub struct Notices(Mutex<Noticed>);

#[derive(Debug, Default)]
struct Noticed {
    /// What the network brings about besides is not counted.
    expected: Option<Notice>,
    times: BTreeMap<(Notice, Sort), u64>,
}

impl Notices {
    /// From now on this is to be noticed, or nothing.
    pub fn expect(&self, notice: Option<Notice>) {
        self.lock().expected = notice;
    }

    /// Somebody has found something out.
    pub(super) fn note(&self, notice: Notice, sort: Sort) {
        let mut noticed = self.lock();
        if noticed.expected == Some(notice) {
            *noticed.times.entry((notice, sort)).or_default() += 1;
        }
    }

    /// Whether somebody of this sort has ever found it out.
    pub fn has(&self, notice: Notice, sort: Sort) -> bool {
        self.lock().times.contains_key(&(notice, sort))
    }

    /// How often anybody has found it out.
    pub fn times(&self, notice: Notice) -> u64 {
        let noticed = self.lock();
        let times = noticed.times.iter();
        let of_notice = times.filter(|((what, _), _)| *what == notice);
        of_notice.map(|(_, times)| times).sum()
    }

    /// Nothing that holds the lock panics.
    fn lock(&self) -> MutexGuard<'_, Noticed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "Rust client",
            Self::Script => "client in another language",
            Self::Witness => "witness",
        })
    }
}
