//! The audit log: what happened, in rows that nobody changes unseen.
//!
//! The shards put what they observe into `queue`, and never wait. `writer` has a thread of its own: it
//! makes a `row` of each `event` and gives them to the `log`, which has one `file` after another in its
//! `directory`. `chain` has the hashes, `verify` looks whether they still hold, `command` and `show` are
//! what people read the log with. Nothing here knows sockets.

mod chain;
mod command;
mod directory;
mod event;
mod fault;
mod file;
mod log;
mod query;
mod queue;
mod row;
mod show;
mod verify;
mod writer;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tautline_protocol::model::{Pattern, RoomName};

use self::event::Event;
use self::log::{Log, Place};
use self::queue::{Pushed, Queue};
use self::writer::Writer;
use crate::config::{self, OnLoss};
use crate::lifecycle::{Lifecycle, Observer};
use crate::metrics::AuditFigures;

pub use command::run;

/// How long the writer has for what waits when the server ends.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Takes note of what happens, for the log.
pub(crate) struct Audit {
    queue: Arc<Queue>,
    figures: AuditFigures,
    on_loss: OnLoss,
    /// By room, whether payloads are written; empty if none are.
    payloads: Vec<(Pattern, bool)>,
    /// Closed when the writer has ended.
    ended: Mutex<Receiver<()>>,
}

impl Audit {
    /// Opens the log and starts to write, if the configuration names a directory. Else says what is wrong
    /// with it.
    pub(crate) fn start(
        config: &config::Audit,
        figures: AuditFigures,
    ) -> Result<Option<Arc<Self>>, String> {
        let Some(directory) = &config.directory else {
            return Ok(None);
        };
        let place = Place {
            directory: directory.clone(),
            bytes_max: config.bytes_max,
            files_max: config.files_max,
        };
        let log = Log::open(place.clone()).map_err(|fault| {
            format!(
                "audit.directory = {}: {fault}; {}",
                directory.display(),
                fault.fix()
            )
        })?;
        let queue = Arc::new(Queue::new(config.queue_bytes));
        let writer = Writer::new((Arc::clone(&queue), figures.clone()), (place, log));
        let (ending, ended) = channel();
        let run = move || {
            let _ending: std::sync::mpsc::Sender<()> = ending;
            writer.run();
        };
        let started = thread::Builder::new().name("audit".to_owned()).spawn(run);
        started.map_err(|error| format!("cannot start the audit log's thread: {error}"))?;
        let audit = Self {
            queue,
            figures,
            on_loss: config.on_loss,
            payloads: config.payloads.clone(),
            ended: ended.into(),
        };
        audit.push(Event::started());
        Ok(Some(Arc::new(audit)))
    }

    /// Whether nothing may be published now: it could not be written down.
    pub(crate) fn stops_publications(&self) -> bool {
        self.on_loss == OnLoss::Stop && self.figures.lost.get() != 0
    }

    /// Writes what waits, and ends.
    pub(crate) fn end(&self) {
        self.push(Event::stopped());
        self.queue.end();
        let ended = self.ended.lock().recv_timeout(END_PATIENCE);
        if ended == Err(RecvTimeoutError::Timeout) {
            let events = self.queue.left();
            tracing::error!(events, patience = ?END_PATIENCE, "the disk was too slow for the end of the audit log");
        }
    }

    fn push(&self, event: Event) {
        if self.queue.push(event) == Pushed::Lost {
            self.figures.events_lost.inc();
            if self.figures.lost.set(1) == 0 {
                tracing::error!(
                    "the audit log's queue is full: events are lost; the disk is too slow, or raise audit.queue_bytes"
                );
            }
        }
    }

    fn wants_payload(&self, room: &RoomName) -> bool {
        let mut rules = self.payloads.iter();
        let rule = rules.find(|(rooms, _)| rooms.matches_for_somebody(room));
        rule.is_some_and(|(_, wants)| *wants)
    }
}

impl Observer for Audit {
    fn observe(&self, event: &Lifecycle<'_>) {
        self.push(Event::of(event, |room| self.wants_payload(room)));
    }
}
