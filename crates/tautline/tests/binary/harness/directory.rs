//! A directory of a test's own.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that is not there yet. What comes to be there is deleted when this is dropped.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("directory-{}-{count}", std::process::id());
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    /// Another one with the same files, directly in it.
    pub(crate) fn copy(&self) -> Self {
        Self::copy_of(self)
    }

    /// One with the same files as another place.
    pub(crate) fn copy_of(place: &Path) -> Self {
        let copy = Self::new();
        fs::create_dir(&*copy).unwrap();
        for entry in fs::read_dir(place).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
        copy
    }
}

impl Deref for Directory {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // It may never have come to be.
        drop(fs::remove_dir_all(&self.0));
        drop(fs::remove_file(&self.0));
    }
}
