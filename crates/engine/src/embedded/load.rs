//! What a store has is looked through when it is opened.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tautline_protocol::model::RoomName;

use super::EmbeddedLimits;
use super::clock::StoreClock;
use super::fault::Fault;
use super::tables::{RoomRow, Tables};
use crate::memory::room::Room;
use crate::memory::{Clock, MemoryEngine};

/// What was found.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) memory: MemoryEngine,
    /// How many keys there are.
    pub(super) keys: u64,
}

/// Reads everything but the publications, which are checked whenever they are read.
pub(super) fn load(
    connection: &Connection,
    limits: &EmbeddedLimits,
    clock: Arc<dyn Clock>,
) -> Result<Loaded, Fault> {
    let mut tables = Tables::prepare(connection)?;
    let mut newest = Duration::ZERO;
    tables.rooms.for_each(|_, at| {
        newest = newest.max(at);
        Ok(())
    })?;
    let clock = StoreClock::new(clock, newest);
    let now = clock.now().monotonic;
    let memory = MemoryEngine::new(limits.memory, Arc::new(clock));
    let mut names: HashMap<i64, RoomName> = HashMap::new();
    let Tables {
        rooms,
        log,
        keys,
        cursors,
        kept,
    } = &mut tables;
    rooms.for_each(|room, at| {
        check_ends(&room, log.ends(room.row)?)?;
        names.insert(room.row, room.name.clone());
        add(&memory, room, limits.ring_max, at);
        Ok(())
    })?;
    cursors.for_each(|row, user, at| {
        let name = names.get(&row).ok_or_else(|| {
            Fault::damaged(format!("a cursor is of room {row}, which is not there"))
        })?;
        memory.rooms.find(name, |room| room.cursors().set(user, at));
        Ok(())
    })?;
    let mut in_memory = memory.kept.lock();
    kept.for_each(|key, value, ends| {
        in_memory.insert(key.into(), value, now, ends.saturating_sub(now));
    })?;
    drop(in_memory);
    let keys = keys.check()?;
    Ok(Loaded { memory, keys })
}

/// Looks for damage in the database itself, if it is small enough to be looked through.
pub(super) fn check(connection: &Connection, path: &Path, bytes_max: u64) -> Result<(), Fault> {
    let small = path.metadata().is_ok_and(|found| found.len() <= bytes_max);
    if !small {
        return Ok(());
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(Fault::Damaged(verdict))
    }
}

fn add(memory: &MemoryEngine, room: RoomRow, ring_max: usize, at: Duration) {
    let RoomRow {
        row,
        name,
        span,
        retention,
    } = room;
    let budget = Arc::clone(memory.budget());
    let mut room = Room::resumed(name.clone(), span, (row, retention), ring_max, budget);
    room.touch(at);
    memory.rooms.insert(&name, room);
}

/// Whether a room's publications begin and end where it says.
pub(super) fn check_ends(room: &RoomRow, ends: Option<(u64, u64)>) -> Result<(), Fault> {
    let (trimmed, head) = (room.span.trimmed.offset, room.span.head.offset);
    let as_told = match ends {
        None => trimmed == head,
        Some((oldest, newest)) if trimmed < head => oldest <= trimmed + 1 && newest == head,
        Some((_, newest)) => newest <= head,
    };
    if as_told {
        Ok(())
    } else {
        let name = &room.name;
        Err(Fault::Damaged(format!(
            "publications of room {name} are not there"
        )))
    }
}
