//! Why the store does not do what it is asked.

use rusqlite::{Error, ErrorCode, ffi};

use crate::EngineError;

/// Why the store does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Nothing was changed.
    #[error("the disk has no room")]
    Full,
    /// What is stored contradicts itself.
    #[error("{0}")]
    Damaged(String),
    /// The disk may have lost what it was told to keep, and says so only once.
    #[error("the disk did not keep what was written: {0}")]
    Lost(String),
    /// Anything else; nothing was changed.
    #[error("{0}")]
    Other(String),
}

impl Fault {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let Error::SqliteFailure(failure, _) = &error else {
            // Everything else is a value that is not what this program writes.
            return Self::Damaged(text);
        };
        match (failure.code, failure.extended_code) {
            (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Self::Full,
            // A write that fails for want of anything but room says the same as a sync that fails.
            (
                _,
                ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC
                | ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_TRUNCATE,
            ) => Self::Lost(text),
            (_, ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS)
            | (
                ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ConstraintViolation,
                _,
            ) => Self::Damaged(text),
            (_, code) => Self::Other(format!("{text} ({code})")),
        }
    }
}

impl From<Fault> for EngineError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full => Self::Stalled("the disk of durable rooms has no room"),
            Fault::Damaged(what) => Self::Corrupt(what),
            Fault::Lost(_) | Fault::Other(_) => Self::Unavailable(fault.to_string()),
        }
    }
}
