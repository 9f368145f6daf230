//! Tautline's engine by itself, behind the very socket that the bare writer of `rows.rs` has.
//!
//! A byte that comes names a publisher and stands for its next publication. All that came in one read are
//! published before any of them is awaited, and the same bytes are the answer when the disk has them. There
//! is no session, no token, no message to parse, and no socket for each publisher.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tautline_engine::embedded::{EmbeddedEngine, EmbeddedLimits};
use tautline_engine::memory::SystemClock;
use tautline_engine::{Draft, Engine as _, Key, Level, Terms};
use tautline_protocol::model::{EventName, Retention, RoomName};
use tokio::runtime::{Builder, Runtime};

use crate::load::durable::ROOM;
use crate::load::fanout::CHAT;

/// As `durable.toml` and the server have them.
const TERMS: Terms = Terms {
    history: Retention {
        count: 1_000_000,
        age: Duration::from_hours(1),
    },
    level: Level::Disk,
    key_window: Duration::from_mins(10),
};
/// As often as the server does it.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// A byte names so many publishers.
const PUBLISHERS_MAX: usize = 256;

/// Publishes until it is killed; says on `ready` where it listens.
pub(crate) fn serve(directory: &Path, ready: &mut dyn std::io::Write) -> Result<()> {
    let mut publishers = Publishers::open(directory)?;
    let swept = Arc::clone(&publishers.engine);
    thread::spawn(move || {
        loop {
            thread::sleep(SWEEP_EVERY);
            swept.sweep();
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(
        ready,
        "{}",
        json!({ "message": "listening", "address": listener.local_addr()?.to_string() })
    )?;
    for stream in listener.incoming() {
        publishers.take_all(stream?)?;
    }
    Ok(())
}

/// Who publishes.
#[derive(Debug)]
struct Publishers {
    engine: Arc<EmbeddedEngine>,
    runtime: Runtime,
    room: RoomName,
    draft: Draft,
    /// What all keys begin with.
    life: String,
    /// The number in each publisher's newest key.
    counted: [u64; PUBLISHERS_MAX],
}

impl Publishers {
    /// A new store in a new directory, opened as the server opens it: the limits' defaults are the settings'.
    fn open(directory: &Path) -> Result<Self> {
        let clock = Arc::new(SystemClock::default());
        let engine = EmbeddedEngine::open(directory, EmbeddedLimits::default(), clock)?;
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        Ok(Self {
            engine: Arc::new(engine),
            runtime: Builder::new_current_thread().build()?,
            room: RoomName::parse(ROOM)?,
            draft: Draft {
                event: EventName::parse("chat")?,
                data: CHAT.as_bytes().into(),
                user: Some("bench".into()),
                tag: Some("bench".into()),
                key: None,
            },
            life: format!("{:x}", since_epoch.as_micros()),
            counted: [0; PUBLISHERS_MAX],
        })
    }

    /// Publishes for one client until it leaves.
    fn take_all(&mut self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut bytes = [0; PUBLISHERS_MAX];
        loop {
            let count = stream.read(&mut bytes)?;
            let Some(asked) = bytes.get(..count).filter(|asked| !asked.is_empty()) else {
                return Ok(());
            };
            self.publish(asked)?;
            stream.write_all(asked)?;
        }
    }

    /// One publication of each of these, side by side.
    fn publish(&mut self, publishers: &[u8]) -> Result<()> {
        let mut answers = Vec::with_capacity(publishers.len());
        for &publisher in publishers {
            let counted = self.counted.get_mut(usize::from(publisher));
            let number = counted.context("a byte names a publisher")?;
            *number += 1;
            let key = format!("{}:{publisher}:{number}", self.life);
            let draft = Draft {
                key: Some(Key(key.into())),
                ..self.draft.clone()
            };
            answers.push(self.engine.publish(&self.room, draft, TERMS));
        }
        self.runtime.block_on(async {
            // They are acknowledged in the order of the calls: when the last one is, all are.
            for answer in answers.into_iter().rev() {
                let published = answer.await?;
                ensure!(
                    !published.duplicate && published.level == Level::Disk,
                    "not on the disk, or not for the first time: {published:?}"
                );
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;

    #[test]
    fn each_byte_is_a_publication_with_a_key_of_its_own() {
        let disk = Disk::new().unwrap();
        let directory = disk.place().unwrap();
        let mut publishers = Publishers::open(&directory).unwrap();
        publishers.publish(&[0, 1, 0]).unwrap();
        publishers.publish(&[255]).unwrap();
        drop(publishers);
        let stats = tautline_engine::embedded::stats(&directory).unwrap();
        assert_eq!((stats.rooms, stats.publications, stats.keys), (1, 4, 4));
    }
}
