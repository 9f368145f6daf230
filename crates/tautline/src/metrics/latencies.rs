//! How long things take: counted by each shard for itself, added up when somebody asks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use tautline_hub::{BOUNDS, Histogram, Spread};

use super::Shard;
use super::book::Book;

/// What a shard's connections take time for. The library's own histogram has a lock; this has none.
#[derive(Debug, Default)]
pub(crate) struct Clocked {
    /// From accepting a socket to the answer 101.
    pub(crate) handshakes: Histogram,
    /// Looking at a token.
    pub(crate) verifications: Histogram,
    /// From reading a publication to the engine's answer.
    pub(crate) publishes: Histogram,
}

pub(super) struct Latencies(Vec<Latency>);

/// One of the histograms, and where each shard has its part of it.
struct Latency {
    of: fn(&Shard) -> &Histogram,
    total: Total,
}

/// The shards' parts together, as they were when they were gathered.
#[derive(Debug, Clone, Default)]
struct Total(Arc<Mutex<Spread>>);

impl Latencies {
    pub(super) fn new(book: &mut Book) -> Self {
        let mut latencies = Vec::new();
        let mut register = |name, help, of| {
            let total = Total::default();
            book.register(name, help, total.clone());
            latencies.push(Latency { of, total });
        };
        register(
            "handshake_seconds",
            "From accepting a socket until its upgrade was answered with 101",
            |shard| &shard.clocked.handshakes,
        );
        register(
            "token_verification_seconds",
            "How long it took to verify a token, or to find it wrong",
            |shard| &shard.clocked.verifications,
        );
        register(
            "publish_seconds",
            "From reading a connection's publication until the engine had answered",
            |shard| &shard.clocked.publishes,
        );
        register(
            "fan_out_seconds",
            "From a publication until a shard had written it to its members, those aside that take nothing; \
             once for each shard with members",
            |shard| shard.stats.fan_outs(),
        );
        Self(latencies)
    }

    pub(super) fn gather(&self, shards: &[Shard]) {
        for latency in &self.0 {
            let mut spread = Spread::default();
            for shard in shards {
                (latency.of)(shard).add_to(&mut spread);
            }
            *latency.total.0.lock() = spread;
        }
    }
}

impl EncodeMetric for Total {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let spread = *self.0.lock();
        let bounds = BOUNDS.iter().map(Duration::as_secs_f64);
        let bounds = bounds.chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(spread.counts).collect();
        let count = spread.counts.iter().sum();
        let sum = Duration::from_nanos(spread.nanoseconds).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
