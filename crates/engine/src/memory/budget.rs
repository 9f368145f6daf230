//! How much history is kept, in all rooms together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes of history that are kept, and how many there may be.
#[derive(Debug)]
pub struct Budget {
    kept: AtomicUsize,
    max: usize,
}

impl Budget {
    pub(super) fn new(max: usize) -> Self {
        Self {
            kept: AtomicUsize::new(0),
            max,
        }
    }

    /// The bytes that are kept now.
    pub fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// The most that may be kept; rooms that publish at the same time may add one publication each.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Whether there is place for so many more.
    pub(super) fn has_place(&self, bytes: usize) -> bool {
        self.kept().saturating_add(bytes) <= self.max
    }

    pub(super) fn take(&self, bytes: usize) {
        self.kept.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.kept.fetch_sub(bytes, Ordering::Relaxed);
    }
}
