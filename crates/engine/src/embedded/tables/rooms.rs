//! The rooms: where each stands, and how much of it is kept.

use std::time::Duration;

use rusqlite::{Connection, Row, Statement, params};
use tautline_protocol::model::{Epoch, Position, PublicationId, Retention, RoomName};

use super::super::clock::{micros, time};
use super::super::fault::Fault;
use super::super::sum::Sum;
use crate::memory::span::Span;

/// The table `rooms`.
#[derive(Debug)]
pub(in super::super) struct RoomTable<'c> {
    connection: &'c Connection,
    insert: Statement<'c>,
    update: Statement<'c>,
    delete: Statement<'c>,
    one: Statement<'c>,
    all: Statement<'c>,
}

/// What is stored of a room itself. All publications of its span are stored, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct RoomRow {
    pub(in super::super) row: i64,
    pub(in super::super) name: RoomName,
    pub(in super::super) span: Span,
    pub(in super::super) retention: Retention,
}

const COLUMNS: &str = "id, name, epoch, head, head_id, trimmed, trimmed_id, count, age, at, crc";

impl<'c> RoomTable<'c> {
    pub(in super::super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            insert: connection.prepare(
                "INSERT INTO rooms (name, epoch, head, head_id, trimmed, trimmed_id, count, age, at, crc)
                 VALUES (?1, 0, 0, x'', 0, x'', 0, 0, 0, 0)",
            )?,
            update: connection.prepare(
                "UPDATE rooms SET epoch = ?2, head = ?3, head_id = ?4, trimmed = ?5, trimmed_id = ?6,
                 count = ?7, age = ?8, at = ?9, crc = ?10 WHERE id = ?1",
            )?,
            delete: connection.prepare("DELETE FROM rooms WHERE id = ?1")?,
            one: connection.prepare(&format!("SELECT {COLUMNS} FROM rooms WHERE id = ?1"))?,
            all: connection.prepare(&format!("SELECT {COLUMNS} FROM rooms ORDER BY id"))?,
        })
    }

    /// Adds a room, which must be updated in the same transaction. Answers the number of its row.
    pub(in super::super) fn insert(&mut self, name: &RoomName) -> Result<i64, Fault> {
        self.insert.execute([name.as_str()])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Says where the room stands at this time.
    pub(in super::super) fn update(&mut self, room: &RoomRow, at: Duration) -> Result<(), Fault> {
        let at = micros(at);
        let Span { head, trimmed } = room.span;
        let updated = self.update.execute(params![
            room.row,
            head.epoch.0.cast_signed(),
            head.offset,
            head.id.0,
            trimmed.offset,
            trimmed.id.0,
            room.retention.count,
            micros(room.retention.age),
            at,
            sum(room, micros(room.retention.age), at).end(),
        ])?;
        if updated == 1 {
            Ok(())
        } else {
            Err(Fault::Damaged(format!("room {} is not there", room.name)))
        }
    }

    pub(in super::super) fn delete(&mut self, row: i64) -> Result<(), Fault> {
        self.delete.execute([row])?;
        Ok(())
    }

    /// The room in this row; none if it was forgotten.
    pub(in super::super) fn one(&mut self, row: i64) -> Result<Option<RoomRow>, Fault> {
        let mut rows = self.one.query([row])?;
        let room = rows.next()?.map(read).transpose()?;
        Ok(room.map(|(room, _)| room))
    }

    /// Calls `act` with every room, and the time at which it was last updated.
    pub(in super::super) fn for_each(
        &mut self,
        mut act: impl FnMut(RoomRow, Duration) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut rows = self.all.query([])?;
        while let Some(row) = rows.next()? {
            let (room, at) = read(row)?;
            act(room, at)?;
        }
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<(RoomRow, Duration), Fault> {
    let id = row.get(0)?;
    let name: String = row.get(1)?;
    let damaged = || Fault::Damaged(format!("row {id} of the rooms does not match its checksum"));
    // A name that is none cannot be shown, either.
    let name = RoomName::parse(&name).map_err(|_not_a_name| damaged())?;
    let epoch = Epoch(row.get::<_, i64>(2)?.cast_unsigned());
    let position = |offset, bytes| Position {
        epoch,
        offset,
        id: PublicationId(bytes),
    };
    let age: i64 = row.get(8)?;
    let room = RoomRow {
        row: id,
        name,
        span: Span {
            head: position(row.get(3)?, row.get(4)?),
            trimmed: position(row.get(5)?, row.get(6)?),
        },
        retention: Retention {
            count: row.get(7)?,
            age: time(age),
        },
    };
    let in_order = room.span.trimmed.offset <= room.span.head.offset;
    let at: i64 = row.get(9)?;
    if i64::from(sum(&room, age, at).end()) == row.get::<_, i64>(10)? && in_order {
        Ok((room, time(at)))
    } else {
        Err(damaged())
    }
}

fn sum(room: &RoomRow, age: i64, at: i64) -> Sum {
    let Span { head, trimmed } = room.span;
    Sum::of("rooms")
        .number(room.row)
        .text(room.name.as_str())
        .number(head.epoch.0.cast_signed())
        .number(head.offset.cast_signed())
        .bytes(&head.id.0)
        .number(trimmed.offset.cast_signed())
        .bytes(&trimmed.id.0)
        .number(i64::from(room.retention.count))
        .number(age)
        .number(at)
}
