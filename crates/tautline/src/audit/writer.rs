//! The writer: a thread of its own that turns what waits into rows, and goes on trying when it cannot.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::chain::Head;
use super::event::{self, Event};
use super::fault::Fault;
use super::log::{Known, Log, Place};
use super::queue::{Lost, Queue};
use super::row::{Entry, Kind};
use crate::metrics::AuditFigures;

/// So many rows are written at once, at most: what a crash can take.
const BATCH_ROWS: usize = 4096;

/// How long after a failure the disk is tried again.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Writes what waits, in batches: whatever came while the last one was written is the next one.
pub(super) struct Writer {
    queue: Arc<Queue>,
    figures: AuditFigures,
    place: Place,
    /// None while the disk is lost.
    log: Option<Log>,
    known: Known,
    /// What was said of the loss last.
    told: Option<String>,
}

/// Rows that are to be written together.
struct Batch {
    entries: Vec<Entry>,
    /// Where the chain would stand if the attempt that failed has reached the disk nevertheless.
    tried: Option<Head>,
}

impl Writer {
    pub(super) fn new(
        (queue, figures): (Arc<Queue>, AuditFigures),
        (place, log): (Place, Log),
    ) -> Self {
        Self {
            queue,
            figures,
            place,
            known: log.known(),
            log: Some(log),
            told: None,
        }
    }

    /// Writes until no more comes, or until it has ended and the disk is lost.
    pub(super) fn run(mut self) {
        while let Some(taken) = self.queue.take() {
            let mut events = taken.events.into_iter();
            let mut count = u64::try_from(events.len()).unwrap_or(u64::MAX);
            while events.len() > 0 {
                let batch: Vec<Event> = events.by_ref().take(BATCH_ROWS).collect();
                let bytes = batch.iter().map(Event::weight).sum();
                let written = u64::try_from(batch.len()).unwrap_or(u64::MAX);
                let batch = event::merge(batch).into_iter();
                let entries = batch.map(Event::into_entry).collect();
                if !self.write(entries) {
                    return self.give_up(count);
                }
                self.queue.written(bytes);
                count -= written;
            }
            if let Some(lost) = taken.lost {
                self.figures.lost.set(1);
                if !self.write(vec![entry(lost)]) {
                    return self.give_up(lost.events);
                }
            }
            if !self.queue.has_lost() {
                self.figures.lost.set(0);
            }
        }
        if let Some(log) = self.log {
            log.close();
        }
    }

    /// Writes these rows, however long the disk is lost; whether they are written.
    fn write(&mut self, entries: Vec<Entry>) -> bool {
        let mut batch = Batch {
            entries,
            tried: None,
        };
        loop {
            match self.attempt(&mut batch) {
                Ok(()) => {
                    let rows = u64::try_from(batch.entries.len()).unwrap_or(u64::MAX);
                    self.figures.rows.inc_by(rows);
                    if self.told.take().is_some() {
                        tracing::info!("the audit log is written again");
                    }
                    return true;
                }
                Err(fault) => self.tell(&fault),
            }
            if self.queue.wait_for_end(RETRY_EVERY) {
                return false;
            }
        }
    }

    fn attempt(&mut self, batch: &mut Batch) -> Result<(), Fault> {
        let mut log = match self.log.take() {
            Some(log) => log,
            None => self.reopen()?,
        };
        self.known = log.known();
        if let Some(tried) = batch.tried
            && log.holds(tried)?
        {
            self.log = Some(log);
            return Ok(());
        }
        log.rotate()?;
        self.known = log.known();
        batch.tried = Some(batch.entries.iter().fold(self.known.head, Head::after));
        log.append(&batch.entries)?;
        self.known = log.known();
        self.log = Some(log);
        Ok(())
    }

    /// Opens the log again, if it is still the one that was written.
    fn reopen(&self) -> Result<Log, Fault> {
        let log = Log::resume(self.place.clone(), Some(self.known))?;
        if log.holds(self.known.head)? {
            return Ok(log);
        }
        let (written, found) = (self.known.head.sequence, log.known().head.sequence);
        let what = format!(
            "ends with row {found}, and is not the log whose row {written} was written last"
        );
        Err(Fault::damaged(&self.place.directory, what))
    }

    /// Tells of the loss at once, and then of what changes.
    fn tell(&mut self, fault: &Fault) {
        self.figures.lost.set(1);
        let said = fault.to_string();
        if self.told.as_ref() != Some(&said) {
            let fix = fault.fix();
            tracing::error!(error = %said, fix, "the audit log cannot be written");
            self.told = Some(said);
        }
    }

    fn give_up(&self, events: u64) {
        let events = events + self.queue.left();
        tracing::error!(
            events,
            "ended before these events were written to the audit log"
        );
    }
}

/// What a row says of events that have none.
fn entry(lost: Lost) -> Entry {
    let Lost {
        events,
        from,
        until,
    } = lost;
    let detail = json!({"events": events, "from_ms": from, "until_ms": until});
    Entry::new(until, Kind::Lost, &detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::directory;

    #[test]
    fn rows_that_reached_the_disk_in_an_attempt_that_failed_are_not_doubled() {
        let name = format!("tautline-audit-{}", std::process::id());
        let place = Place {
            directory: std::env::temp_dir().join(name),
            bytes_max: u64::MAX,
            files_max: None,
        };
        let log = Log::open(place.clone()).unwrap();
        let queue = Arc::new(Queue::new(usize::MAX));
        let mut writer = Writer::new((queue, AuditFigures::default()), (place.clone(), log));
        let known = writer.known;
        let mut batch = Batch {
            entries: vec![Entry::new(1, Kind::Joined, &json!({}))],
            tried: None,
        };
        writer.attempt(&mut batch).unwrap();
        // The rows were durable, and then the disk failed before it could say so.
        (writer.log, writer.known) = (None, known);
        writer.attempt(&mut batch).unwrap();
        assert_eq!(directory::last(&place.directory).unwrap(), 1);
        batch.tried = None;
        writer.attempt(&mut batch).unwrap();
        assert_eq!(directory::last(&place.directory).unwrap(), 2);
        std::fs::remove_dir_all(place.directory).unwrap();
    }
}
