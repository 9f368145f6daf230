//! What is counted, for Prometheus: the lifecycle stream, and what the shards count themselves.

mod audit;
mod certificates;
mod connections;
mod messages;
mod operators;

use std::sync::Arc;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tautline_hub::Stats;

pub(crate) use self::audit::AuditFigures;
use self::certificates::Certificates;
use self::connections::Connections;
use self::messages::Messages;
pub(crate) use self::operators::Answered;
use self::operators::Operators;
use crate::lifecycle::{Lifecycle, Observer};

/// Everything that is counted, each group by itself.
pub(crate) struct Metrics {
    registry: Registry,
    certificates: Certificates,
    connections: Connections,
    messages: Messages,
    operators: Operators,
    audit: AuditFigures,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("tautline");
        Self {
            certificates: Certificates::new(&mut registry),
            connections: Connections::new(&mut registry),
            messages: Messages::new(&mut registry),
            operators: Operators::new(&mut registry),
            audit: AuditFigures::new(&mut registry),
            registry,
        }
    }

    /// Counts what a shard counts, too.
    pub(crate) fn watch(&self, shard: Arc<Stats>) {
        self.messages.watch(shard);
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
        self.messages.gather();
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("a String takes everything");
        text
    }
}

impl Observer for Metrics {
    fn observe(&self, event: &Lifecycle<'_>) {
        self.connections.observe(event);
        self.messages.observe(event);
        self.operators.observe(event);
    }
}
