//! Why an engine says no.

/// What a caller can act upon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine, or what stands behind it, does not answer; the outcome is unknown. Try again, with the same key.
    #[error("the engine is unavailable: {0}")]
    Unavailable(String),
    /// A bound of the engine is met; nothing was changed.
    #[error("the engine is full: {0}")]
    Full(&'static str),
    /// It cannot be done at present, for this reason; nothing was changed. Try again later: it goes on by itself.
    #[error("the engine cannot go on at present: {0}")]
    Stalled(&'static str),
    /// The key was used before, with other content.
    #[error("the key was used before with other content")]
    Conflict,
    /// What was stored is damaged; nothing wrong was handed out.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
    /// The engine has no such capability.
    #[error("the engine does not support {0}")]
    Unsupported(&'static str),
}
