//! What a store counts of itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has been asked of the disk, and what came of it.
#[derive(Debug, Default)]
pub struct StoreFigures {
    asked: AtomicU64,
    written: AtomicU64,
    refused: AtomicU64,
    commits: AtomicU64,
    notices: AtomicU64,
}

impl StoreFigures {
    /// Calls that wait for the disk now.
    pub fn waiting(&self) -> u64 {
        // Read in this order, what was asked is never less than what came of it.
        let done = self.written() + self.refused();
        self.asked.load(Ordering::Acquire).saturating_sub(done)
    }

    /// Calls that were written, or needed no writing after all.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Calls that were refused because of the disk: nothing of them was written.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Acquire)
    }

    /// Transactions that they shared.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Faults and damage that were met.
    pub fn notices(&self) -> u64 {
        self.notices.load(Ordering::Acquire)
    }

    pub(super) fn asked_once(&self) {
        self.asked.fetch_add(1, Ordering::Release);
    }

    pub(super) fn committed(&self, calls: u64) {
        self.written.fetch_add(calls, Ordering::Release);
        self.commits.fetch_add(1, Ordering::Release);
    }

    pub(super) fn refused_all(&self, calls: u64) {
        self.refused.fetch_add(calls, Ordering::Release);
    }

    pub(super) fn noticed(&self) {
        self.notices.fetch_add(1, Ordering::Release);
    }
}
