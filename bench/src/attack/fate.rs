//! What became of the attackers.

use std::collections::BTreeMap;
use std::fmt;

/// How one connection of an attacker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// The server closed it with a code.
    Closed(u16),
    /// The server refused its handshake with a status of HTTP.
    Refused(u16),
    /// The server ended it without a word.
    Cut,
    /// It went by itself.
    Left,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(code) => write!(f, "{code}"),
            Self::Refused(status) => write!(f, "HTTP {status}"),
            Self::Cut => f.write_str("cut off"),
            Self::Left => f.write_str("left"),
        }
    }
}

/// What attackers did, and what became of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Connections that were begun.
    pub(crate) begun: u64,
    /// Connections whose upgrade was accepted.
    pub(crate) inside: u64,
    /// Frames, or bytes of handshakes, that were sent on purpose to do harm.
    pub(crate) strikes: u64,
    pub(crate) fates: BTreeMap<Fate, u64>,
}

impl Tally {
    pub(super) fn note(&mut self, fate: Fate) {
        *self.fates.entry(fate).or_default() += 1;
    }
}

/// The fates, each with how often.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fates: Vec<String> = self
            .fates
            .iter()
            .map(|(fate, count)| format!("{count} × {fate}"))
            .collect();
        f.write_str(&fates.join(", "))
    }
}
