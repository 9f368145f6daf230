//! The publications, in the order in which they came.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, Row, Statement, params};
use tautline_protocol::model::{
    Epoch, EventName, Position, Publication, PublicationId, RoomName, Timestamp,
};

use super::super::clock::{micros, time};
use super::super::fault::Fault;
use super::super::sum::Sum;
use crate::memory::log::Kept;

/// The table `log`. Every row that is read is checked.
#[derive(Debug)]
pub(in super::super) struct LogTable<'c> {
    insert: Statement<'c>,
    between: Statement<'c>,
    later: Statement<'c>,
    ends: Statement<'c>,
    delete: Statement<'c>,
}

/// The room whose publications are asked for.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Whose<'a> {
    pub(in super::super) row: i64,
    pub(in super::super) name: &'a RoomName,
    pub(in super::super) epoch: Epoch,
}

/// The end of what was asked for: contiguous, and without damage.
#[derive(Debug, Default)]
pub(in super::super) struct Stretch {
    pub(in super::super) kept: Vec<Kept>,
    /// What is the matter before it.
    pub(in super::super) flaw: Option<Flaw>,
}

/// A publication that is not what was stored, or not there.
#[derive(Debug)]
pub(in super::super) struct Flaw {
    pub(in super::super) offset: u64,
    pub(in super::super) what: String,
}

impl<'c> LogTable<'c> {
    pub(in super::super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            insert: connection.prepare(
                "INSERT INTO log (room, off, id, at, sent_at, event, user, tag, data, crc)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?,
            between: connection.prepare(
                "SELECT off, id, at, sent_at, event, user, tag, data, crc FROM log
                 WHERE room = ?1 AND off > ?2 AND off <= ?3 ORDER BY off",
            )?,
            later: connection.prepare(
                "SELECT off FROM log WHERE room = ?1 AND off > ?2 AND off <= ?3 AND at > ?4
                 ORDER BY off LIMIT 1",
            )?,
            ends: connection.prepare(
                "SELECT (SELECT min(off) FROM log WHERE room = ?1),
                        (SELECT max(off) FROM log WHERE room = ?1)",
            )?,
            delete: connection.prepare(
                "DELETE FROM log WHERE seq IN
                 (SELECT seq FROM log WHERE room = ?1 AND off <= ?2 ORDER BY off LIMIT ?3)",
            )?,
        })
    }

    pub(in super::super) fn insert(&mut self, row: i64, kept: &Kept) -> Result<(), Fault> {
        let Publication {
            room: _,
            position,
            event,
            data,
            user,
            tag,
            sent_at,
        } = &*kept.publication;
        self.insert.execute(params![
            row,
            position.offset,
            position.id.0,
            micros(kept.at),
            sent_at.0,
            event.as_str(),
            user,
            tag,
            &data[..],
            sum(row, micros(kept.at), &kept.publication).end(),
        ])?;
        Ok(())
    }

    /// The publications after `after` up to `to`, all of which should be stored.
    pub(in super::super) fn between(
        &mut self,
        whose: Whose<'_>,
        after: u64,
        to: u64,
    ) -> Result<Stretch, Fault> {
        let mut stretch = Stretch::default();
        let mut next = after + 1;
        let mut rows = self.between.query(params![whose.row, after, to])?;
        while next <= to
            && let Some(row) = rows.next()?
        {
            let offset: u64 = row.get(0)?;
            if offset > next {
                stretch.begin_after(offset - 1, absent(whose, next));
            }
            match read(row, whose, offset) {
                Ok(kept) if offset >= next => stretch.kept.push(kept),
                // A damaged index may not be in order.
                Ok(_) => stretch.begin_after(next, absent(whose, next)),
                Err(fault) => stretch.begin_after(offset.max(next), fault.to_string()),
            }
            next = next.max(offset) + 1;
        }
        if next <= to {
            stretch.begin_after(to, absent(whose, next));
        }
        Ok(stretch)
    }

    /// The id at an offset; none if what is there is damaged.
    pub(in super::super) fn id_at(
        &mut self,
        whose: Whose<'_>,
        offset: u64,
    ) -> Result<Option<PublicationId>, Fault> {
        let stretch = self.between(whose, offset.saturating_sub(1), offset)?;
        let newest = stretch.kept.last();
        Ok(newest.map(|kept| kept.publication.position.id))
    }

    /// The last offset before one that got its place after `at`, of those after `after` up to `to`.
    pub(in super::super) fn ended(
        &mut self,
        row: i64,
        (after, to): (u64, u64),
        at: Duration,
    ) -> Result<u64, Fault> {
        let mut rows = self.later.query(params![row, after, to, micros(at)])?;
        let later: Option<u64> = rows.next()?.map(|row| row.get(0)).transpose()?;
        Ok(later.map_or(to, |offset| offset.saturating_sub(1).clamp(after, to)))
    }

    /// The oldest and the newest offset that are stored, whether they are kept or not.
    pub(in super::super) fn ends(&mut self, row: i64) -> Result<Option<(u64, u64)>, Fault> {
        let (oldest, newest): (Option<u64>, Option<u64>) = self
            .ends
            .query_row([row], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(oldest.zip(newest))
    }

    /// Deletes the oldest `limit` of a room, but none beyond an offset. Answers how many there were.
    pub(in super::super) fn delete(
        &mut self,
        row: i64,
        to: u64,
        limit: usize,
    ) -> Result<usize, Fault> {
        Ok(self.delete.execute(params![row, to, limit])?)
    }
}

impl Stretch {
    fn begin_after(&mut self, offset: u64, what: String) {
        self.kept.clear();
        self.flaw = Some(Flaw { offset, what });
    }
}

fn read(row: &Row<'_>, whose: Whose<'_>, offset: u64) -> Result<Kept, Fault> {
    let event: String = row.get(4)?;
    let event = EventName::parse(&event);
    let event =
        event.map_err(|error| Fault::Damaged(format!("{}: {error}", place(whose, offset))))?;
    let user: Option<String> = row.get(5)?;
    let tag: Option<String> = row.get(6)?;
    let data = row.get_ref(7)?.as_blob();
    let data = data.map_err(|error| Fault::Damaged(error.to_string()))?;
    let publication = Publication {
        room: whose.name.clone(),
        position: Position {
            epoch: whose.epoch,
            offset,
            id: PublicationId(row.get(1)?),
        },
        event,
        data: Bytes::copy_from_slice(data),
        user: user.map(Into::into),
        tag: tag.map(Into::into),
        sent_at: Timestamp(row.get(3)?),
    };
    let at: i64 = row.get(2)?;
    let sum = sum(whose.row, at, &publication);
    sum.check(row.get(8)?, || place(whose, offset))?;
    Ok(Kept {
        at: time(at),
        publication: Arc::new(publication),
    })
}

fn sum(row: i64, at: i64, publication: &Publication) -> Sum {
    let position = publication.position;
    Sum::of("log")
        .number(row)
        .number(position.offset.cast_signed())
        .bytes(&position.id.0)
        .number(at)
        .number(publication.sent_at.0.cast_signed())
        .text(publication.event.as_str())
        .maybe(publication.user.as_deref())
        .maybe(publication.tag.as_deref())
        .bytes(&publication.data)
}

fn absent(whose: Whose<'_>, offset: u64) -> String {
    format!("{} is not there", place(whose, offset))
}

fn place(whose: Whose<'_>, offset: u64) -> String {
    format!("publication {offset} of room {}", whose.name)
}
