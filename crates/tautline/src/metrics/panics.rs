//! Bugs.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;

use super::book::Book;
use crate::panics;

pub(super) struct Panics(Counter);

impl Panics {
    pub(super) fn new(book: &mut Book) -> Self {
        let count = Counter::default();
        book.register(
            "panics",
            "Bugs that ended a connection, or what else was going on there; the log says where they are",
            count.clone(),
        );
        Self(count)
    }

    pub(super) fn gather(&self) {
        self.0.inner().store(panics::count(), Ordering::Relaxed);
    }
}
