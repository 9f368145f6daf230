//! Connections: how many, how they were refused, and how they ended.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use tautline_protocol::wire::CloseCode;

use super::book::Book;
use crate::ending::{By, Ending};
use crate::lifecycle::{Lifecycle, Observer};

pub(super) struct Connections {
    now: Gauge,
    begun: Counter,
    endings: Family<EndingLabels, Counter>,
    ages: Histogram,
    refusals: Family<RefusalLabels, Counter>,
    denials: Family<DenialLabels, Counter>,
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

impl Connections {
    pub(super) fn new(book: &mut Book) -> Self {
        let connections = Self {
            now: Gauge::default(),
            begun: Counter::default(),
            endings: Family::default(),
            // A tenth of a second to seven hours.
            ages: Histogram::new(exponential_buckets(0.1, 4.0, 10)),
            refusals: Family::default(),
            denials: Family::default(),
        };
        book.register("connections", "Connections now", connections.now.clone());
        book.register(
            "connected",
            "Connections that began",
            connections.begun.clone(),
        );
        book.register_by(
            "endings",
            &["by", "code"],
            "Connections that ended, by who began it (server, client, network) and the name of the close code; \
             none without one, other for a code that a client made up",
            connections.endings.clone(),
        );
        book.register(
            "connection_age_seconds",
            "How old connections were when they ended",
            connections.ages.clone(),
        );
        book.register_by(
            "handshakes_refused",
            &["cause"],
            "Handshakes that were refused, by cause",
            connections.refusals.clone(),
        );
        book.register_by(
            "denials",
            &["refusal"],
            "What connections were refused, by refusal",
            connections.denials.clone(),
        );
        connections
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
        self.now.dec();
        self.endings.get_or_create(&EndingLabels { by, code }).inc();
        self.ages.observe(ending.times.age.as_secs_f64());
    }
}

impl Observer for Connections {
    fn observe(&self, event: &Lifecycle<'_>) {
        match event {
            Lifecycle::Refused { cause, .. } => {
                let cause = cause.name();
                self.refusals.get_or_create(&RefusalLabels { cause }).inc();
            }
            Lifecycle::Connected { .. } => {
                self.now.inc();
                self.begun.inc();
            }
            Lifecycle::Denied(_, refusal) => {
                let refusal = refusal.name();
                self.denials.get_or_create(&DenialLabels { refusal }).inc();
            }
            Lifecycle::Ended(ending) => self.ended(ending),
            Lifecycle::Authenticated(_)
            | Lifecycle::Joined(..)
            | Lifecycle::Left(..)
            | Lifecycle::Published(..)
            | Lifecycle::Operated { .. } => {}
        }
    }
}
