//! The tables of a store, each with the statements that it is used by.

mod cursors;
mod kept;
mod keys;
mod log;
mod rooms;

use rusqlite::Connection;

pub(super) use cursors::CursorTable;
pub(super) use kept::KeptTable;
pub(super) use keys::{KeyTable, UsedKey, key_name};
pub(super) use log::{Flaw, LogTable, Stretch, Whose};
pub(super) use rooms::{RoomRow, RoomTable};

/// Every table and index.
pub(super) const SCHEMA: &str = "
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
CREATE TABLE cursors (
  room INTEGER NOT NULL, user TEXT NOT NULL, epoch INTEGER NOT NULL, off INTEGER NOT NULL,
  id BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE kept (
  key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL, ends INTEGER NOT NULL, crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_by_end ON kept (ends);
";

/// All tables, for whoever writes.
#[derive(Debug)]
pub(super) struct Tables<'c> {
    pub(super) rooms: RoomTable<'c>,
    pub(super) log: LogTable<'c>,
    pub(super) keys: KeyTable<'c>,
    pub(super) cursors: CursorTable<'c>,
    pub(super) kept: KeptTable<'c>,
}

impl<'c> Tables<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            rooms: RoomTable::prepare(connection)?,
            log: LogTable::prepare(connection)?,
            keys: KeyTable::prepare(connection)?,
            cursors: CursorTable::prepare(connection)?,
            kept: KeptTable::prepare(connection)?,
        })
    }
}
