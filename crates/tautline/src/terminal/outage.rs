//! How long there has been no connection.

use std::time::{Duration, Instant};

use tautline_client::{ConnectionState, Ending};

use super::failure::Failure;
use crate::cli::exit::Exit;
use crate::plain::escape;

/// A time without a connection, and how long one is borne.
#[derive(Debug)]
pub(super) struct Outage {
    patience: Option<Duration>,
    since: Option<Instant>,
    cause: Option<Ending>,
}

impl Outage {
    /// There is no connection yet.
    pub(super) fn new(now: Instant, patience: Option<Duration>) -> Self {
        Self {
            patience,
            since: Some(now),
            cause: None,
        }
    }

    pub(super) fn handle_state(&mut self, now: Instant, state: &ConnectionState) {
        match state {
            ConnectionState::Connected { .. } => {
                self.since = None;
                self.cause = None;
            }
            ConnectionState::Reconnecting { cause, .. } => {
                self.since.get_or_insert(now);
                self.cause = Some(cause.clone());
            }
            ConnectionState::Idle
            | ConnectionState::Connecting { .. }
            | ConnectionState::Closed { .. } => {}
        }
    }

    /// When it has lasted too long.
    pub(super) fn gives_up_at(&self) -> Option<Instant> {
        self.since?.checked_add(self.patience?)
    }

    /// It has lasted too long.
    pub(super) fn failure(&self) -> Failure {
        let patience = humantime::format_duration(self.patience.unwrap_or_default());
        let why = self
            .cause
            .as_ref()
            .map(|cause| format!(": {}", escape(&cause.to_string())));
        let message = format!(
            "no connection to the server for {patience}{}",
            why.unwrap_or_default()
        );
        Failure::new(Exit::NotDone, message)
    }
}

#[cfg(test)]
mod tests {
    use tautline_client::{ConnectionId, EndingKind};

    use super::*;

    #[test]
    fn an_outage_counts_from_where_the_connection_was_lost() {
        let begin = Instant::now();
        let second = Duration::from_secs(1);
        let mut outage = Outage::new(begin, Some(3 * second));
        assert_eq!(outage.gives_up_at(), Some(begin + 3 * second));
        outage.handle_state(
            begin + second,
            &ConnectionState::Connected {
                connection: ConnectionId::parse("deadbeef000300000010ffffffff").unwrap(),
                user: "ann".into(),
            },
        );
        assert_eq!(outage.gives_up_at(), None);
        for later in [5, 6, 7] {
            let lost = ConnectionState::Reconnecting {
                attempt: later,
                retry_at: None,
                cause: Ending::without_code(EndingKind::Lost, "the network\u{1b}"),
            };
            outage.handle_state(begin + later * second, &lost);
            assert_eq!(outage.gives_up_at(), Some(begin + 8 * second));
        }
        let failure = outage.failure();
        assert_eq!(failure.exit, Exit::NotDone);
        assert_eq!(
            failure.message,
            "no connection to the server for 3s: the network\\u{1b}"
        );
    }

    #[test]
    fn without_a_bound_it_is_borne_forever() {
        assert_eq!(Outage::new(Instant::now(), None).gives_up_at(), None);
        let forever = Outage::new(Instant::now(), Some(Duration::MAX));
        assert_eq!(forever.gives_up_at(), None);
    }
}
