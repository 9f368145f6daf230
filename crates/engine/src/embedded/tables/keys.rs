//! The keys of publications, for as long as a second attempt is recognized.

use std::time::Duration;

use rusqlite::{Connection, Row, Statement, params};
use tautline_protocol::model::PublicationId;

use super::super::clock::{micros, time};
use super::super::fault::Fault;
use super::super::sum::Sum;

/// The table `keys`.
#[derive(Debug)]
pub(in super::super) struct KeyTable<'c> {
    add: Statement<'c>,
    put: Statement<'c>,
    one: Statement<'c>,
    any: Statement<'c>,
    all: Statement<'c>,
    expire: Statement<'c>,
}

/// What is stored of a key: the first publication that had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct UsedKey {
    pub(in super::super) offset: u64,
    pub(in super::super) id: PublicationId,
    pub(in super::super) content: u64,
    pub(in super::super) ends: Duration,
}

/// The name of a key, with its user's; none is the backend. No two have the same.
pub(in super::super) fn key_name(user: Option<&str>, key: &str) -> Vec<u8> {
    let mut name = Vec::with_capacity(5 + user.map_or(0, str::len) + key.len());
    if let Some(user) = user {
        let length = u32::try_from(user.len()).unwrap_or(u32::MAX);
        name.push(1);
        name.extend(length.to_be_bytes());
        name.extend(user.as_bytes());
    } else {
        name.push(0);
    }
    name.extend(key.as_bytes());
    name
}

impl<'c> KeyTable<'c> {
    pub(in super::super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            add: connection.prepare("INSERT OR IGNORE INTO keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?,
            put: connection.prepare("INSERT OR REPLACE INTO keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?,
            one: connection.prepare(
                "SELECT off, id, content, ends, crc, room, name FROM keys WHERE room = ?1 AND name = ?2",
            )?,
            any: connection.prepare("SELECT EXISTS (SELECT 1 FROM keys WHERE room = ?1)")?,
            all: connection.prepare("SELECT off, id, content, ends, crc, room, name FROM keys")?,
            expire: connection.prepare(
                "DELETE FROM keys WHERE (room, name) IN
                 (SELECT room, name FROM keys WHERE ends <= ?1 ORDER BY ends LIMIT ?2)",
            )?,
        })
    }

    /// Adds a key, unless one of this name is stored. Whether it was added.
    pub(in super::super) fn add(
        &mut self,
        room: i64,
        name: &[u8],
        key: UsedKey,
    ) -> Result<bool, Fault> {
        Ok(write(&mut self.add, room, name, key)? == 1)
    }

    /// Stores a key, in the place of one of this name.
    pub(in super::super) fn put(
        &mut self,
        room: i64,
        name: &[u8],
        key: UsedKey,
    ) -> Result<(), Fault> {
        write(&mut self.put, room, name, key)?;
        Ok(())
    }

    /// What is stored of this key, whether it has ended or not.
    pub(in super::super) fn get(
        &mut self,
        room: i64,
        name: &[u8],
    ) -> Result<Option<UsedKey>, Fault> {
        let mut rows = self.one.query(params![room, name])?;
        rows.next()?.map(read).transpose()
    }

    /// Whether a room has any.
    pub(in super::super) fn any(&mut self, room: i64) -> Result<bool, Fault> {
        Ok(self.any.query_row([room], |row| row.get(0))?)
    }

    /// Checks every row, and answers how many there are: a damaged name would be looked for in vain.
    pub(in super::super) fn check(&mut self) -> Result<u64, Fault> {
        let mut rows = self.all.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            read(row)?;
            count += 1;
        }
        Ok(count)
    }

    /// Deletes up to `limit` that have ended. Answers how many there were.
    pub(in super::super) fn expire(&mut self, now: Duration, limit: usize) -> Result<usize, Fault> {
        Ok(self.expire.execute(params![micros(now), limit])?)
    }
}

fn write(
    statement: &mut Statement<'_>,
    room: i64,
    name: &[u8],
    key: UsedKey,
) -> rusqlite::Result<usize> {
    let ends = micros(key.ends);
    statement.execute(params![
        room,
        name,
        key.offset,
        key.id.0,
        key.content.cast_signed(),
        ends,
        sum(room, name, key, ends).end(),
    ])
}

fn read(row: &Row<'_>) -> Result<UsedKey, Fault> {
    let ends: i64 = row.get(3)?;
    let key = UsedKey {
        offset: row.get(0)?,
        id: PublicationId(row.get(1)?),
        content: row.get::<_, i64>(2)?.cast_unsigned(),
        ends: time(ends),
    };
    let room = row.get(5)?;
    let name: Vec<u8> = row.get(6)?;
    let sum = sum(room, &name, key, ends);
    sum.check(row.get(4)?, || format!("a key of room {room}"))?;
    Ok(key)
}

fn sum(room: i64, name: &[u8], key: UsedKey, ends: i64) -> Sum {
    Sum::of("keys")
        .number(room)
        .bytes(name)
        .number(key.offset.cast_signed())
        .bytes(&key.id.0)
        .number(key.content.cast_signed())
        .number(ends)
}
