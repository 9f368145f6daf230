//! Where durable rooms are kept, and how much of them.

use std::path::PathBuf;

use super::check::Written;
use crate::cli::ServeArguments;

/// What is kept on the disk.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) directory: PathBuf,
    pub(crate) bytes_max: u64,
    /// Keys of publications, of all rooms.
    pub(crate) keys_max: u64,
    /// Messages of a durable room in use that are in memory, too.
    pub(crate) ring_max: usize,
}

pub(super) fn storage(written: &mut Written, arguments: &ServeArguments) -> Option<Storage> {
    let directory = written
        .values
        .text("storage.directory", &mut written.faults)
        .map(PathBuf::from);
    let directory = arguments.data.clone().or(directory);
    let Written { rooms, faults, .. } = &mut *written;
    if directory.is_none() && rooms.iter().any(|room| room.switch("durable", faults)) {
        let fix = "needs a disk; set storage.directory, or give --data DIR";
        faults.add("room.durable", true, fix);
    }
    let storage = Storage {
        directory: directory?,
        bytes_max: long(written, "storage.max_bytes"),
        keys_max: long(written, "storage.keys"),
        ring_max: written.size("storage.ring"),
    };
    Some(storage)
}

fn long(written: &mut Written, key: &str) -> u64 {
    let number = written.values.number(key, &mut written.faults);
    number.unwrap_or(u64::MAX)
}
