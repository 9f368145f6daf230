//! What is counted of the server's certificate.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::book::Book;

/// Counts changes of the certificate.
pub(super) struct Certificates {
    read: Family<Labels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

impl Certificates {
    pub(super) fn new(book: &mut Book) -> Self {
        let read = Family::default();
        book.register_by(
            "certificates_read",
            &["outcome"],
            "Changed TLS certificates that were read: renewed, or kept where the new one cannot be used and the \
             old one stays",
            Family::clone(&read),
        );
        // They are there before the first is counted, so that a query sees the first as a change.
        for outcome in ["renewed", "kept"] {
            drop(read.get_or_create(&Labels { outcome }));
        }
        Self { read }
    }

    pub(super) fn read(&self, outcome: &'static str) {
        self.read.get_or_create(&Labels { outcome }).inc();
    }
}
