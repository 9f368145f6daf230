//! How a connection ended.

use std::fmt;
use std::io;

/// How a connection ended, and what was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// How.
    pub kind: EndKind,
    /// The code of the server's close or, after a violation, of ours.
    pub code: Option<u16>,
    /// The reason beside the code, or what the system says of the failure. From the network: for logs, not to be
    /// understood.
    pub reason: String,
}

/// Which way a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndKind {
    /// By a close of the server, be it the answer to ours.
    Closed,
    /// The stream ended without a close.
    Eof,
    /// The stream was reset.
    Reset,
    /// The stream failed in another way.
    Failed(io::ErrorKind),
    /// The server sent what it may not, and was told so.
    Violation,
}

impl Ended {
    /// Whether both sides have said that they are done.
    pub fn is_clean(&self) -> bool {
        self.kind == EndKind::Closed
    }

    pub(crate) fn closed(code: Option<u16>, reason: String) -> Self {
        Self {
            kind: EndKind::Closed,
            code,
            reason,
        }
    }

    pub(crate) fn violation(code: u16, reason: &str) -> Self {
        Self {
            kind: EndKind::Violation,
            code: Some(code),
            reason: reason.to_owned(),
        }
    }

    pub(crate) fn eof() -> Self {
        Self {
            kind: EndKind::Eof,
            code: None,
            reason: String::new(),
        }
    }

    /// A TLS stream that ends without saying so is an end like any other: no message depends on it.
    pub(crate) fn failed(error: &io::Error) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the kinds of the standard library grow, and the rest is kept as it is"
        )]
        let kind = match error.kind() {
            io::ErrorKind::UnexpectedEof => EndKind::Eof,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => EndKind::Reset,
            other => EndKind::Failed(other),
        };
        Self {
            kind,
            code: None,
            reason: error.to_string(),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            EndKind::Closed => "closed by the server",
            EndKind::Eof => "the stream ended without a close",
            EndKind::Reset => "the connection was reset",
            EndKind::Failed(_) => "the stream failed",
            EndKind::Violation => "the server broke the protocol",
        })?;
        if let Some(code) = self.code {
            write!(f, " ({code})")?;
        }
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason.escape_debug())?;
        }
        Ok(())
    }
}

impl std::error::Error for Ended {}
