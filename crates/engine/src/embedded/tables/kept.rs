//! Values that end by themselves.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, Statement, params};

use super::super::clock::{micros, time};
use super::super::fault::Fault;
use super::super::sum::Sum;

/// The table `kept`.
#[derive(Debug)]
pub(in super::super) struct KeptTable<'c> {
    put: Statement<'c>,
    all: Statement<'c>,
    expire: Statement<'c>,
}

impl<'c> KeptTable<'c> {
    pub(in super::super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            put: connection.prepare("INSERT OR REPLACE INTO kept VALUES (?1, ?2, ?3, ?4)")?,
            all: connection.prepare("SELECT key, value, ends, crc FROM kept")?,
            expire: connection.prepare(
                "DELETE FROM kept WHERE key IN
                 (SELECT key FROM kept WHERE ends <= ?1 ORDER BY ends LIMIT ?2)",
            )?,
        })
    }

    pub(in super::super) fn put(
        &mut self,
        key: &str,
        value: &[u8],
        ends: Duration,
    ) -> Result<(), Fault> {
        let ends = micros(ends);
        let crc = sum(key, value, ends).end();
        self.put.execute(params![key, value, ends, crc])?;
        Ok(())
    }

    pub(in super::super) fn for_each(
        &mut self,
        mut act: impl FnMut(&str, Bytes, Duration),
    ) -> Result<(), Fault> {
        let mut rows = self.all.query([])?;
        while let Some(row) = rows.next()? {
            let (key, value, ends): (String, Vec<u8>, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let sum = sum(&key, &value, ends);
            sum.check(row.get(3)?, || "a kept value".to_owned())?;
            act(&key, value.into(), time(ends));
        }
        Ok(())
    }

    /// Deletes up to `limit` that have ended. Answers how many there were.
    pub(in super::super) fn expire(&mut self, now: Duration, limit: usize) -> Result<usize, Fault> {
        Ok(self.expire.execute(params![micros(now), limit])?)
    }
}

fn sum(key: &str, value: &[u8], ends: i64) -> Sum {
    Sum::of("kept").text(key).bytes(value).number(ends)
}
