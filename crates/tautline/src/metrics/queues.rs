//! What waits for connections, those that are closed because of it, and the history that is kept.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tautline_engine::memory::Budget;
use tautline_hub::{Memory, Stats};

use super::book::Book;
use super::{Shard, sum};

pub(super) struct Queues {
    memory: OnceLock<Arc<Memory>>,
    history: OnceLock<Arc<Budget>>,
    history_bytes: Gauge,
    history_bytes_max: Gauge,
    bytes: Gauge,
    bytes_max: Gauge,
    slow_consumers: Counter,
    gaps: Counter,
    shed: Counter,
}

impl Queues {
    pub(super) fn new(book: &mut Book) -> Self {
        let queues = Self {
            memory: OnceLock::new(),
            history: OnceLock::new(),
            history_bytes: Gauge::default(),
            history_bytes_max: Gauge::default(),
            bytes: Gauge::default(),
            bytes_max: Gauge::default(),
            slow_consumers: Counter::default(),
            gaps: Counter::default(),
            shed: Counter::default(),
        };
        book.register(
            "queued_bytes",
            "Bytes that wait to be written to all connections together; a message that waits for several \
             counts for each",
            queues.bytes.clone(),
        );
        book.register(
            "queued_bytes_max",
            "The most that may wait (limits.memory): from 80 % on the largest queues are given up, from 95 % on \
             nobody new is let in",
            queues.bytes_max.clone(),
        );
        book.register(
            "slow_consumers",
            "Connections that were closed because they took less than they were sent",
            queues.slow_consumers.clone(),
        );
        book.register(
            "gaps",
            "Connections that were closed because they missed something that could not be given to them any more",
            queues.gaps.clone(),
        );
        book.register(
            "connections_shed",
            "Connections that were closed because too much waited for everyone and their queue was among the \
             largest",
            queues.shed.clone(),
        );
        book.register(
            "history_bytes",
            "Bytes of history that all rooms together keep in memory",
            queues.history_bytes.clone(),
        );
        book.register(
            "history_bytes_max",
            "The most that they may keep (limits.history): a room that finds no place gives up its own past",
            queues.history_bytes_max.clone(),
        );
        queues
    }

    /// The history whose size is told. There is one.
    pub(super) fn measure(&self, history: Arc<Budget>) {
        self.history.get_or_init(|| history);
    }

    /// The memory whose use is told. There is one.
    pub(super) fn weigh(&self, memory: Arc<Memory>) {
        self.memory.get_or_init(|| memory);
    }

    pub(super) fn gather(&self, shards: &[Shard]) {
        if let Some(memory) = self.memory.get() {
            set(&self.bytes, memory.waiting());
            set(&self.bytes_max, memory.budget());
        }
        if let Some(history) = self.history.get() {
            set(&self.history_bytes, history.kept());
            set(&self.history_bytes_max, history.max());
        }
        for (counter, count) in [
            (
                &self.slow_consumers,
                Stats::slow_consumers as fn(&Stats) -> u64,
            ),
            (&self.gaps, Stats::gaps),
            (&self.shed, Stats::shed),
        ] {
            counter.inner().store(sum(shards, count), Ordering::Relaxed);
        }
    }
}

fn set(gauge: &Gauge, value: usize) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}
