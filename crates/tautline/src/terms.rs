//! What a room's rule asks of the engine, and what is said when the engine refuses.

use std::time::Duration;

use tautline_engine::{EngineError, Level, Terms};
use tautline_protocol::model::{Retention, RoomName, RoomRule};
use tautline_protocol::wire::ErrorCode;
use tokio::time::Instant;

use crate::audit::Audit;
use crate::limits::Counts;

/// How long keys are remembered.
const KEY_WINDOW: Duration = Duration::from_mins(10);

/// What a room without a rule keeps.
const NOTHING: Retention = Retention {
    count: 0,
    age: Duration::ZERO,
};

/// Why nothing is published to a room now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotNow {
    /// All who publish there do it too often together.
    #[error("{room} is published to too often; wait {wait_ms} ms and send it again")]
    TooOften {
        /// Where.
        room: RoomName,
        /// After so many milliseconds it is not too often any more.
        wait_ms: u64,
    },
    /// The audit log is lost, and must be whole.
    #[error("the server cannot write down what is published, and must: try again later")]
    Unaudited,
}

impl NotNow {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::TooOften { .. } => ErrorCode::RateLimited,
            Self::Unaudited => ErrorCode::Unavailable,
        }
    }
}

/// The terms of the next publication to a room with this rule, if it may come now.
pub(crate) fn of(
    rule: Option<&RoomRule>,
    room: &RoomName,
    (counts, audit): (&Counts, Option<&Audit>),
) -> Result<Terms, NotNow> {
    if audit.is_some_and(Audit::stops_publications) {
        return Err(NotNow::Unaudited);
    }
    let rate = rule.and_then(|rule| rule.rate);
    let taken = counts.rooms.take(room, rate, Instant::now().into_std());
    taken.map_err(|wait| NotNow::TooOften {
        room: room.clone(),
        wait_ms: u64::try_from(wait.as_millis()).map_or(u64::MAX, |wait| wait.saturating_add(1)),
    })?;
    Ok(Terms {
        history: rule.map_or(NOTHING, |rule| rule.history),
        level: if rule.is_some_and(|rule| rule.durable) {
            Level::Disk
        } else {
            Level::Memory
        },
        key_window: KEY_WINDOW,
    })
}

/// The code and the words for whoever asked: what is behind the engine is the operator's business.
pub(crate) fn refusal(error: &EngineError) -> (ErrorCode, String) {
    const LATER: &str = "the server could not do this now: try again later";
    let (code, message) = match error {
        EngineError::Stalled(why) => {
            // The store itself says it in the log, and once: this may be every publication.
            let message = format!("the server could not do this now ({why}): try again later");
            return (ErrorCode::Unavailable, message);
        }
        EngineError::Unavailable(_) => (ErrorCode::Unavailable, LATER.to_owned()),
        EngineError::Corrupt(_) => (ErrorCode::Internal, LATER.to_owned()),
        EngineError::Full(what) => {
            let message = format!("a limit of the server is reached ({what}): try again later");
            (ErrorCode::LimitExceeded, message)
        }
        EngineError::Conflict => (ErrorCode::Conflict, error.to_string()),
        EngineError::Unsupported(_) => (ErrorCode::Unsupported, error.to_string()),
    };
    if matches!(code, ErrorCode::Unavailable | ErrorCode::Internal) {
        tracing::warn!(%error, "the engine failed");
    }
    (code, message)
}
