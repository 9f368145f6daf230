//! Why the audit log cannot be written or read.

use std::io;
use std::path::{Path, PathBuf};

/// Why the audit log cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{}: {source}", path.display())]
    Disk { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Database {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("{}: another process writes this audit log", .0.display())]
    Locked(PathBuf),
    #[error("{}: others may write here", .0.display())]
    Open(PathBuf),
    #[error("{}: was removed or replaced while it was written", .0.display())]
    Gone(PathBuf),
    #[error("{}: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
}

impl Fault {
    /// Says at which path the disk failed.
    pub(super) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Disk { path, source }
    }

    /// Says in which file the database failed.
    pub(super) fn database(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Database { path, source }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    /// What a person can do about it.
    pub(super) fn fix(&self) -> &'static str {
        match self {
            Self::Disk { .. } | Self::Database { .. } => {
                "make sure that the disk is mounted, has room, and that this user may read and write there"
            }
            Self::Locked(_) => {
                "stop that process, or give each server an audit.directory of its own"
            }
            Self::Open(_) => {
                "run `chmod go-w` on it: who can write there can put a file in the log's place"
            }
            Self::Gone(_) => "put it back, or let the server go on in a new file",
            Self::Damaged { .. } => {
                "look at it with `tautline audit verify`, keep the directory as it is, and name a new one"
            }
        }
    }
}
