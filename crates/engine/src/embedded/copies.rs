//! A store as one file: taken while it is in use, and brought back.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tautline_protocol::model::{Epoch, Position};

use super::StoreError;
use super::fault::Fault;
use super::place::{DATABASE, Place, connect, open_to_read, own_file};
use super::survey::survey_of;
use super::tables::Tables;
use crate::memory::span::Span;

/// Writes all that a store holds at this moment to a new file, which is then read again and checked.
pub fn backup(directory: &Path, to: &Path) -> Result<(), StoreError> {
    let from = directory.join(DATABASE);
    let connection = open_to_read(&from)?;
    let part = beside(to, "part");
    absent(to)?;
    remove(&part)?;
    // Made before it is filled, so that nobody else may ever read it.
    own_file(&part).map_err(StoreError::disk(&part))?;
    let name = part
        .to_str()
        .ok_or_else(|| StoreError::Foreign(part.clone()))?;
    connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(StoreError::database(&from))?;
    if let Err(damaged) = sound(&part) {
        remove(&part)?;
        return Err(damaged);
    }
    settle(&part, to)
}

/// Makes a file that [`backup`] wrote the store of a directory that has none. Every room begins a new
/// epoch: whoever has seen more than there is now is told of it.
pub fn restore(from: &Path, directory: &Path) -> Result<(), StoreError> {
    sound(from)?;
    let place = Place::lock(directory)?;
    let database = place.database();
    absent(database)?;
    // It would be taken for a part of what is restored.
    absent(&beside(database, "wal"))?;
    let part = beside(database, "part");
    remove(&part)?;
    let mut target = own_file(&part).map_err(StoreError::disk(&part))?;
    let mut source = File::open(from).map_err(StoreError::disk(from))?;
    io::copy(&mut source, &mut target).map_err(StoreError::disk(&part))?;
    drop(target);
    let connection = connect(&part, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;")
        .map_err(StoreError::database(&part))?;
    begin_anew(&connection).map_err(StoreError::fault(&part))?;
    drop(connection);
    settle(&part, database)
}

/// Gives all free space of a store that is not in use back to the file system. Answers its bytes before and after.
pub fn compact(directory: &Path) -> Result<(u64, u64), StoreError> {
    let database = directory.join(DATABASE);
    let size = || {
        let found = database.metadata().map_err(StoreError::disk(&database));
        found.map(|found| found.len())
    };
    size()?;
    let place = Place::lock(directory)?;
    let connection = place.write(u64::MAX)?;
    let done = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    done.map_err(StoreError::database(&database))?;
    let before = size()?;
    let done = connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
    done.map_err(StoreError::database(&database))?;
    Ok((before, size()?))
}

/// Gives every room another epoch. A cursor goes along: it names a publication that is there.
fn begin_anew(connection: &Connection) -> Result<(), Fault> {
    let behavior = TransactionBehavior::Immediate;
    let transaction = Transaction::new_unchecked(connection, behavior)?;
    let mut tables = Tables::prepare(connection)?;
    let mut rooms = Vec::new();
    tables.rooms.for_each(|room, at| {
        rooms.push((room, at));
        Ok(())
    })?;
    let mut cursors: HashMap<i64, Vec<(String, Position)>> = HashMap::new();
    tables.cursors.for_each(|row, user, at| {
        cursors.entry(row).or_default().push((user.to_owned(), at));
        Ok(())
    })?;
    for (room, at) in &mut rooms {
        let old = room.span.head.epoch;
        let epoch = Epoch(getrandom::u64().map_err(|error| Fault::Other(error.to_string()))?);
        let Span { trimmed, head } = room.span;
        room.span = Span {
            trimmed: Position { epoch, ..trimmed },
            head: Position { epoch, ..head },
        };
        tables.rooms.update(room, *at)?;
        let ours = cursors.remove(&room.row).unwrap_or_default();
        for (user, at) in ours.into_iter().filter(|(_, at)| at.epoch == old) {
            let at = Position { epoch, ..at };
            tables.cursors.put(room.row, &user, at)?;
        }
    }
    drop(tables);
    transaction.commit()?;
    Ok(())
}

/// Whether a file is a whole store.
fn sound(path: &Path) -> Result<(), StoreError> {
    let survey = survey_of(path)?;
    match survey.faults.into_iter().next() {
        None => Ok(()),
        Some(what) => Err(StoreError::Damaged {
            path: path.to_owned(),
            what,
        }),
    }
}

fn absent(path: &Path) -> Result<(), StoreError> {
    match path.symlink_metadata() {
        Ok(_) => Err(StoreError::Taken(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::disk(path)(error)),
    }
}

/// Removes what an earlier attempt may have left.
fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::disk(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Has the disk keep a file under its name, from this moment on.
fn settle(part: &Path, path: &Path) -> Result<(), StoreError> {
    let settled = File::open(part)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(part, path))
        .and_then(|()| {
            let directory = path.parent().filter(|parent| *parent != Path::new(""));
            File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
        });
    settled.map_err(StoreError::disk(path))
}

/// The same name with an end of its own.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-");
    name.push(end);
    name.into()
}
