//! Why a store cannot be used, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use super::fault::Fault;

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or a file in it cannot be used.
    #[error("{}: {source}", path.display())]
    Disk {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error("{}: {reason}", path.display())]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another process has it open.
    #[error("{}: another process uses this store", .0.display())]
    Locked(PathBuf),
    /// A newer version of this program has written it.
    #[error("{}: has format {format}, which a newer version has written", path.display())]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its format.
        format: i64,
    },
    /// The file is another program's.
    #[error("{}: is not a store", .0.display())]
    Foreign(PathBuf),
    /// Something is there already.
    #[error("{}: is there already", .0.display())]
    Taken(PathBuf),
    /// What is stored contradicts itself.
    #[error("{}: the store is damaged: {what}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// How.
        what: String,
    },
}

impl StoreError {
    /// What a person can do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Disk { .. } | Self::Database { .. } => {
                "make sure that the disk is mounted, has room, and that this user may read and write there"
            }
            Self::Locked(_) => "stop that process, or give each server a directory of its own",
            Self::Newer { .. } => {
                "run the version that has written it, or a newer one; a store does not go back"
            }
            Self::Foreign(_) => "name a directory that nothing else uses",
            Self::Taken(_) => "move it away, or name another place",
            Self::Damaged { .. } => {
                "look for a failing disk; keep the directory as it is, and begin in an empty one or with a backup"
            }
        }
    }

    pub(super) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Disk { path, source }
    }

    pub(super) fn fault(path: &Path) -> impl FnOnce(Fault) -> Self {
        let path = path.to_owned();
        |fault| match fault {
            Fault::Damaged(what) => Self::Damaged { path, what },
            Fault::Full | Fault::Lost(_) | Fault::Other(_) => Self::Database {
                path,
                reason: fault.to_string(),
            },
        }
    }

    pub(super) fn database(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::fault(&path)(error.into())
    }
}
