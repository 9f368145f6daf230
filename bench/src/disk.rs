//! Where the durable cases write: beside this program, on the disk that it was built on.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};

/// A directory that ends with the run.
#[derive(Debug)]
pub(crate) struct Disk(PathBuf);

impl Disk {
    pub(crate) fn new() -> Result<Self> {
        let name = format!("bench-disk-{}", std::process::id());
        Ok(Self(std::env::current_exe()?.with_file_name(name)))
    }

    /// A directory that is not there yet.
    pub(crate) fn place(&self) -> Result<PathBuf> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        fs::create_dir_all(&self.0).with_context(|| format!("cannot make {}", self.0.display()))?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Ok(self.0.join(count.to_string()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may never have come to be.
        fs::remove_dir_all(&self.0).ok();
    }
}
