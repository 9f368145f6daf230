//! What a shard counts, readable from every thread.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Closing, Histogram};

/// Plain counters of one shard. They are added to once per turn or per fan-out, not per message.
#[derive(Debug, Default)]
pub struct Stats {
    deliveries: AtomicU64,
    bytes_written: AtomicU64,
    rooms: AtomicU64,
    slow_consumers: AtomicU64,
    gaps: AtomicU64,
    shed: AtomicU64,
    fan_outs: Histogram,
}

impl Stats {
    /// Messages that were appended to outboxes because they were published to a room.
    pub fn deliveries(&self) -> u64 {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// Bytes that were written to connections.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written.load(Ordering::Relaxed)
    }

    /// Rooms that have a member in this shard now.
    pub fn rooms(&self) -> u64 {
        self.rooms.load(Ordering::Relaxed)
    }

    /// Connections that were told to end because they took less than they were sent.
    pub fn slow_consumers(&self) -> u64 {
        self.slow_consumers.load(Ordering::Relaxed)
    }

    /// Connections that were told to end because they missed something that cannot be given to them any more.
    pub fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::Relaxed)
    }

    /// Connections that were told to end because too much waited for everyone.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// How long publications took from being made, or heard of by this process, until each live member in this
    /// shard was written to once, those aside that take nothing.
    pub fn fan_outs(&self) -> &Histogram {
        &self.fan_outs
    }

    /// The driver of a connection was told to end it.
    pub(crate) fn closed(&self, closing: Closing) {
        let count = match closing {
            Closing::SlowConsumer => &self.slow_consumers,
            Closing::Gap => &self.gaps,
            Closing::Memory => &self.shed,
            Closing::Broken(_) | Closing::Drain | Closing::Disconnect => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, messages: u64) {
        self.deliveries.fetch_add(messages, Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self, bytes: u64) {
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_rooms(&self, rooms: usize) {
        self.rooms.store(rooms as u64, Ordering::Relaxed);
    }
}
