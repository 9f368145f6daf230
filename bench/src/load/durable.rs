//! Durable publications: every publisher has one on its way to the disk, and sends the next one when
//! it is answered.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};

use super::fanout::{CHAT, Work};
use super::frame::{self, contains};
use super::link::{Link, Target};
use super::swarm::{Deadline, Swarm};
use super::typed::{Encoding, Publication};

/// The room that is kept on the disk.
pub(crate) const ROOM: &str = "durable:bench";
/// What the answer to a publication says that is on the disk, and was not there before.
const ON_DISK: &[u8] = br#""duplicate":false,"level":"disk""#;

/// The highest number in a key so far. Publishers count on from round to round, as the bare writer does: where each
/// of them has many keys, a new one is in a page of its own, and that is most of what a publication costs the disk.
static COUNTED: AtomicU64 = AtomicU64::new(0);

/// Publishers that are in no room: nobody is told of what they publish.
#[derive(Debug)]
pub(crate) struct Durable {
    swarm: Swarm,
    keys: Keys,
}

/// Makes keys that none had before.
#[derive(Debug)]
struct Keys {
    /// What all keys of this run begin with, and of no other.
    life: &'static str,
    /// Where the rounds before ended.
    counted: u64,
}

impl Durable {
    pub(crate) fn connect(target: Target, publishers: usize) -> Result<Self> {
        static LIFE: OnceLock<String> = OnceLock::new();
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        Ok(Self {
            swarm: Swarm::connect(target, (0..publishers).map(|_| String::new()))?,
            keys: Keys {
                life: LIFE.get_or_init(|| format!("{:x}", since_epoch.as_micros())),
                counted: COUNTED.load(Ordering::Relaxed),
            },
        })
    }

    /// Publishes for as long as `window`, then waits for what is on its way.
    pub(crate) fn run(&mut self, window: Duration) -> Result<Work> {
        let begin = Instant::now();
        let mut work = Work::default();
        let mut due = self.swarm.links.len() as u64;
        let keys = &self.keys;
        for link in &mut self.swarm.links {
            publish(link, keys)?;
        }
        let deadline = Deadline::new();
        while work.units < due {
            deadline.check("the disk to have every publication")?;
            let more = begin.elapsed() < window;
            self.swarm.turn(deadline.left(), |link: &mut Link, frame| {
                if !Encoding::Json.is_published(frame.payload) {
                    let other = String::from_utf8_lossy(frame.payload);
                    ensure!(!other.contains(r#""error""#), "refused: {other}");
                    return Ok(());
                }
                ensure!(
                    contains(frame.payload, ON_DISK),
                    "not on the disk, or not for the first time: {}",
                    String::from_utf8_lossy(frame.payload)
                );
                work.units += 1;
                work.bytes += frame.size as u64;
                if more {
                    publish(link, keys)?;
                    due += 1;
                }
                Ok(())
            })?;
        }
        Ok(work)
    }
}

fn publish(link: &mut Link, keys: &Keys) -> Result<()> {
    link.received += 1;
    let number = keys.counted + link.received;
    COUNTED.fetch_max(number, Ordering::Relaxed);
    let key = format!("{}:{}:{number}", keys.life, link.index);
    let message = Encoding::Json.publish(Publication {
        room: ROOM,
        event: "chat",
        data: CHAT,
        key: Some(&key),
    });
    link.send(&frame::from_client(Encoding::Json.opcode(), &message))
}
