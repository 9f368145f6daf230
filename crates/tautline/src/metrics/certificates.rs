//! What is counted of the server's certificate.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Counts changes of the certificate.
pub(super) struct Certificates {
    read: Family<Labels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

impl Certificates {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let read = Family::default();
        registry.register(
            "certificates_read",
            "Changed certificates that were read, by what came of it",
            Family::clone(&read),
        );
        Self { read }
    }

    pub(super) fn read(&self, outcome: &'static str) {
        self.read.get_or_create(&Labels { outcome }).inc();
    }
}
