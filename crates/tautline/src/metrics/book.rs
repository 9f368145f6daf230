//! The metrics by name: for who scrapes them, and for the page of the reference.

use prometheus_client::encoding::text;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Metric, Registry};

/// What every name begins with.
const PREFIX: &str = "tautline";

/// A registry that knows what was entered.
pub(super) struct Book {
    registry: Registry,
    entries: Vec<Entry>,
}

/// A metric, without what it counts.
#[derive(Debug)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the reference is written by a test")
)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
    pub(super) kind: MetricType,
}

impl Book {
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::with_prefix(PREFIX),
            entries: Vec::new(),
        }
    }

    /// Enters a metric without labels.
    pub(super) fn register(&mut self, name: &'static str, help: &'static str, metric: impl Metric) {
        self.register_by(name, &[], help, metric);
    }

    /// Enters a metric that is told apart by these labels.
    pub(super) fn register_by(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
        metric: impl Metric,
    ) {
        self.entries.push(Entry {
            name,
            labels,
            help,
            kind: metric.metric_type(),
        });
        self.registry.register(name, help, metric);
    }

    /// All figures, in the text format of `OpenMetrics`.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("a String takes everything");
        text
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
