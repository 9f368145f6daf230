//! The physical limit of durable publications: a bare writer to `SQLite`.
//!
//! One thread. A byte that comes stands for a publication, all that came in one read are one
//! transaction, and as many bytes are the answer when the disk has it. The tables, the rows, the order
//! of the keys and the settings are those of Tautline's store; what it leaves out is everything else.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use anyhow::{Context as _, Result};
use rusqlite::{Connection, Statement, Transaction, TransactionBehavior, params};
use serde_json::json;

use crate::load::fanout::CHAT;

/// So many rows share one transaction at most, as in Tautline.
const BATCH_MAX: usize = 256;

/// As `crates/engine/src/embedded/place.rs` has them.
const SETTINGS: &str = "
PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
";

/// Of `crates/engine/src/embedded/tables/mod.rs`, those that a publication with a key writes to.
const SCHEMA: &str = "
CREATE TABLE rooms (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL,
  head INTEGER NOT NULL, head_id BLOB NOT NULL, trimmed INTEGER NOT NULL, trimmed_id BLOB NOT NULL,
  count INTEGER NOT NULL, age INTEGER NOT NULL, at INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT;
CREATE TABLE log (
  seq INTEGER PRIMARY KEY, room INTEGER NOT NULL, off INTEGER NOT NULL, id BLOB NOT NULL,
  at INTEGER NOT NULL, sent_at INTEGER NOT NULL, event TEXT NOT NULL, user TEXT, tag TEXT,
  data BLOB NOT NULL, crc INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX log_of_room ON log (room, off);
CREATE TABLE keys (
  room INTEGER NOT NULL, name BLOB NOT NULL, off INTEGER NOT NULL, id BLOB NOT NULL,
  content INTEGER NOT NULL, ends INTEGER NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (room, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_end ON keys (ends);
INSERT INTO rooms VALUES (1, 'durable:bench', 1, 0, x'', 0, x'', 1000000, 1, 1, 1);
";

const LOG: &str = "INSERT INTO log (room, off, id, at, sent_at, event, user, tag, data, crc)
                   VALUES (1, ?1, ?2, ?1, ?1, 'chat', 'bench', 'bench', ?3, 4294967295)";
const KEY: &str = "INSERT OR REPLACE INTO keys VALUES (1, ?1, ?2, ?3, ?2, ?2, 4294967295)";
const ROOM: &str = "UPDATE rooms SET head = ?1, head_id = ?2, at = ?1 WHERE id = 1";

/// A new database in a new directory.
pub(crate) fn open(directory: &Path) -> Result<Connection> {
    std::fs::create_dir_all(directory)?;
    let connection = Connection::open(directory.join("rows.db"))?;
    connection.execute_batch(SETTINGS)?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

/// Writes until it is killed; says on `ready` where it listens.
pub(crate) fn serve(directory: &Path, ready: &mut dyn std::io::Write) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let connection = open(directory)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(
        ready,
        "{}",
        json!({ "message": "listening", "address": listener.local_addr()?.to_string() })
    )?;
    let mut rows = Rows::prepare(&connection)?;
    for stream in listener.incoming() {
        rows.take_all(stream?)?;
    }
    Ok(())
}

/// Who writes.
#[derive(Debug)]
pub(crate) struct Rows<'c> {
    connection: &'c Connection,
    log: Statement<'c>,
    key: Statement<'c>,
    room: Statement<'c>,
    written: u64,
    batches: u64,
}

impl<'c> Rows<'c> {
    pub(crate) fn prepare(connection: &'c Connection) -> Result<Self> {
        Ok(Self {
            connection,
            log: connection.prepare(LOG)?,
            key: connection.prepare(KEY)?,
            room: connection.prepare(ROOM)?,
            written: 0,
            batches: 0,
        })
    }

    /// Writes for one client until it leaves.
    fn take_all(&mut self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut bytes = [0; BATCH_MAX];
        loop {
            let count = stream.read(&mut bytes)?;
            let Some(asked) = bytes.get(..count).filter(|asked| !asked.is_empty()) else {
                return Ok(());
            };
            self.write(count)?;
            stream.write_all(asked)?;
        }
    }

    /// One transaction.
    pub(crate) fn write(&mut self, count: usize) -> Result<()> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = Transaction::new_unchecked(self.connection, behavior)?;
        self.batches += 1;
        for publisher in 0..count {
            self.written += 1;
            let id = u128::from(self.written).to_be_bytes();
            self.log
                .execute(params![self.written, id, CHAT.as_bytes()])?;
            // A user, and a key that begins with its publisher.
            let name = format!(
                "\u{1}\0\0\0\u{5}bench643f2a1b2c3d4:{publisher}:{}",
                self.batches
            );
            self.key
                .execute(params![name.as_bytes(), self.written, id])?;
        }
        let id = u128::from(self.written).to_be_bytes();
        self.room.execute(params![self.written, id])?;
        transaction.commit().context("the disk does not keep it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_there() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        let mut rows = Rows::prepare(&connection).unwrap();
        rows.write(3).unwrap();
        rows.write(1).unwrap();
        let sum = |sql| {
            connection
                .query_row(sql, [], |row| row.get::<_, i64>(0))
                .unwrap()
        };
        assert_eq!(sum("SELECT count(*) FROM log"), 4);
        assert_eq!(sum("SELECT count(*) FROM keys"), 4);
        assert_eq!(sum("SELECT head FROM rooms"), 4);
    }
}
