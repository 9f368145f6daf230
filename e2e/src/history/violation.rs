//! A promise that was broken, and where.

use std::sync::Arc;

use tautline_protocol::model::{Epoch, Position};

use super::{History, Key, Room};

/// A promise that was broken, where, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{room}, {witness}: {fault}")]
pub struct Violation {
    /// The room.
    pub room: Room,
    /// Whose history, or whether the log, shows it.
    pub witness: String,
    /// What is wrong.
    pub fault: Fault,
}

/// How a promise is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Two publications have one place.
    #[error("{position} is {} here, and {} elsewhere", shown(*.here), shown(*.elsewhere))]
    TwoAtOnePlace {
        /// The place.
        position: Position,
        /// What is said to be there.
        here: Option<Key>,
        /// What was said to be there before.
        elsewhere: Option<Key>,
    },
    /// One place has two ids.
    #[error("offset {offset} of epoch {epoch} has two ids")]
    TwoIds {
        /// The life of the room.
        epoch: Epoch,
        /// The place.
        offset: u64,
    },
    /// One publication has two places.
    #[error("{key} is at {first} and at {second} of epoch {epoch}")]
    TwoPlaces {
        /// Which publication.
        key: Key,
        /// The life of the room.
        epoch: Epoch,
        /// One place.
        first: u64,
        /// The other.
        second: u64,
    },
    /// Nobody has sent what is there.
    #[error("{0} is nothing that anybody sent")]
    Invented(Position),
    /// A producer's publications are not in its order.
    #[error("{earlier} was sent before {later}, and is behind it in epoch {epoch}")]
    ProducerOrder {
        /// Sent first.
        earlier: Key,
        /// Sent behind it.
        later: Key,
        /// The life of the room.
        epoch: Epoch,
    },
    /// What was acknowledged is not in the log.
    #[error("{0} was acknowledged at {1}, and is not in the log")]
    Lost(Key, Position),
    /// The log has a hole.
    #[error("the log has nothing at offset {0}")]
    LogHole(u64),
    /// A message came to who was no member.
    #[error("{0} came to who was no member")]
    Stray(Position),
    /// A message, or a whole epoch, came without a word of what is missing.
    #[error("behind {stands} came {came}, and nothing was said of what is between")]
    Hole {
        /// Where the client stood.
        stands: Position,
        /// What came.
        came: Position,
    },
    /// A message came that was before what the client had.
    #[error("behind {stands} came {came}, which is not behind it")]
    Backwards {
        /// Where the client stood.
        stands: Position,
        /// What came.
        came: Position,
    },
    /// A publication came twice.
    #[error("{0} came twice")]
    Twice(Key),
    /// What is said of a gap does not follow from where the client stood.
    #[error(
        "a gap from {from} to {to} does not begin behind {stands}, or does not end where it goes on"
    )]
    WrongGap {
        /// Where the client stood.
        stands: Position,
        /// The first that is said to be missing.
        from: u64,
        /// The last that is said to be missing.
        to: u64,
    },
    /// A gap and no gap are told at once, or neither.
    #[error("recovered is {recovered}, and a gap is {}told, after {since}", if *.gap { "" } else { "not " })]
    RecoveredUntrue {
        /// Where the client stood.
        since: Position,
        /// What was said.
        recovered: bool,
        /// Whether a gap was told.
        gap: bool,
    },
    /// Where the client stood is another publication by now, and it is told that it has missed nothing.
    #[error("recovered is true after {since}, where the room has another publication")]
    RecoveredElsewhere {
        /// Where the client stood.
        since: Position,
    },
    /// The store was brought back from an older copy, and a client is told that it has missed nothing.
    #[error("recovered is true after {since}, although the store was brought back behind it")]
    RecoveredInAnotherEra {
        /// Where the client stood.
        since: Position,
    },
    /// A client that did not say where it stood is told that it has missed nothing.
    #[error("recovered is true for who did not say where it stood")]
    RecoveredNothing,
    /// The client did not ask from where it stood: then nothing can be judged.
    #[error("the client itself asked from {asked}, and stood elsewhere")]
    Strayed {
        /// What it asked from.
        asked: Position,
    },
    /// A cursor went back.
    #[error("the cursor was at {before}, and is at {now}")]
    CursorBack {
        /// Where it was.
        before: u64,
        /// Where it is.
        now: u64,
    },
    /// A cursor is where nobody acked.
    #[error("the cursor is at {now}, and only {acked} was acked")]
    CursorAhead {
        /// Up to where was acked.
        acked: u64,
        /// Where the cursor is.
        now: u64,
    },
}

impl Fault {
    /// Which promise it breaks, as the documentation names it.
    pub fn promise(&self) -> &'static str {
        match self {
            Self::TwoAtOnePlace { .. }
            | Self::TwoIds { .. }
            | Self::TwoPlaces { .. }
            | Self::LogHole(_) => "one order",
            Self::Invented(_) => "nothing invented",
            Self::ProducerOrder { .. } => "a producer's order",
            Self::Lost(..) => "acknowledged is there",
            Self::Stray(_) | Self::Hole { .. } | Self::Backwards { .. } => {
                "nothing lost without a word"
            }
            Self::Twice(_) => "nothing twice",
            Self::WrongGap { .. } => "an honest gap",
            Self::RecoveredUntrue { .. }
            | Self::RecoveredElsewhere { .. }
            | Self::RecoveredInAnotherEra { .. }
            | Self::RecoveredNothing => "an honest recovered",
            Self::Strayed { .. } => "the judge's own",
            Self::CursorBack { .. } | Self::CursorAhead { .. } => "an honest cursor",
        }
    }
}

impl Violation {
    pub(super) fn of(history: &History, room: &Room, fault: Fault) -> Self {
        Self {
            room: Arc::clone(room),
            witness: history.client.clone(),
            fault,
        }
    }

    pub(super) fn of_log(room: &Room, fault: Fault) -> Self {
        Self {
            room: Arc::clone(room),
            witness: "the log".to_owned(),
            fault,
        }
    }
}

fn shown(key: Option<Key>) -> String {
    key.map_or_else(|| "something unknown".to_owned(), |key| key.to_string())
}
