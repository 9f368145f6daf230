//! The attacks: what the attackers do, how much of it, and how it has to end.

use super::arms::Arms;
use super::fate::Fate;
use super::moves;

/// Strikes of all attackers in a second, where each is small. The load client has one core, which on a
/// machine with two is the attackers' too: what they may spend is bounded, so that the server
/// is what is attacked and not those who measure.
const STRIKES: u32 = 20_000;
/// The same for messages that end the connection or make the server think.
const MESSAGES: u32 = 4000;
/// The same for bytes of slow handshakes.
const DRIPS: u32 = 4000;
/// Connections that the attackers begin in a second: about what all of their addresses together may begin.
const CONNECTS: u32 = 500;
/// The same for a storm of them: more than their addresses may begin.
const STORM: u32 = 2000;
/// The same for readers: each takes a few megabytes of the kernel's memory.
const READERS: u32 = 16;

/// One attack.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(super) pace: Pace,
    pub(super) manner: Manner,
    /// The request of a connection, or what stands for it.
    pub(super) request: fn(&Arms, u64) -> String,
    /// What follows the upgrade at once.
    pub(super) greeting: fn(&Arms, u64) -> Vec<u8>,
    /// What is sent again and again.
    pub(super) strike: fn(&Arms, u64) -> Vec<u8>,
    /// What the server does with some at least. Where it never did, there was no attack.
    pub(crate) answer: Fate,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Connections side by side.
    pub(super) connections: usize,
    /// Connections begun in a second, by all.
    pub(super) connects: u32,
    /// Strikes in a second, by all.
    pub(super) strikes: u32,
}

/// How attackers behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// They come in, strike, and read what they are told.
    Strike,
    /// They strike before they are in.
    Linger,
    /// They come in and read nothing any more.
    StopReading,
    /// They come in and leave at once.
    Leave,
}

const fn pace(connections: usize, connects: u32, strikes: u32) -> Pace {
    Pace {
        connections,
        connects,
        strikes,
    }
}

/// Every attack, in the order of the report.
pub(crate) const ALL: &[Plan] = &[
    Plan {
        name: "attack-pings",
        pace: pace(64, CONNECTS, STRIKES),
        manner: Manner::Strike,
        request: moves::known,
        greeting: moves::nothing,
        strike: moves::ping,
        answer: Fate::Closed(1008),
    },
    Plan {
        name: "attack-fragments",
        pace: pace(256, CONNECTS, STRIKES),
        manner: Manner::Strike,
        request: moves::known,
        greeting: moves::begin_message,
        strike: moves::fragment,
        answer: Fate::Closed(1009),
    },
    Plan {
        name: "attack-joins",
        pace: pace(64, CONNECTS, STRIKES),
        manner: Manner::Strike,
        request: moves::known,
        greeting: moves::nothing,
        strike: moves::join_fresh,
        answer: Fate::Closed(4429),
    },
    Plan {
        name: "attack-handshakes",
        pace: pace(2000, CONNECTS, DRIPS),
        manner: Manner::Linger,
        request: moves::half_open,
        greeting: moves::nothing,
        strike: moves::drip,
        answer: Fate::Cut,
    },
    Plan {
        name: "attack-reader",
        pace: pace(128, READERS, 0),
        manner: Manner::StopReading,
        request: moves::known,
        greeting: moves::join_busy,
        strike: moves::nothing,
        answer: Fate::Closed(1013),
    },
    Plan {
        name: "attack-tokens",
        pace: pace(64, CONNECTS, 0),
        manner: Manner::Strike,
        request: moves::doubtful,
        greeting: moves::prove_nothing,
        strike: moves::nothing,
        answer: Fate::Closed(4403),
    },
    Plan {
        name: "attack-messages",
        pace: pace(64, CONNECTS, MESSAGES),
        manner: Manner::Strike,
        request: moves::known,
        greeting: moves::nothing,
        strike: moves::bad_message,
        answer: Fate::Closed(1008),
    },
    Plan {
        name: "attack-connects",
        pace: pace(64, STORM, 0),
        manner: Manner::Leave,
        request: moves::known,
        greeting: moves::nothing,
        strike: moves::nothing,
        answer: Fate::Cut,
    },
];
