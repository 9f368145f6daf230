//! The one thread that reads what is not in memory.

use std::sync::Arc;

use rusqlite::Connection;
use tautline_protocol::model::RoomName;
use tokio::sync::mpsc;

use super::call::{Asker, Call};
use super::fault::Fault;
use super::queue::Queue;
use super::shared::Shared;
use super::tables::{Flaw, LogTable, RoomRow, RoomTable, Stretch};
use crate::memory::anchor::{Stored, Where};
use crate::memory::span::Span;
use crate::{Page, Range};

/// A read that waits.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) room: RoomName,
    pub(super) range: Range,
    pub(super) asker: Asker<Page>,
}

/// Reads until nobody can ask any more.
pub(super) fn run(
    shared: &Arc<Shared>,
    connection: &Connection,
    calls: Queue,
    mut reads: mpsc::Receiver<Read>,
) {
    let tables =
        LogTable::prepare(connection).and_then(|log| Ok((log, RoomTable::prepare(connection)?)));
    let (log, rooms) = match tables {
        Ok(tables) => tables,
        Err(error) => return shared.fault(&Fault::from(error)),
    };
    let mut reader = Reader {
        shared,
        connection,
        calls,
        log,
        rooms,
    };
    while let Some(Read {
        room,
        range,
        mut asker,
    }) = reads.blocking_recv()
    {
        let page = reader.read(&room, range);
        if let Err(fault) = &page {
            shared.fault(fault);
        }
        asker.prepare(page.map_err(Into::into));
        asker.answer();
    }
}

#[derive(Debug)]
struct Reader<'s, 'c> {
    shared: &'s Shared,
    connection: &'c Connection,
    calls: Queue,
    log: LogTable<'c>,
    rooms: RoomTable<'c>,
}

impl Reader<'_, '_> {
    fn read(&mut self, name: &RoomName, range: Range) -> Result<Page, Fault> {
        let now = self.shared.memory.clock.now().monotonic;
        let memory = &self.shared.memory.rooms;
        let look = || memory.find(name, |room| room.look(range, now));
        // Whoever asked before may have brought it into memory.
        let mut found = look();
        if let Some(Where::Disk(stored)) = &found
            && stored.wanted > 0
        {
            self.refill(name, *stored)?;
            found = look();
        }
        match found {
            Some(Where::Page(page)) => Ok(page),
            Some(Where::Disk(stored)) => self.page(name, stored, range),
            None => Err(Fault::Other(format!("room {name} is forgotten"))),
        }
    }

    /// Brings the newest publications into memory.
    fn refill(&mut self, name: &RoomName, stored: Stored) -> Result<(), Fault> {
        let transaction = self.connection.unchecked_transaction()?;
        let room = self.room(name, stored)?;
        let to = stored.below.offset;
        let wanted = u64::try_from(stored.wanted).unwrap_or(u64::MAX);
        let after = to.saturating_sub(wanted).max(room.span.trimmed.offset);
        let stretch = self.log.between(room.whose(), after, to)?;
        let after = stretch.flaw.map_or(after, |flaw| flaw.offset);
        let before = room.position_at(&mut self.log, after)?;
        let whole = before == room.span.trimmed;
        self.shared.memory.rooms.find(name, |room| {
            room.refill(before, stretch.kept, whole);
        });
        drop(transaction);
        Ok(())
    }

    fn page(&mut self, name: &RoomName, stored: Stored, range: Range) -> Result<Page, Fault> {
        // One transaction, so that all of the page is of one moment.
        let transaction = self.connection.unchecked_transaction()?;
        let mut room = self.room(name, stored)?;
        let page = loop {
            match self.try_page(&room, range)? {
                Ok(page) => break page,
                Err(flaw) => {
                    room.span.trimmed = room.position_at(&mut self.log, flaw.offset)?;
                    self.give_up(name, flaw);
                }
            }
        };
        drop(transaction);
        Ok(page)
    }

    /// What is damaged is lost, and what was before it cannot be told without a hole.
    fn give_up(&self, name: &RoomName, flaw: Flaw) {
        let Flaw { offset, what } = flaw;
        self.shared
            .notice(format!("{what}; the room gives up its past up to there"));
        let room = name.clone();
        // Whoever meets it next tries again.
        drop(self.calls.push(Call::GiveUp { room, to: offset }));
    }

    fn try_page(&mut self, room: &RoomRow, range: Range) -> Result<Result<Page, Flaw>, Fault> {
        let Span { trimmed, head } = room.span;
        let id = match range {
            Range::After { position, .. }
                if (trimmed.offset..=head.offset).contains(&position.offset) =>
            {
                Some(room.position_at(&mut self.log, position.offset)?.id)
            }
            Range::After { .. } | Range::Last { .. } | Range::Before { .. } => None,
        };
        let cut = room.span.cut(range, id);
        let Stretch { kept, flaw } = self.log.between(room.whose(), cut.after, cut.to)?;
        let page = Page {
            publications: kept.into_iter().map(|kept| kept.publication).collect(),
            head,
            more: cut.more,
            missing: cut.missing,
        };
        Ok(flaw.map_or(Ok(page), Err))
    }

    /// The room as it was told, and what the disk still has of it.
    fn room(&mut self, name: &RoomName, stored: Stored) -> Result<RoomRow, Fault> {
        let head = stored.head;
        let trimmed = match self.rooms.one(stored.row)? {
            // The disk may be ahead of what was told, and may have trimmed all of that.
            Some(room) if room.span.trimmed.offset < head.offset => room.span.trimmed,
            // A room is forgotten when it keeps nothing.
            Some(_) | None => head,
        };
        let mut room = RoomRow {
            row: stored.row,
            name: name.clone(),
            span: Span { trimmed, head },
            retention: stored.retention,
        };
        let now = self.shared.memory.clock.now().monotonic;
        let ended = room.ended(&mut self.log, now, u64::MAX)?;
        room.span.trimmed = room.position_at(&mut self.log, ended)?;
        Ok(room)
    }
}
