//! A store that ends with its test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tautline_engine::embedded::{EmbeddedEngine, EmbeddedLimits, StoreError};
use tautline_engine::memory::ManualClock;
use tautline_engine::{Draft, Engine, Keep, Key, Level, Page, Published, Range, Terms};
use tautline_protocol::model::{EventName, Position, Retention, RoomName, Timestamp};

/// A directory of its own, and the time there.
pub(crate) struct Disk {
    directory: PathBuf,
    pub(crate) clock: ManualClock,
    pub(crate) limits: EmbeddedLimits,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let name = format!("tautline-store-{}", uuid::Uuid::now_v7().simple());
        Self {
            directory: std::env::temp_dir().join(name),
            clock: ManualClock::new(Timestamp(1_800_000_000_000)),
            limits: EmbeddedLimits::default(),
        }
    }

    /// Little is in memory, so that much is read from the disk.
    pub(crate) fn with_ring(ring_max: usize) -> Self {
        let mut disk = Self::new();
        disk.limits.ring_max = ring_max;
        disk
    }

    pub(crate) fn try_open(&self) -> Result<EmbeddedEngine, StoreError> {
        EmbeddedEngine::open(&self.directory, self.limits, Arc::new(self.clock.clone()))
    }

    pub(crate) fn open(&self) -> EmbeddedEngine {
        self.try_open().unwrap()
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.join("store.db")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

pub(crate) fn draft(data: &str) -> Draft {
    Draft {
        event: EventName::chat(),
        data: format!("{data:?}").into(),
        user: Some("ann".into()),
        tag: None,
        key: None,
    }
}

pub(crate) fn keyed(data: &str, key: &str) -> Draft {
    Draft {
        key: Some(Key(key.into())),
        ..draft(data)
    }
}

/// Terms of a durable room that keeps so many for an hour.
pub(crate) fn durable(count: u32) -> Terms {
    Terms {
        history: Retention {
            count,
            age: Duration::from_hours(1),
        },
        level: Level::Disk,
        key_window: Duration::from_mins(10),
    }
}

pub(crate) async fn publish(
    engine: &EmbeddedEngine,
    room: &RoomName,
    count: u32,
    terms: Terms,
) -> Vec<Position> {
    let mut positions = Vec::new();
    for number in 0..count {
        let draft = draft(&number.to_string());
        let Published { position, .. } = engine.publish(room, draft, terms).await.unwrap();
        positions.push(position);
    }
    positions
}

pub(crate) async fn last(engine: &EmbeddedEngine, room: &RoomName) -> Page {
    let range = Range::Last { limit: 10_000 };
    engine.read(room, range).await.unwrap()
}

pub(crate) async fn after(engine: &EmbeddedEngine, room: &RoomName, position: Position) -> Page {
    let range = Range::After {
        position,
        limit: 10_000,
    };
    engine.read(room, range).await.unwrap()
}

pub(crate) fn offsets(page: &Page) -> Vec<u64> {
    let publications = page.publications.iter();
    publications.map(|it| it.position.offset).collect()
}

/// Has the engine look after everything, and waits until it has.
pub(crate) async fn sweep(engine: &EmbeddedEngine) {
    for _ in 0..64 {
        engine.sweep();
    }
    // Calls are done in order; what they left to do is done in steps between two of them.
    for number in 0..64 {
        let key = format!("swept {number}");
        let kept = engine.put_if_absent(&key, "".into(), Duration::ZERO);
        kept.await.unwrap();
    }
}

/// Changes a database behind the store's back.
pub(crate) fn change(database: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.execute_batch(sql).unwrap();
}
