//! All of a store is looked at, also while it is in use.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::Connection;

use super::StoreError;
use super::fault::Fault;
use super::load::check_ends;
use super::place::{DATABASE, open_to_read};
use super::tables::{RoomRow, Tables};

/// So many faults are told of one store.
const FAULTS_MAX: usize = 100;

/// So many publications are read at once.
const STRETCH: u64 = 1_000;

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreStats {
    /// Rooms.
    pub rooms: u64,
    /// Publications, with those that have ended and are not deleted yet.
    pub publications: u64,
    /// Keys of publications.
    pub keys: u64,
    /// Cursors of users.
    pub cursors: u64,
    /// Values that end by themselves.
    pub values: u64,
    /// Bytes of the database.
    pub bytes: u64,
    /// How many of them hold nothing.
    pub free_bytes: u64,
}

/// What was found by looking at every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What the store holds.
    pub stats: StoreStats,
    /// What is the matter with it; empty if nothing is.
    pub faults: Vec<String>,
}

/// Says what the store in a directory holds.
pub fn stats(directory: &Path) -> Result<StoreStats, StoreError> {
    let path = directory.join(DATABASE);
    let connection = open_to_read(&path)?;
    count(&connection).map_err(StoreError::database(&path))
}

/// Looks at every row of the store in a directory.
pub fn survey(directory: &Path) -> Result<Survey, StoreError> {
    survey_of(&directory.join(DATABASE))
}

/// Looks at every row of a database.
pub(super) fn survey_of(path: &Path) -> Result<Survey, StoreError> {
    let connection = open_to_read(path)?;
    // All of it is of one moment.
    let transaction = connection
        .unchecked_transaction()
        .map_err(StoreError::database(path))?;
    let faults = look(&connection).map_err(StoreError::fault(path))?;
    let stats = count(&connection).map_err(StoreError::database(path))?;
    drop(transaction);
    Ok(Survey { stats, faults })
}

fn count(connection: &Connection) -> rusqlite::Result<StoreStats> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u64>(0));
    let rows = |table: &str| number(&format!("SELECT count(*) FROM {table}"));
    let page = number("PRAGMA page_size")?;
    Ok(StoreStats {
        rooms: rows("rooms")?,
        publications: rows("log")?,
        keys: rows("keys")?,
        cursors: rows("cursors")?,
        values: rows("kept")?,
        bytes: number("PRAGMA page_count")? * page,
        free_bytes: number("PRAGMA freelist_count")? * page,
    })
}

/// Everything that is the matter. Each table is read as far as it can be.
fn look(connection: &Connection) -> Result<Vec<String>, Fault> {
    let mut faults = Vec::new();
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({FAULTS_MAX})"))?;
    let mut verdicts = check.query([])?;
    while let Some(row) = verdicts.next()? {
        let verdict: String = row.get(0)?;
        if verdict != "ok" {
            faults.push(verdict);
        }
    }
    drop(verdicts);
    let mut tables = Tables::prepare(connection)?;
    let mut rooms = Vec::new();
    let read = tables.rooms.for_each(|room, _| {
        rooms.push(room);
        Ok(())
    });
    note(&mut faults, read);
    for room in &rooms {
        let read = look_at_log(&mut tables, room, &mut faults);
        note(&mut faults, read);
    }
    note(&mut faults, tables.keys.check().map(drop));
    let known: HashSet<i64> = rooms.iter().map(|room| room.row).collect();
    let read = tables.cursors.for_each(|row, _, _| {
        if known.contains(&row) {
            Ok(())
        } else {
            let what = format!("a cursor is of room {row}, which is not there");
            Err(Fault::Damaged(what))
        }
    });
    note(&mut faults, read);
    note(&mut faults, tables.kept.for_each(|_, _, _| ()));
    faults.truncate(FAULTS_MAX);
    Ok(faults)
}

fn look_at_log(
    tables: &mut Tables<'_>,
    room: &RoomRow,
    faults: &mut Vec<String>,
) -> Result<(), Fault> {
    note(faults, check_ends(room, tables.log.ends(room.row)?));
    let head = room.span.head.offset;
    let mut after = room.span.trimmed.offset;
    while after < head {
        let to = head.min(after + STRETCH);
        let stretch = tables.log.between(room.whose(), after, to)?;
        faults.extend(stretch.flaw.map(|flaw| flaw.what));
        after = to;
    }
    Ok(())
}

fn note(faults: &mut Vec<String>, read: Result<(), Fault>) {
    faults.extend(read.err().map(|fault| fault.to_string()));
}
