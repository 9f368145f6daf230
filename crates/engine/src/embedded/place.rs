//! Where a store lives: a directory with a database, and a lock that one process holds.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::tables::SCHEMA;

/// The database in a store's directory.
pub(super) const DATABASE: &str = "store.db";

const LOCK: &str = "store.lock";

/// The tables as this version writes them.
const FORMAT: u32 = 1;

/// The bytes of a page.
const PAGE: u64 = 4_096;

/// What marks a database as a store: "taut" in ASCII.
const APPLICATION: u32 = 0x7461_7574;

/// How long a connection waits for another one that has the database for itself for a moment.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// A directory that no other process uses meanwhile.
#[derive(Debug)]
pub(super) struct Place {
    database: PathBuf,
    _lock: File,
}

impl Place {
    /// Makes the directory if need be, and locks it.
    pub(super) fn lock(directory: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(StoreError::disk(directory))?;
        let path = directory.join(LOCK);
        let lock = own_file(&path).map_err(StoreError::disk(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                database: directory.join(DATABASE),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked(directory.to_owned())),
            Err(TryLockError::Error(error)) => Err(StoreError::disk(&path)(error)),
        }
    }

    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    /// The one connection that writes. Makes the tables if there are none.
    pub(super) fn write(&self, bytes_max: u64) -> Result<Connection, StoreError> {
        let path = self.database();
        // Those that SQLite makes beside it are as private as it is.
        own_file(path).map_err(StoreError::disk(path))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let database = StoreError::database;
        let connection = connect(path, flags)?;
        let tables: u32 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(database(path))?;
        let is_new = tables == 0;
        if is_new {
            // Before the first table, or never.
            connection
                .execute_batch("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;")
                .map_err(database(path))?;
        } else {
            recognize(&connection, path)?;
        }
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;
                 PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;",
            )
            .and_then(|()| {
                let pages_max = i64::try_from(bytes_max / PAGE).unwrap_or(i64::MAX);
                let pages_max = pages_max.min(i64::from(u32::MAX - 1));
                connection.pragma_update(None, "max_page_count", pages_max)
            })
            .map_err(database(path))?;
        if is_new {
            let create = format!(
                "BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION};
                 PRAGMA user_version = {FORMAT}; COMMIT;"
            );
            connection.execute_batch(&create).map_err(database(path))?;
            self.keep_name()?;
        }
        Ok(connection)
    }

    /// A connection that only reads.
    pub(super) fn read(&self) -> Result<Connection, StoreError> {
        open_to_read(&self.database)
    }

    /// Has the disk keep the name of the new file, too.
    fn keep_name(&self) -> Result<(), StoreError> {
        let Some(directory) = self.database.parent() else {
            return Ok(());
        };
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(StoreError::disk(directory))
    }
}

/// A connection that only reads a store that may be in use.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    recognize(&connection, path)?;
    Ok(connection)
}

/// Opens a file, or makes it for this user alone.
pub(super) fn own_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    options.mode(0o600).open(path)
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(BUSY_MAX)?;
        connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;")?;
        Ok(connection)
    });
    opened.map_err(StoreError::database(path))
}

/// Whether it is a store that this version can read.
fn recognize(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let pragma = |name: &str| {
        connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0))
            .map_err(StoreError::database(path))
    };
    if pragma("application_id")? != i64::from(APPLICATION) {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    let format = pragma("user_version")?;
    if format == i64::from(FORMAT) {
        return Ok(());
    }
    Err(StoreError::Newer {
        path: path.to_owned(),
        format,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No kill shows it, since the kernel keeps what a process has written: only a loss of power would.
    #[test]
    fn a_commit_waits_for_the_disk() {
        let name = format!("tautline-place-{}", uuid::Uuid::now_v7().simple());
        let directory = std::env::temp_dir().join(name);
        let place = Place::lock(&directory).unwrap();
        let connection = place.write(u64::MAX).unwrap();
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
        let synchronous: i64 = pragma("synchronous").unwrap();
        assert_eq!(
            synchronous, 2,
            "anything less leaves the last commits to the kernel"
        );
        drop(connection);
        std::fs::remove_dir_all(directory).unwrap();
    }
}
