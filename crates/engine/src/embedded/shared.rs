//! What the threads of a store share.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tautline_protocol::model::RoomName;

use super::EmbeddedLimits;
use super::fault::Fault;
use super::figures::StoreFigures;
use super::tables::RoomRow;
use crate::memory::MemoryEngine;

/// So many notices are held until somebody reads them.
const NOTICES_MAX: usize = 64;

/// Everything that has been told, and the bounds.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) memory: MemoryEngine,
    pub(super) limits: EmbeddedLimits,
    /// Why nothing is written any more, once that is so.
    pub(super) failure: OnceLock<String>,
    pub(super) figures: Arc<StoreFigures>,
    /// What somebody should know.
    notices: Mutex<Vec<String>>,
}

impl Shared {
    pub(super) fn new(memory: MemoryEngine, limits: EmbeddedLimits) -> Self {
        Self {
            memory,
            limits,
            failure: OnceLock::new(),
            figures: Arc::default(),
            notices: Mutex::default(),
        }
    }

    /// Where a room stands that the disk keeps, as far as it was told.
    pub(super) fn stored(&self, name: &RoomName) -> Option<RoomRow> {
        let room = self.memory.rooms.find(name, |room| {
            let row = room.on_disk()?.row;
            Some(RoomRow {
                row,
                name: name.clone(),
                span: room.span(),
                retention: room.retention(),
            })
        });
        room.flatten()
    }

    /// Has somebody know, unless too much of it has not been read yet.
    pub(super) fn notice(&self, what: String) {
        self.figures.noticed();
        let mut notices = self.notices.lock();
        if notices.len() < NOTICES_MAX && !notices.contains(&what) {
            notices.push(what);
        }
    }

    pub(super) fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut *self.notices.lock())
    }

    /// Takes note of a fault. One after which the disk cannot be believed ends all writing.
    pub(super) fn fault(&self, fault: &Fault) {
        if let Fault::Lost(why) = fault {
            drop(self.failure.set(why.clone()));
        }
        self.notice(fault.to_string());
    }
}
