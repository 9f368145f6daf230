//! The one thread that writes.
//!
//! It takes all calls that are there, writes them in one transaction, and tells and answers them when
//! the disk has them. The next calls gather meanwhile: batches grow with the load, and no timer is needed.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use uuid::ContextV7;

use super::call::Call;
use super::fault::Fault;
use super::queue::Calls;
use super::shared::Shared;
use super::staging::{Staged, Staging};
use super::tables::Tables;
use super::upkeep::Upkeep;
use crate::EngineError;
use crate::memory::room::Room;

/// Writes until no more calls can come.
pub(super) fn run(shared: &Arc<Shared>, connection: &Connection, keys: u64, calls: Calls) {
    match Tables::prepare(connection) {
        Ok(tables) => {
            let writer = Writer {
                shared: Arc::clone(shared),
                connection,
                tables,
                ids: ContextV7::new(),
                keys,
                upkeep: Upkeep::default(),
            };
            writer.run(calls);
        }
        Err(error) => shared.fault(&Fault::from(error)),
    }
}

#[derive(Debug)]
struct Writer<'c> {
    shared: Arc<Shared>,
    connection: &'c Connection,
    tables: Tables<'c>,
    ids: ContextV7,
    /// How many keys the disk remembers.
    keys: u64,
    upkeep: Upkeep,
}

impl Writer<'_> {
    fn run(mut self, mut calls: Calls) {
        // One for all batches: it is large.
        let mut batch = Vec::new();
        loop {
            if !self.upkeep.has_work() || !calls.is_empty() {
                calls.receive(&mut batch);
                if batch.is_empty() {
                    break;
                }
                self.write(&mut batch);
            }
            let tables = &mut self.tables;
            let kept_up = self
                .upkeep
                .step(&self.shared, self.connection, tables, &mut self.keys);
            if let Err(fault) = kept_up {
                self.shared.fault(&fault);
                // Not again before the next sweep: the disk may be full.
                self.upkeep = Upkeep::default();
            }
        }
    }

    /// Writes the calls and answers them. What is the matter with one of them is not the others' fault.
    fn write(&mut self, batch: &mut Vec<Call>) {
        match self.commit(batch) {
            Ok(()) => self.end(batch, None),
            Err(Fault::Damaged(_) | Fault::Other(_)) if batch.len() > 1 => {
                for call in batch.drain(..) {
                    self.write(&mut vec![call]);
                }
            }
            Err(fault) => {
                self.shared.fault(&fault);
                self.end(batch, Some(&fault.into()));
            }
        }
    }

    fn commit(&mut self, batch: &mut [Call]) -> Result<(), Fault> {
        if let Some(why) = self.shared.failure.get() {
            return Err(Fault::Lost(why.clone()));
        }
        let behavior = TransactionBehavior::Immediate;
        let transaction = Transaction::new_unchecked(self.connection, behavior)?;
        let mut staging = Staging::new(&self.shared, &mut self.tables, &self.ids, self.keys);
        for call in batch {
            staging.stage(call)?;
        }
        staging.finish()?;
        transaction.commit()?;
        let Staged { keys, untidy, tidy } = staging.apply();
        self.keys = keys;
        self.upkeep.add(untidy, tidy);
        Ok(())
    }

    fn end(&self, batch: &mut Vec<Call>, refused: Option<&EngineError>) {
        let awaited = batch.iter().filter(|call| call.is_awaited()).count() as u64;
        let figures = &self.shared.figures;
        match refused {
            Some(_) => figures.refused_all(awaited),
            None if awaited > 0 => figures.committed(awaited),
            None => (),
        }
        let rooms = &self.shared.memory.rooms;
        for mut call in batch.drain(..) {
            if refused.is_some()
                && let Call::Relay { room, cast, asker } = &mut call
            {
                // Nothing of it was to be written.
                let cast = cast.clone();
                rooms.find(room, |room| room.relay(cast));
                asker.prepare(Ok(()));
            }
            if let Some(room) = call.room() {
                rooms.find(room, Room::waited);
            }
            match refused {
                Some(why) if !matches!(call, Call::Relay { .. }) => call.refuse(why),
                Some(_) | None => call.answer(),
            }
        }
    }
}
