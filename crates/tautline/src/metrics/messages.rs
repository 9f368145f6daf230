//! Rooms and what goes through them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tautline_hub::Stats;

use crate::lifecycle::{Lifecycle, Observer};

pub(super) struct Messages {
    rooms: Gauge,
    memberships: Gauge,
    publications: Counter,
    deliveries: Counter,
    bytes_written: Counter,
    shards: Mutex<Vec<Arc<Stats>>>,
}

impl Messages {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let messages = Self {
            rooms: Gauge::default(),
            memberships: Gauge::default(),
            publications: Counter::default(),
            deliveries: Counter::default(),
            bytes_written: Counter::default(),
            shards: Mutex::default(),
        };
        registry.register(
            "rooms",
            "Rooms with members now, counted once per shard",
            messages.rooms.clone(),
        );
        registry.register(
            "memberships",
            "Connections in rooms now, each counted once per room",
            messages.memberships.clone(),
        );
        registry.register(
            "publications",
            "Publications of connections",
            messages.publications.clone(),
        );
        registry.register(
            "deliveries",
            "Messages that publications became, one for each live member",
            messages.deliveries.clone(),
        );
        registry.register(
            "bytes_written",
            "Bytes written to connections",
            messages.bytes_written.clone(),
        );
        messages
    }

    pub(super) fn watch(&self, shard: Arc<Stats>) {
        self.shards.lock().push(shard);
    }

    /// Adds up what the shards count.
    pub(super) fn gather(&self) {
        let shards = self.shards.lock();
        let sum = |count: fn(&Stats) -> u64| shards.iter().map(|stats| count(stats)).sum::<u64>();
        let deliveries = sum(Stats::deliveries);
        self.deliveries.inner().store(deliveries, Ordering::Relaxed);
        let bytes_written = sum(Stats::bytes_written);
        self.bytes_written
            .inner()
            .store(bytes_written, Ordering::Relaxed);
        let rooms = i64::try_from(sum(Stats::rooms));
        self.rooms.set(rooms.unwrap_or(i64::MAX));
    }
}

impl Observer for Messages {
    fn observe(&self, event: &Lifecycle<'_>) {
        match event {
            Lifecycle::Joined(..) => {
                self.memberships.inc();
            }
            Lifecycle::Left(..) => {
                self.memberships.dec();
            }
            Lifecycle::Published(..) => {
                self.publications.inc();
            }
            Lifecycle::Ended(ending) => {
                let rooms = i64::try_from(ending.rooms);
                self.memberships.dec_by(rooms.unwrap_or(i64::MAX));
            }
            Lifecycle::Refused { .. }
            | Lifecycle::Connected { .. }
            | Lifecycle::Authenticated(_)
            | Lifecycle::Denied(..)
            | Lifecycle::Operated { .. } => {}
        }
    }
}
