//! What a shard counts, readable from every thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// Plain counters of one shard. They are added to once per turn or per fan-out, not per message.
#[derive(Debug, Default)]
pub struct Stats {
    deliveries: AtomicU64,
    bytes_written: AtomicU64,
    rooms: AtomicU64,
    connections_shed: AtomicU64,
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

    /// Connections that were given up because too much waited for everyone.
    pub fn connections_shed(&self) -> u64 {
        self.connections_shed.load(Ordering::Relaxed)
    }

    pub(crate) fn shed(&self) {
        self.connections_shed.fetch_add(1, Ordering::Relaxed);
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
