//! The log as it is written: one writer, one current file, and the next one when that is full.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::chain::Head;
use super::directory;
use super::fault::Fault;
use super::file::File;
use super::query::Query;
use super::row::{Entry, Kind, Row};

/// So many rows at the end are checked before more are written behind them.
const TAIL_ROWS: u64 = 1000;

/// Others than the directory's owner may write there.
const OTHERS_WRITE: u32 = 0o022;

/// Held by whoever writes.
const LOCK: &str = "lock";

/// Where the log is, and how large it may become.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) directory: PathBuf,
    /// A file that has reached this is not written to any more.
    pub(super) bytes_max: u64,
    /// The oldest files above this are deleted; without it, none.
    pub(super) files_max: Option<usize>,
}

/// The log, open to be written.
#[derive(Debug)]
pub(super) struct Log {
    place: Place,
    file: File,
    number: u32,
    head: Head,
    /// Given up when this is dropped.
    _lock: fs::File,
}

/// What the writer knows of a log that it cannot write now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    number: u32,
    pub(super) head: Head,
}

impl Log {
    /// Opens the log there, or begins one.
    pub(super) fn open(place: Place) -> Result<Self, Fault> {
        Self::resume(place, None)
    }

    /// Opens a log that was lost. If its files are gone, the chain goes on in a new one.
    pub(super) fn resume(place: Place, known: Option<Known>) -> Result<Self, Fault> {
        let lock = lock(&place.directory)?;
        let number = match (directory::numbers(&place.directory)?.last(), known) {
            (Some(last), _) => *last,
            (None, None) => begin(&place, 1, Head::START)?,
            (None, Some(known)) => begin(&place, known.number + 1, known.head)?,
        };
        let file = File::open_to_write(&directory::path(&place.directory, number))?;
        file.check_schema()?;
        let head = check_tail(&file)?;
        check_start(&place.directory, number, file.start()?)?;
        Ok(Self {
            place,
            file,
            number,
            head,
            _lock: lock,
        })
    }

    /// Appends a row for every entry, or for none.
    pub(super) fn append(&mut self, entries: &[Entry]) -> Result<(), Fault> {
        self.head = self.file.append(self.head, entries)?;
        Ok(())
    }

    /// Goes on in a new file if the current one is full, and deletes what is too old.
    pub(super) fn rotate(&mut self) -> Result<(), Fault> {
        if self.file.bytes()? < self.place.bytes_max {
            return Ok(());
        }
        let number = begin(&self.place, self.number + 1, self.head)?;
        let file = File::open_to_write(&directory::path(&self.place.directory, number))?;
        std::mem::replace(&mut self.file, file).settle();
        self.number = number;
        // The log is written nevertheless.
        if let Err(fault) = self.trim() {
            tracing::error!(%fault, "cannot delete the oldest audit file");
        }
        Ok(())
    }

    /// Whether the chain once stood there, in the current file.
    pub(super) fn holds(&self, head: Head) -> Result<bool, Fault> {
        let mut holds = self.file.start()? == head;
        let from = i64::try_from(head.sequence).unwrap_or(i64::MAX);
        self.file.rows(&Query::from(from), |row| {
            holds |= row.head() == head;
            ControlFlow::Break(())
        })?;
        Ok(holds)
    }

    pub(super) fn known(&self) -> Known {
        Known {
            number: self.number,
            head: self.head,
        }
    }

    /// Ends in order: what is left is one plain file.
    pub(super) fn close(self) {
        self.file.settle();
    }

    /// Deletes the oldest files above the bound. A row says so first.
    fn trim(&mut self) -> Result<(), Fault> {
        let Some(files_max) = self.place.files_max else {
            return Ok(());
        };
        let directory = self.place.directory.clone();
        let numbers = directory::numbers(&directory)?;
        let kept = numbers.len().saturating_sub(files_max.max(1));
        for pair in numbers.windows(2).take(kept) {
            let &[oldest, next] = pair else { continue };
            let start = |number| File::open_to_read(&directory::path(&directory, number))?.start();
            let (from, until) = (start(oldest)?.sequence + 1, start(next)?.sequence);
            let detail = json!({"file": oldest, "from": from, "until": until});
            self.append(&[Entry::new(now(), Kind::Removed, &detail)])?;
            directory::remove(&directory, oldest)?;
        }
        Ok(())
    }
}

/// The milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

fn begin(place: &Place, number: u32, start: Head) -> Result<u32, Fault> {
    File::create(&directory::path(&place.directory, number), start)?;
    Ok(number)
}

/// Makes the directory if need be, for this user alone, and takes the lock in it.
fn lock(directory: &Path) -> Result<fs::File, Fault> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    made.map_err(Fault::disk(directory))?;
    let mode = fs::metadata(directory)
        .map_err(Fault::disk(directory))?
        .mode();
    if mode & OTHERS_WRITE != 0 {
        return Err(Fault::Open(directory.to_owned()));
    }
    let path = directory.join(LOCK);
    let mut options = fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(false).mode(0o600);
    let lock = options.open(&path).map_err(Fault::disk(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(Fault::Locked(directory.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(Fault::disk(&path)(error)),
    }
}

/// The file before, if it is there, ends where this one starts.
fn check_start(directory: &Path, number: u32, start: Head) -> Result<(), Fault> {
    let path = directory::path(directory, number.saturating_sub(1));
    if !path.exists() {
        return Ok(());
    }
    let file = File::open_to_read(&path)?;
    let mut end = file.start()?;
    let from = i64::try_from(file.last()?).unwrap_or(i64::MAX);
    file.rows(&Query::from(from), |row| {
        end = row.head();
        ControlFlow::Continue(())
    })?;
    if end == start {
        Ok(())
    } else {
        let what = format!(
            "the file behind it goes on after another row than its last, {}",
            end.sequence
        );
        Err(Fault::damaged(&path, what))
    }
}

/// Where the chain of a file stands, if its end is whole.
fn check_tail(file: &File) -> Result<Head, Fault> {
    let (start, last) = (file.start()?, file.last()?);
    let before = last.saturating_sub(TAIL_ROWS).max(start.sequence);
    let mut head = (before == start.sequence).then_some(start);
    let mut broken = None;
    let from = i64::try_from(before).unwrap_or(i64::MAX);
    file.rows(&Query::from(from), |row: Row| {
        let sequence = row.sequence;
        let next = match head {
            // The row before those that are checked.
            None => Some(row.head()),
            Some(head) => head.follow(&row),
        };
        if next.is_none() {
            broken = Some(sequence);
            return ControlFlow::Break(());
        }
        head = next;
        ControlFlow::Continue(())
    })?;
    if let (Some(head), None) = (head, broken) {
        return Ok(head);
    }
    let row = broken.unwrap_or(last);
    let what = format!("the chain is broken at row {row}");
    Err(Fault::damaged(file.path(), what))
}
