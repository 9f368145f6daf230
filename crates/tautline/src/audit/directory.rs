//! The files of a log: numbered, in one directory, each going on where the one before ends.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::file::File;
use super::query::Query;
use super::row::Row;

const PREFIX: &str = "audit-";
const SUFFIX: &str = ".sqlite";

/// A file's name.
pub(super) fn path(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{PREFIX}{number:08}{SUFFIX}"))
}

/// The numbers of the files, in order. A directory that is not there is a fault.
pub(super) fn numbers(directory: &Path) -> Result<Vec<u32>, Fault> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory).map_err(Fault::disk(directory))? {
        let name = entry.map_err(Fault::disk(directory))?.file_name();
        let number = |name: &str| {
            let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
            digits.parse::<u32>().ok()
        };
        let number = name.to_str().and_then(number);
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Deletes a file, and what the database may have left beside it.
pub(super) fn remove(directory: &Path, number: u32) -> Result<(), Fault> {
    let path = path(directory, number);
    for beside in ["-wal", "-shm", ""] {
        let mut name = path.clone().into_os_string();
        name.push(beside);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Fault::disk(Path::new(&name))(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Shows every row that is asked for, through all files, until `show` has seen enough.
pub(super) fn rows(
    directory: &Path,
    query: &Query,
    mut show: impl FnMut(Row) -> ControlFlow<()>,
) -> Result<(), Fault> {
    for file in files_from(directory, query.from)? {
        let mut flow = ControlFlow::Continue(());
        file.rows(query, |row| {
            flow = show(row);
            flow
        })?;
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// The number of the newest row; 0 if there is none.
pub(super) fn last(directory: &Path) -> Result<u64, Fault> {
    match numbers(directory)?.last() {
        Some(number) => File::open_to_read(&path(directory, *number))?.last(),
        None => Ok(0),
    }
}

/// The files that may have rows from this one on. The newest ones are looked at first, so that following
/// the end of a long log opens one file.
fn files_from(directory: &Path, from: i64) -> Result<Vec<File>, Fault> {
    let mut files = Vec::new();
    for number in numbers(directory)?.into_iter().rev() {
        let file = File::open_to_read(&path(directory, number))?;
        let start = i64::try_from(file.start()?.sequence).unwrap_or(i64::MAX);
        files.push(file);
        if start < from {
            break;
        }
    }
    files.reverse();
    Ok(files)
}
