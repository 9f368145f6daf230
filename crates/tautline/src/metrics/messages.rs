//! Rooms and what goes through them.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tautline_hub::Stats;

use super::book::Book;
use super::{Shard, sum};
use crate::lifecycle::{Lifecycle, Observer};

pub(super) struct Messages {
    rooms: Gauge,
    memberships: Gauge,
    publications: Counter,
    deliveries: Counter,
    bytes_written: Counter,
}

impl Messages {
    pub(super) fn new(book: &mut Book) -> Self {
        let messages = Self {
            rooms: Gauge::default(),
            memberships: Gauge::default(),
            publications: Counter::default(),
            deliveries: Counter::default(),
            bytes_written: Counter::default(),
        };
        book.register(
            "rooms",
            "Rooms with members now, counted once per shard",
            messages.rooms.clone(),
        );
        book.register(
            "memberships",
            "Connections in rooms now, each counted once per room",
            messages.memberships.clone(),
        );
        book.register(
            "publications",
            "Publications of connections",
            messages.publications.clone(),
        );
        book.register(
            "deliveries",
            "Messages that publications became, one for each live member",
            messages.deliveries.clone(),
        );
        book.register(
            "bytes_written",
            "Bytes written to connections",
            messages.bytes_written.clone(),
        );
        messages
    }

    /// Adds up what the shards count.
    pub(super) fn gather(&self, shards: &[Shard]) {
        let deliveries = sum(shards, Stats::deliveries);
        self.deliveries.inner().store(deliveries, Ordering::Relaxed);
        let bytes_written = sum(shards, Stats::bytes_written);
        self.bytes_written
            .inner()
            .store(bytes_written, Ordering::Relaxed);
        let rooms = i64::try_from(sum(shards, Stats::rooms));
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
