//! The engine that is run: in memory, or with a disk.

use std::sync::Arc;

use tautline_engine::Engine;
use tautline_engine::embedded::{EmbeddedEngine, EmbeddedLimits, StoreError};
use tautline_engine::memory::{MemoryEngine, MemoryLimits, SystemClock};

use crate::config::{Limits, Storage};
use crate::metrics::Metrics;

/// Where rooms live.
#[derive(Debug, Clone)]
pub(super) enum Rooms {
    InMemory(Arc<MemoryEngine>),
    OnDisk(Arc<EmbeddedEngine>),
}

impl Rooms {
    /// Opens the store, if there is to be one, and looks through it.
    pub(super) fn open(
        limits: &Limits,
        storage: Option<&Storage>,
        metrics: &Metrics,
    ) -> Result<Self, StoreError> {
        let clock = Arc::new(SystemClock::default());
        let memory = MemoryLimits {
            rooms_max: limits.rooms_max,
            history_bytes_max: limits.history_bytes,
            ..MemoryLimits::default()
        };
        let Some(storage) = storage else {
            let engine = MemoryEngine::new(memory, clock);
            metrics.measure(Arc::clone(engine.budget()));
            return Ok(Self::InMemory(Arc::new(engine)));
        };
        let limits = EmbeddedLimits {
            memory,
            bytes_max: storage.bytes_max,
            keys_max: storage.keys_max,
            ring_max: storage.ring_max,
            ..EmbeddedLimits::default()
        };
        let engine = EmbeddedEngine::open(&storage.directory, limits, clock)?;
        metrics.measure(Arc::clone(engine.budget()));
        metrics.tell_of(Arc::clone(engine.figures()));
        let directory = storage.directory.display();
        tracing::info!(%directory, "durable rooms are kept on disk");
        Ok(Self::OnDisk(Arc::new(engine)))
    }

    pub(super) fn engine(&self) -> Arc<dyn Engine> {
        match self {
            Self::InMemory(engine) => Arc::clone(engine) as _,
            Self::OnDisk(engine) => Arc::clone(engine) as _,
        }
    }

    /// Lets go of what has ended, and tells people what they should know.
    pub(super) fn sweep(&self) {
        match self {
            Self::InMemory(engine) => engine.sweep(),
            Self::OnDisk(engine) => {
                engine.sweep();
                for notice in engine.take_notices() {
                    tracing::error!(%notice, "the store of durable rooms");
                }
            }
        }
    }

    /// Why nothing can be written any more until the process starts anew.
    pub(super) fn failure(&self) -> Option<&str> {
        match self {
            Self::InMemory(_) => None,
            Self::OnDisk(engine) => engine.failure(),
        }
    }
}
