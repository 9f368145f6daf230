//! What a client goes by.

use std::sync::Arc;
use std::time::Duration;

use super::Retry;
use crate::wire::v2::Encoding;

/// What a client goes by; the same for as long as the program runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which program this is.
    pub program: Program,
    /// Random, and of this client alone: who publishes, whatever the connection. At most 64 characters.
    pub producer: Arc<str>,
    /// How messages are written.
    pub encoding: Encoding,
    /// When to come back.
    pub retry: Retry,
    /// What may wait to be published.
    pub queue: QueueBounds,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

/// A program, as `hello` names it.
#[derive(Debug, Clone)]
pub struct Program {
    /// Such as `my-service`, at most 64 characters.
    pub name: Arc<str>,
    /// Such as `1.2.3`, at most 64 characters.
    pub version: Arc<str>,
}

/// What may wait to be published or acknowledged. What comes beyond that is refused at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueBounds {
    /// So many publications.
    pub messages_max: usize,
    /// So many bytes of data.
    pub bytes_max: usize,
    /// What is not acknowledged after this time has failed. The server knows a publication again for ten minutes:
    /// longer than that, and a second attempt might be taken for another publication.
    pub ttl: Duration,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a token from the application.
    pub token: Duration,
    /// For a connection, its TLS and its upgrade.
    pub dial: Duration,
    /// For the answer to `hello`.
    pub hello: Duration,
    /// For any sign of life after a probe.
    pub probe: Duration,
    /// For any sign of life after the server's next ping was due at the latest.
    pub silence: Duration,
    /// For the answer to a question.
    pub call: Duration,
}

impl Settings {
    /// The defaults, for this program and this client of it.
    pub fn new(program: Program, producer: Arc<str>) -> Self {
        Self {
            program,
            producer,
            encoding: Encoding::MessagePack,
            retry: Retry::default(),
            queue: QueueBounds::default(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for QueueBounds {
    /// 256 publications, 1 MiB, one minute.
    fn default() -> Self {
        Self {
            messages_max: 256,
            bytes_max: 1 << 20,
            ttl: Duration::from_mins(1),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            token: Duration::from_secs(10),
            dial: Duration::from_secs(10),
            hello: Duration::from_secs(5),
            probe: Duration::from_secs(3),
            silence: Duration::from_secs(10),
            call: Duration::from_secs(10),
        }
    }
}
