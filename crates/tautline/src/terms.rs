//! What a room's rule asks of the engine, and what is said when the engine refuses.

use std::time::Duration;

use tautline_engine::{EngineError, Level, Terms};
use tautline_protocol::model::{Retention, RoomName, RoomRule};
use tautline_protocol::wire::ErrorCode;
use tokio::time::Instant;

use crate::limits::Counts;

/// How long keys are remembered.
const KEY_WINDOW: Duration = Duration::from_mins(10);

/// What a room without a rule keeps.
const NOTHING: Retention = Retention {
    count: 0,
    age: Duration::ZERO,
};

/// All who publish in a room do it too often together.
#[derive(Debug, thiserror::Error)]
#[error("{room} is published to too often; wait {} ms and send it again", self.wait_ms())]
pub(crate) struct TooOften {
    room: RoomName,
    wait: Duration,
}

impl TooOften {
    /// After so many milliseconds it is not too often any more.
    pub(crate) fn wait_ms(&self) -> u64 {
        u64::try_from(self.wait.as_millis()).map_or(u64::MAX, |wait| wait.saturating_add(1))
    }
}

/// The terms of the next publication to a room with this rule, if it may come now.
pub(crate) fn of(
    rule: Option<&RoomRule>,
    room: &RoomName,
    counts: &Counts,
) -> Result<Terms, TooOften> {
    let rate = rule.and_then(|rule| rule.rate);
    let taken = counts.rooms.take(room, rate, Instant::now().into_std());
    taken.map_err(|wait| TooOften {
        room: room.clone(),
        wait,
    })?;
    Ok(Terms {
        history: rule.map_or(NOTHING, |rule| rule.history),
        level: Level::Memory,
        key_window: KEY_WINDOW,
    })
}

/// The code and the words for whoever asked: what is behind the engine is the operator's business.
pub(crate) fn refusal(error: &EngineError) -> (ErrorCode, String) {
    const LATER: &str = "the server could not do this now: try again later";
    let (code, message) = match error {
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
