//! The store of durable rooms: what it is asked for, and what comes of it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tautline_engine::embedded::StoreFigures;

use super::book::Book;

pub(super) struct Store {
    figures: OnceLock<Arc<StoreFigures>>,
    waiting: Gauge,
    written: Counter,
    refused: Counter,
    commits: Counter,
    faults: Counter,
}

impl Store {
    pub(super) fn new(book: &mut Book) -> Self {
        let store = Self {
            figures: OnceLock::new(),
            waiting: Gauge::default(),
            written: Counter::default(),
            refused: Counter::default(),
            commits: Counter::default(),
            faults: Counter::default(),
        };
        book.register(
            "store_waiting",
            "Publications to durable rooms, and other changes, that wait for the disk",
            store.waiting.clone(),
        );
        book.register(
            "store_written",
            "Publications to durable rooms, and other changes, that are on the disk",
            store.written.clone(),
        );
        book.register(
            "store_refused",
            "Publications to durable rooms, and other changes, that the disk had no place for or could not take",
            store.refused.clone(),
        );
        book.register(
            "store_commits",
            "Times the disk was synced for them",
            store.commits.clone(),
        );
        book.register(
            "store_faults",
            "Damage that was met in the store of durable rooms, and refusals of its disk; the log says which",
            store.faults.clone(),
        );
        store
    }

    /// The store that is told of. There is one.
    pub(super) fn tell_of(&self, figures: Arc<StoreFigures>) {
        self.figures.get_or_init(|| figures);
    }

    pub(super) fn gather(&self) {
        let Some(figures) = self.figures.get() else {
            return;
        };
        self.waiting
            .set(i64::try_from(figures.waiting()).unwrap_or(i64::MAX));
        for (counter, count) in [
            (&self.written, figures.written()),
            (&self.refused, figures.refused()),
            (&self.commits, figures.commits()),
            (&self.faults, figures.notices()),
        ] {
            counter.inner().store(count, Ordering::Relaxed);
        }
    }
}
