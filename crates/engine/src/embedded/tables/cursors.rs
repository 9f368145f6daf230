//! How far users have acknowledged rooms.

use rusqlite::{Connection, Statement, params};
use tautline_protocol::model::{Epoch, Position, PublicationId};

use super::super::fault::Fault;
use super::super::sum::Sum;

/// The table `cursors`.
#[derive(Debug)]
pub(in super::super) struct CursorTable<'c> {
    put: Statement<'c>,
    all: Statement<'c>,
}

impl<'c> CursorTable<'c> {
    pub(in super::super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            put: connection
                .prepare("INSERT OR REPLACE INTO cursors VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?,
            all: connection.prepare("SELECT room, user, epoch, off, id, crc FROM cursors")?,
        })
    }

    pub(in super::super) fn put(
        &mut self,
        room: i64,
        user: &str,
        at: Position,
    ) -> Result<(), Fault> {
        self.put.execute(params![
            room,
            user,
            at.epoch.0.cast_signed(),
            at.offset.cast_signed(),
            at.id.0,
            sum(room, user, at).end(),
        ])?;
        Ok(())
    }

    pub(in super::super) fn for_each(
        &mut self,
        mut act: impl FnMut(i64, &str, Position) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut rows = self.all.query([])?;
        while let Some(row) = rows.next()? {
            let (room, user): (i64, String) = (row.get(0)?, row.get(1)?);
            let at = Position {
                epoch: Epoch(row.get::<_, i64>(2)?.cast_unsigned()),
                offset: row.get::<_, i64>(3)?.cast_unsigned(),
                id: PublicationId(row.get(4)?),
            };
            let sum = sum(room, &user, at);
            sum.check(row.get(5)?, || format!("a cursor of room {room}"))?;
            act(room, &user, at)?;
        }
        Ok(())
    }
}

fn sum(room: i64, user: &str, at: Position) -> Sum {
    Sum::of("cursors")
        .number(room)
        .text(user)
        .number(at.epoch.0.cast_signed())
        .number(at.offset.cast_signed())
        .bytes(&at.id.0)
}
