//! The audit log: whether it is written, and what is lost.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::book::Book;

/// What the audit log counts. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuditFigures {
    /// 1 while it cannot be written or events are lost, else 0.
    pub(crate) lost: Gauge,
    pub(crate) rows: Counter,
    pub(crate) events_lost: Counter,
}

impl AuditFigures {
    pub(super) fn new(book: &mut Book) -> Self {
        let figures = Self::default();
        book.register(
            "audit_lost",
            "1 while the audit log cannot be written or events are lost, else 0",
            figures.lost.clone(),
        );
        book.register(
            "audit_rows",
            "Rows written to the audit log",
            figures.rows.clone(),
        );
        book.register(
            "audit_events_lost",
            "Events that have no row in the audit log, because its queue was full",
            figures.events_lost.clone(),
        );
        figures
    }
}
