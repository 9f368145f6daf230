//! What is counted, for Prometheus: the lifecycle stream, and what the shards count themselves.

mod audit;
mod book;
mod certificates;
mod connections;
mod latencies;
mod messages;
mod operators;
mod panics;
mod queues;
#[cfg(test)]
mod reference;
mod store;

use std::sync::Arc;

use parking_lot::Mutex;
use tautline_engine::embedded::StoreFigures;
use tautline_engine::memory::Budget;
use tautline_hub::{Memory, Stats};

pub(crate) use self::audit::AuditFigures;
use self::book::Book;
use self::certificates::Certificates;
use self::connections::Connections;
pub(crate) use self::latencies::Clocked;
use self::latencies::Latencies;
use self::messages::Messages;
pub(crate) use self::operators::Answered;
use self::operators::Operators;
use self::panics::Panics;
use self::queues::Queues;
use self::store::Store;
use crate::lifecycle::{Lifecycle, Observer};

/// Everything that is counted, each group by itself.
pub(crate) struct Metrics {
    book: Book,
    certificates: Certificates,
    connections: Connections,
    latencies: Latencies,
    messages: Messages,
    operators: Operators,
    panics: Panics,
    audit: AuditFigures,
    queues: Queues,
    store: Store,
    shards: Mutex<Vec<Shard>>,
}

/// Where a shard counts.
struct Shard {
    stats: Arc<Stats>,
    clocked: Arc<Clocked>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut book = Book::new();
        Self {
            certificates: Certificates::new(&mut book),
            connections: Connections::new(&mut book),
            latencies: Latencies::new(&mut book),
            messages: Messages::new(&mut book),
            operators: Operators::new(&mut book),
            audit: AuditFigures::new(&mut book),
            queues: Queues::new(&mut book),
            store: Store::new(&mut book),
            panics: Panics::new(&mut book),
            shards: Mutex::default(),
            book,
        }
    }

    /// Counts what a shard counts, too; its clocks are these.
    pub(crate) fn watch(&self, stats: Arc<Stats>) -> Arc<Clocked> {
        let clocked = Arc::<Clocked>::default();
        self.shards.lock().push(Shard {
            stats,
            clocked: Arc::clone(&clocked),
        });
        clocked
    }

    /// Tells how much of this memory is used.
    pub(crate) fn weigh(&self, memory: Arc<Memory>) {
        self.queues.weigh(memory);
    }

    /// Tells how much history is kept.
    pub(crate) fn measure(&self, history: Arc<Budget>) {
        self.queues.measure(history);
    }

    /// Tells what the store of durable rooms counts.
    pub(crate) fn tell_of(&self, store: Arc<StoreFigures>) {
        self.store.tell_of(store);
    }

    /// Counts a certificate that has changed, by what came of it.
    pub(crate) fn certificate_read(&self, outcome: &'static str) {
        self.certificates.read(outcome);
    }

    /// Counts an answer to an operator.
    pub(crate) fn answered(&self, answered: &Answered<'_>) {
        self.operators.answered(answered);
    }

    /// What the audit log counts.
    pub(crate) fn audit(&self) -> AuditFigures {
        self.audit.clone()
    }

    /// All figures, in the text format of `OpenMetrics`.
    pub(crate) fn text(&self) -> String {
        self.gather();
        self.book.text()
    }

    /// Takes over what is counted elsewhere.
    fn gather(&self) {
        let shards = self.shards.lock();
        self.latencies.gather(&shards);
        self.messages.gather(&shards);
        self.store.gather();
        self.queues.gather(&shards);
        self.panics.gather();
    }
}

fn sum(shards: &[Shard], count: fn(&Stats) -> u64) -> u64 {
    shards.iter().map(|shard| count(&shard.stats)).sum()
}

impl Observer for Metrics {
    fn observe(&self, event: &Lifecycle<'_>) {
        self.connections.observe(event);
        self.messages.observe(event);
        self.operators.observe(event);
    }
}
