//! What is counted, for Prometheus: the lifecycle stream, and what the shards count themselves.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tautline_hub::Stats;
use tautline_protocol::wire::CloseCode;

use crate::ending::{By, Ending};
use crate::lifecycle::{Lifecycle, Observer};

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    connections: Gauge,
    connected: Counter,
    endings: Family<EndingLabels, Counter>,
    ages: Histogram,
    refusals: Family<RefusalLabels, Counter>,
    denials: Family<DenialLabels, Counter>,
    memberships: Gauge,
    publications: Counter,
    deliveries: Counter,
    bytes_written: Counter,
    rooms: Gauge,
    shards: Mutex<Vec<Arc<Stats>>>,
}

/// By what endings are told apart. The codes that clients choose are one: they are many.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndingLabels {
    by: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DenialLabels {
    refusal: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("tautline");
        // A tenth of a second to seven hours.
        let ages = Histogram::new(exponential_buckets(0.1, 4.0, 10));
        let metrics = Self {
            connections: Gauge::default(),
            connected: Counter::default(),
            endings: Family::default(),
            ages,
            refusals: Family::default(),
            denials: Family::default(),
            memberships: Gauge::default(),
            publications: Counter::default(),
            deliveries: Counter::default(),
            bytes_written: Counter::default(),
            rooms: Gauge::default(),
            shards: Mutex::default(),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        Self {
            registry,
            ..metrics
        }
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("connections", "Connections now", self.connections.clone());
        registry.register(
            "connected",
            "Connections that began",
            self.connected.clone(),
        );
        registry.register(
            "endings",
            "Connections that ended, by who began it and the close code",
            self.endings.clone(),
        );
        registry.register(
            "connection_age_seconds",
            "How old connections were when they ended",
            self.ages.clone(),
        );
        registry.register(
            "handshakes_refused",
            "Handshakes that were refused, by cause",
            self.refusals.clone(),
        );
        registry.register(
            "denials",
            "What connections were refused, by refusal",
            self.denials.clone(),
        );
        registry.register(
            "memberships",
            "Connections in rooms now, each counted once per room",
            self.memberships.clone(),
        );
        registry.register(
            "publications",
            "Publications of connections",
            self.publications.clone(),
        );
        registry.register(
            "deliveries",
            "Messages that publications became, one for each live member",
            self.deliveries.clone(),
        );
        registry.register(
            "bytes_written",
            "Bytes written to connections",
            self.bytes_written.clone(),
        );
        registry.register(
            "rooms",
            "Rooms with members now, counted once per shard",
            self.rooms.clone(),
        );
    }

    /// Counts what a shard counts, too.
    pub(crate) fn watch(&self, shard: Arc<Stats>) {
        self.shards.lock().push(shard);
    }

    /// All figures, in the text format of `OpenMetrics`.
    pub(crate) fn text(&self) -> String {
        let shards = self.shards.lock();
        let sum = |count: fn(&Stats) -> u64| shards.iter().map(|stats| count(stats)).sum::<u64>();
        self.deliveries
            .inner()
            .store(sum(Stats::deliveries), Ordering::Relaxed);
        self.bytes_written
            .inner()
            .store(sum(Stats::bytes_written), Ordering::Relaxed);
        self.rooms
            .set(i64::try_from(sum(Stats::rooms)).unwrap_or(i64::MAX));
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("a String takes everything");
        text
    }

    fn ended(&self, ending: &Ending) {
        let by = match ending.by {
            By::Server => "server",
            By::Client => "client",
            By::Network => "network",
        };
        let known = |code| CloseCode::all().find(|known| known.number() == code);
        let code = match ending.code {
            None => "none",
            Some(code) => known(code).map_or("other", CloseCode::name),
        };
        self.connections.dec();
        self.endings.get_or_create(&EndingLabels { by, code }).inc();
        self.ages.observe(ending.times.age.as_secs_f64());
        self.memberships
            .dec_by(i64::try_from(ending.rooms).unwrap_or(i64::MAX));
    }
}

impl Observer for Metrics {
    fn observe(&self, event: &Lifecycle<'_>) {
        match event {
            Lifecycle::Refused { cause, .. } => {
                let cause = cause.name();
                self.refusals.get_or_create(&RefusalLabels { cause }).inc();
            }
            Lifecycle::Denied(_, refusal) => {
                let refusal = refusal.name();
                self.denials.get_or_create(&DenialLabels { refusal }).inc();
            }
            Lifecycle::Connected { .. } => {
                self.connections.inc();
                self.connected.inc();
            }
            Lifecycle::Authenticated(_) => {}
            Lifecycle::Joined(..) => {
                self.memberships.inc();
            }
            Lifecycle::Left(..) => {
                self.memberships.dec();
            }
            Lifecycle::Published(..) => {
                self.publications.inc();
            }
            Lifecycle::Ended(ending) => self.ended(ending),
        }
    }
}
