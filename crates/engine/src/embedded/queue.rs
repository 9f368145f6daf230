//! The bounded way to the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::sync::mpsc::{self, error::TrySendError};

use super::EmbeddedLimits;
use super::call::Call;
use crate::EngineError;

/// So many calls share one commit at most.
const BATCH_MAX: usize = 256;

/// So many turns of the scheduler in which nothing came end the gathering of a batch.
const QUIET_TURNS: u32 = 16;

/// The end where calls come in.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    sender: mpsc::Sender<Call>,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

/// The writer's end.
#[derive(Debug)]
pub(super) struct Calls {
    receiver: mpsc::Receiver<Call>,
    bytes: Arc<AtomicUsize>,
}

pub(super) fn queue(limits: &EmbeddedLimits) -> (Queue, Calls) {
    let (sender, receiver) = mpsc::channel(limits.waiting_max);
    let bytes = Arc::<AtomicUsize>::default();
    let queue = Queue {
        sender,
        bytes: Arc::clone(&bytes),
        bytes_max: limits.waiting_bytes_max,
    };
    (queue, Calls { receiver, bytes })
}

impl Queue {
    /// Hands a call to the writer, or says why not. Never waits.
    pub(super) fn push(&self, call: Call) -> Result<(), EngineError> {
        const FULL: EngineError = EngineError::Stalled("too much waits for the disk");
        let weight = call.weight();
        if self.bytes.fetch_add(weight, Ordering::Relaxed) > self.bytes_max {
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            return Err(FULL);
        }
        self.sender.try_send(call).map_err(|refused| {
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => FULL,
                TrySendError::Closed(_) => ended(),
            }
        })
    }
}

impl Calls {
    /// Waits for calls and takes all that are there, up to one batch. None come when the engine is gone.
    pub(super) fn receive(&mut self, batch: &mut Vec<Call>) {
        self.gather();
        self.receiver.blocking_recv_many(batch, BATCH_MAX);
        let weight = batch.iter().map(Call::weight).sum();
        self.bytes.fetch_sub(weight, Ordering::Relaxed);
    }

    /// Lets those who were answered just now come with their next call, as long as more and more come: they then share
    /// one commit. No time is waited for, and a call that comes alone waits for a few turns of the scheduler.
    fn gather(&self) {
        let mut came = self.receiver.len();
        let mut quiet = 0;
        while came < BATCH_MAX && quiet < QUIET_TURNS {
            thread::yield_now();
            let now = self.receiver.len();
            quiet = if now > came { 0 } else { quiet + 1 };
            came = now;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }
}

/// What is answered when the writer is gone.
pub(super) fn ended() -> EngineError {
    EngineError::Unavailable("the store has stopped; its log says why".to_owned())
}
