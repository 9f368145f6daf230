//! The bytes that wait for all connections of a process together.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Closing;
use crate::shard::{Shard, State};

/// Above this part of the budget, in percent, the largest queues are given up.
const SHED_ABOVE: usize = 80;
/// Above this part nobody new is let in.
const REFUSE_ABOVE: usize = 95;

/// The bytes that wait in all outboxes, and how many may.
///
/// A frame that waits for many connections is counted for each of them, although it is kept once: what
/// waits is an upper bound of what is used.
#[derive(Debug)]
pub struct Memory {
    waiting: AtomicUsize,
    bytes_max: usize,
}

impl Memory {
    /// A budget of so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            waiting: AtomicUsize::new(0),
            bytes_max,
        }
    }

    /// The bytes that wait now, as of each shard's last turn.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The bytes that may wait.
    pub fn budget(&self) -> usize {
        self.bytes_max
    }

    /// Whether there is so little left that newcomers are refused.
    pub fn is_nearly_gone(&self) -> bool {
        self.waiting() / REFUSE_ABOVE > self.bytes_max / 100
    }

    /// Whether there is so little left that the largest queues are given up.
    pub(crate) fn is_short(&self) -> bool {
        self.waiting() / SHED_ABOVE > self.bytes_max / 100
    }

    /// A shard's part has changed.
    pub(crate) fn change(&self, before: usize, now: usize) {
        if before <= now {
            self.waiting.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.waiting.fetch_sub(before - now, Ordering::Relaxed);
        }
    }
}

/// Without a limit.
impl Default for Memory {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Shard {
    /// Tells the process what waits here, and gives up the largest queues while too much waits
    /// everywhere.
    pub(crate) fn weigh(&self, state: &mut State) {
        self.tell_waiting(state);
        if !self.memory.is_short() {
            return;
        }
        let queues = state.connections.iter();
        let mut queues: Vec<(usize, usize)> = queues
            .map(|(slot, connection)| (connection.outbox.bytes(), slot))
            .filter(|(bytes, _)| *bytes > 0)
            .collect();
        queues.sort_unstable();
        while let Some((_, slot)) = queues.pop()
            && self.memory.is_short()
        {
            if let Some(connection) = state.connections.get_mut(slot) {
                connection.close(Closing::Memory);
            }
            self.tell_waiting(state);
        }
    }

    pub(crate) fn tell_waiting(&self, state: &mut State) {
        let waiting = state.waiting.get();
        self.memory.change(state.told_waiting, waiting);
        state.told_waiting = waiting;
    }
}
