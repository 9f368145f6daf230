//! One file of the log: a database of `SQLite` that is only ever appended to.
//!
//! It is written as WAL, so that others read while the server writes, and with `synchronous = FULL`: a
//! batch that is reported as written is on the disk, whatever happens to the process or to the machine.
//! That costs one flush per batch, off the shards; batches grow as the disk gets slower.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::chain::{Hash, Head};
use super::fault::Fault;
use super::query::Query;
use super::row::{Entry, Row};

/// The layout of a file.
const FORMAT: u32 = 1;

/// Another program may hold the file so long before that is a fault.
const BUSY_PATIENCE: Duration = Duration::from_secs(1);

/// Every table and trigger. What is written stays as it is, and rows come in their order.
const SCHEMA: &str = "
CREATE TABLE start (sequence INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE rows (
  sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, connection TEXT, user TEXT,
  address TEXT, room TEXT, detail TEXT NOT NULL, hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER start_is_one BEFORE INSERT ON start WHEN EXISTS (SELECT 1 FROM start)
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER start_stays BEFORE UPDATE ON start
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER start_is_kept BEFORE DELETE ON start
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER rows_come_in_order BEFORE INSERT ON rows
  WHEN NEW.sequence <> 1 + coalesce((SELECT max(sequence) FROM rows), (SELECT sequence FROM start))
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER rows_stay BEFORE UPDATE ON rows
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER rows_are_kept BEFORE DELETE ON rows
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
";

const INSERT: &str = "INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// A file, open.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    connection: Connection,
    /// Device and inode: the file that was opened, whatever stands at the path later.
    identity: (u64, u64),
}

impl File {
    /// Makes a file whose rows follow `start`. It gets its name when it is whole.
    pub(super) fn create(path: &Path, start: Head) -> Result<(), Fault> {
        let unfinished = path.with_extension("new");
        // What a crash has left there, or what somebody has put there: never written through.
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Fault::disk(&unfinished)(error));
            }
            Ok(()) | Err(_) => {}
        }
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        options
            .open(&unfinished)
            .map_err(Fault::disk(&unfinished))?;
        let fill = |connection: &Connection| {
            connection.execute_batch(&format!(
                "PRAGMA user_version = {FORMAT}; BEGIN; {SCHEMA} COMMIT;"
            ))?;
            let hash = start.hash.0;
            connection.execute(
                "INSERT INTO start VALUES (?1, ?2)",
                params![start.sequence, hash],
            )
        };
        let connection = open(&unfinished, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        fill(&connection).map_err(Fault::database(&unfinished))?;
        drop(connection);
        fs::rename(&unfinished, path).map_err(Fault::disk(path))?;
        let directory = path.parent().unwrap_or(path);
        let synced = fs::File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(Fault::disk(directory))
    }

    /// Opens a file to append to it.
    pub(super) fn open_to_write(path: &Path) -> Result<Self, Fault> {
        let file = Self::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
        file.connection
            .execute_batch(pragmas)
            .map_err(Fault::database(path))?;
        Ok(file)
    }

    /// Opens a file that somebody else may be writing.
    pub(super) fn open_to_read(path: &Path) -> Result<Self, Fault> {
        Self::open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn open(path: &Path, how: OpenFlags) -> Result<Self, Fault> {
        let connection = open(path, how)?;
        let file = Self {
            identity: identity(path)?,
            path: path.to_owned(),
            connection,
        };
        match file.number("PRAGMA user_version")? {
            format if format == u64::from(FORMAT) => Ok(file),
            format => {
                let what = format!("is no audit log of format {FORMAT}, but says {format}");
                Err(Fault::damaged(path, what))
            }
        }
    }

    /// Appends a row behind `head` for every entry, or for none. Gives where the chain stands then.
    pub(super) fn append(&mut self, mut head: Head, entries: &[Entry]) -> Result<Head, Fault> {
        if identity(&self.path).ok() != Some(self.identity) {
            return Err(Fault::Gone(self.path.clone()));
        }
        let mut write = |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut insert = transaction.prepare(INSERT)?;
            for entry in entries {
                head = head.after(entry);
                insert.execute(params![
                    head.sequence,
                    entry.time,
                    entry.kind,
                    entry.connection,
                    entry.user,
                    entry.address,
                    entry.room,
                    entry.detail,
                    head.hash.0
                ])?;
            }
            drop(insert);
            transaction.commit()?;
            Ok(head)
        };
        write(&mut self.connection).map_err(Fault::database(&self.path))
    }

    /// Makes one plain file of what is written, without the log beside it. While somebody reads, it stays.
    pub(super) fn settle(self) {
        drop(
            self.connection
                .execute_batch("PRAGMA journal_mode = DELETE"),
        );
    }

    /// How large it is, with what is still in the log beside it.
    pub(super) fn bytes(&self) -> Result<u64, Fault> {
        Ok(self.number("PRAGMA page_count")? * self.number("PRAGMA page_size")?)
    }

    /// Where the chain stood before its first row.
    pub(super) fn start(&self) -> Result<Head, Fault> {
        let read = |row: &rusqlite::Row<'_>| {
            let (sequence, hash) = (row.get(0)?, Hash(row.get(1)?));
            Ok(Head { sequence, hash })
        };
        self.connection
            .query_row("SELECT sequence, hash FROM start", [], read)
            .map_err(Fault::database(&self.path))
    }

    /// The number of its last row; that of its start if it has none.
    pub(super) fn last(&self) -> Result<u64, Fault> {
        self.number(
            "SELECT coalesce((SELECT max(sequence) FROM rows), (SELECT sequence FROM start))",
        )
    }

    /// Whether every table and every trigger is as it was made, and there is no other.
    pub(super) fn check_schema(&self) -> Result<(), Fault> {
        let list = |connection: &Connection| {
            let sql = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<String>>>()
        };
        let model = || {
            let connection = Connection::open_in_memory()?;
            connection.execute_batch(SCHEMA)?;
            list(&connection)
        };
        let fault = || Fault::database(&self.path);
        if list(&self.connection).map_err(fault())? == model().map_err(fault())? {
            Ok(())
        } else {
            let what = "its tables or the triggers that guard them were changed";
            Err(Fault::damaged(&self.path, what))
        }
    }

    /// Shows every row that is asked for, in order, until `show` has seen enough.
    pub(super) fn rows(
        &self,
        query: &Query,
        mut show: impl FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let fault = || Fault::database(&self.path);
        let mut statement = self.connection.prepare(Query::SQL).map_err(fault())?;
        let mut rows = query.run(&mut statement).map_err(fault())?;
        while let Some(row) = rows.next().map_err(fault())? {
            if show(read(row).map_err(fault())?).is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn number(&self, sql: &str) -> Result<u64, Fault> {
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(Fault::database(&self.path))
    }
}

fn open(path: &Path, how: OpenFlags) -> Result<Connection, Fault> {
    let flags = how | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_PATIENCE)?;
        Ok(connection)
    };
    open().map_err(Fault::database(path))
}

fn identity(path: &Path) -> Result<(u64, u64), Fault> {
    let metadata = fs::metadata(path).map_err(Fault::disk(path))?;
    Ok((metadata.dev(), metadata.ino()))
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let kind: String = row.get(2)?;
    let entry = Entry {
        time: row.get(1)?,
        kind: kind.into(),
        connection: row.get(3)?,
        user: row.get(4)?,
        address: row.get(5)?,
        room: row.get(6)?,
        detail: row.get(7)?,
    };
    Ok(Row {
        sequence: row.get(0)?,
        entry,
        hash: Hash(row.get(8)?),
    })
}
