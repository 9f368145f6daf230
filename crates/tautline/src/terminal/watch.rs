//! What ends a command before it is done, and how the connection stands until then.

use std::time::{Duration, Instant};

use tautline_client::{Client, ConnectionState};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch::Receiver;
use tokio::time::sleep_until;

use super::failure::Failure;
use super::outage::Outage;
use crate::cli::exit::Exit;

/// Watches the connection, the signals, and how long there is none of the one.
#[derive(Debug)]
pub(super) struct Watch {
    state: Receiver<ConnectionState>,
    outage: Outage,
    signals: Signals,
}

/// Ctrl-C and SIGTERM.
#[derive(Debug)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// What happened.
#[derive(Debug)]
pub(super) enum News {
    /// The connection stands otherwise.
    State(ConnectionState),
    /// The command is over.
    Ended(Failure),
}

impl Watch {
    /// The state that there is now is the first news.
    pub(super) fn new(client: &Client, patience: Option<Duration>) -> Result<Self, Failure> {
        let mut state = client.state();
        state.mark_changed();
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::new(Exit::NotDone, format!("cannot listen to signals: {error}"))
            })
        };
        Ok(Self {
            state,
            outage: Outage::new(Instant::now(), patience),
            signals: Signals {
                interrupt: listen(SignalKind::interrupt())?,
                terminate: listen(SignalKind::terminate())?,
            },
        })
    }

    /// The next that happens. Cancel-safe: nothing is noted before it is returned.
    pub(super) async fn next(&mut self) -> News {
        tokio::select! {
            () = self.signals.next() => News::Ended(Failure::stopped()),
            changed = self.state.changed() => match changed {
                Ok(()) => self.look(),
                Err(_) => News::Ended(Failure::stopped()),
            },
            () = until(self.outage.gives_up_at()) => News::Ended(self.outage.failure()),
        }
    }

    /// Waits until the command is over.
    pub(super) async fn ended(&mut self) -> Failure {
        loop {
            if let News::Ended(failure) = self.next().await {
                return failure;
            }
        }
    }

    /// Waits until somebody ends the command.
    pub(super) async fn stopped(&mut self) {
        self.signals.next().await;
    }

    fn look(&mut self) -> News {
        let state = self.state.borrow_and_update().clone();
        self.outage.handle_state(Instant::now(), &state);
        match state {
            ConnectionState::Closed { cause } => News::Ended(Failure::of_ending(&cause)),
            state @ (ConnectionState::Idle
            | ConnectionState::Connecting { .. }
            | ConnectionState::Connected { .. }
            | ConnectionState::Reconnecting { .. }) => News::State(state),
        }
    }
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Waits until then, or forever.
pub(super) async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
