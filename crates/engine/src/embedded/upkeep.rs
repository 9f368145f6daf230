//! What has ended is let go of, in small steps between batches.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tautline_protocol::model::RoomName;

use super::fault::Fault;
use super::shared::Shared;
use super::staging::SLICE;
use super::tables::{RoomRow, Tables};
use crate::memory::anchor::OnDisk;

/// So many rooms are looked at in one step at most.
const ROOMS_PER_STEP: usize = 64;

/// So many pages are given back to the file system in one step.
const PAGES_PER_STEP: u32 = 64;

/// Fewer free pages than these are left to those who will write them.
const FREE_PAGES_MIN: u32 = 256;

/// What may be there to let go of.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    untidy: BTreeSet<RoomName>,
    keys: bool,
    kept: bool,
    pages: bool,
}

/// What is to be said of a room after a step.
#[derive(Debug)]
enum Tidied {
    Trimmed(RoomRow),
    Forgotten(RoomName),
}

impl Upkeep {
    pub(super) fn add(&mut self, untidy: Vec<RoomName>, tidy: bool) {
        self.untidy.extend(untidy);
        self.keys |= tidy;
        self.kept |= tidy;
        self.pages |= tidy;
    }

    pub(super) fn has_work(&self) -> bool {
        !self.untidy.is_empty() || self.keys || self.kept || self.pages
    }

    /// Does a little of it.
    pub(super) fn step(
        &mut self,
        shared: &Shared,
        connection: &Connection,
        tables: &mut Tables<'_>,
        keys: &mut u64,
    ) -> Result<(), Fault> {
        let now = shared.memory.clock.now().monotonic;
        if !self.untidy.is_empty() {
            self.tidy_rooms(shared, connection, tables, now)
        } else if self.keys {
            let ended = tables.keys.expire(now, SLICE)?;
            *keys = keys.saturating_sub(ended as u64);
            self.keys = ended == SLICE;
            Ok(())
        } else if self.kept {
            self.kept = tables.kept.expire(now, SLICE)? == SLICE;
            Ok(())
        } else if self.pages {
            self.pages = give_back(connection)?;
            Ok(())
        } else {
            Ok(())
        }
    }

    fn tidy_rooms(
        &mut self,
        shared: &Shared,
        connection: &Connection,
        tables: &mut Tables<'_>,
        now: Duration,
    ) -> Result<(), Fault> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = Transaction::new_unchecked(connection, behavior)?;
        let mut step = Step {
            shared,
            tables,
            now,
            deleted: 0,
            tidied: Vec::new(),
        };
        let mut looked_at = 0;
        while looked_at < ROOMS_PER_STEP
            && step.deleted < SLICE
            && let Some(name) = self.untidy.pop_first()
        {
            looked_at += 1;
            if step.tidy(&name)? {
                self.untidy.insert(name);
            }
        }
        let tidied = step.tidied;
        transaction.commit()?;
        for tidied in tidied {
            tidied.apply(shared, now);
        }
        Ok(())
    }
}

/// One transaction that deletes.
#[derive(Debug)]
struct Step<'s, 't, 'c> {
    shared: &'s Shared,
    tables: &'t mut Tables<'c>,
    now: Duration,
    deleted: usize,
    tidied: Vec<Tidied>,
}

impl Step<'_, '_, '_> {
    /// Deletes what a room has no more use for, or a part of it. Whether there is more.
    fn tidy(&mut self, name: &RoomName) -> Result<bool, Fault> {
        let Some(mut room) = self.shared.stored(name) else {
            return Ok(false);
        };
        let Tables {
            rooms, log, keys, ..
        } = &mut *self.tables;
        let before = room.span.trimmed.offset;
        let ended = room.ended(log, self.now, SLICE as u64)?;
        let to = ended.min(before + SLICE as u64);
        if to > before {
            room.span.trimmed = room.position_at(log, to)?;
            rooms.update(&room, self.now)?;
        }
        let deleted = log.delete(room.row, to, SLICE)?;
        self.deleted += deleted;
        let more = deleted == SLICE || to < ended;
        let limits = &self.shared.limits;
        let of_no_use = self.shared.memory.rooms.find(name, |room| {
            room.may_be_forgotten(self.now, limits.stored_room_ttl)
        });
        let empty = !more && room.span.is_empty();
        if empty && of_no_use == Some(true) && !keys.any(room.row)? {
            rooms.delete(room.row)?;
            self.tidied.push(Tidied::Forgotten(name.clone()));
        } else if to > before {
            self.tidied.push(Tidied::Trimmed(room));
        }
        Ok(more)
    }
}

impl Tidied {
    /// Says it of the room in memory, which may have been used meanwhile.
    fn apply(self, shared: &Shared, now: Duration) {
        let Shared { memory, limits, .. } = shared;
        match self {
            Self::Trimmed(RoomRow {
                row, name, span, ..
            }) => {
                let trimmed = span.trimmed;
                memory.rooms.find(&name, |room| {
                    room.anchor(OnDisk { row, trimmed }, limits.ring_max);
                });
            }
            Self::Forgotten(name) => memory.rooms.forget_one(&name, |room| {
                room.weigh();
                room.may_be_forgotten(now, limits.stored_room_ttl)
            }),
        }
    }
}

/// Gives a few free pages back to the file system if a quarter of the file is free. Whether there are more.
fn give_back(connection: &Connection) -> Result<bool, Fault> {
    let free: u32 = connection.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
    let all: u32 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    if free < FREE_PAGES_MIN || free < all / 4 {
        return Ok(false);
    }
    // Each row of the answer is a page that was given back: it must be asked to its end.
    let pragma = format!("PRAGMA incremental_vacuum({PAGES_PER_STEP})");
    let mut statement = connection.prepare(&pragma)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    let left: u32 = connection.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
    Ok(left < free)
}
