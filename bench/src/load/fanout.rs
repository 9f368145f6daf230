//! Fan-out: bursts of publications, each burst delivered to everybody before the next one leaves.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::frame;
use super::link::{Link, Target};
use super::swarm::{Deadline, Swarm};

/// 128 bytes of text: a message of a chat, a tick of a ticker.
pub(crate) const TEXT_128: &str = "Sphinx of black quartz, judge my vow. Pack my box with five \
                                   dozen liquor jugs. How vexingly quick daft zebras jump; very \
                                   bright!";

/// The same as JSON data.
pub(crate) const CHAT: &str = r#"{"text":"Sphinx of black quartz, judge my vow. Pack my box with five dozen liquor jugs. How vexingly quick daft zebras jump; very bright!"}"#;

/// How many rooms, of how many members, and how many publications of each room leave together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    pub(crate) burst: usize,
}

/// The members of some rooms; the first of each room publishes, and receives like the others.
#[derive(Debug)]
pub(crate) struct FanOut {
    swarm: Swarm,
    shape: Shape,
    /// By publisher: its burst, masked and joined, so that the server can read it at once.
    bursts: Vec<(usize, Vec<u8>)>,
}

/// What was delivered.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Work {
    /// Deliveries, echoes or connections.
    pub(crate) units: u64,
    /// Whole frames, as they came from the server.
    pub(crate) bytes: u64,
}

impl FanOut {
    pub(crate) fn connect(target: Target, shape: Shape) -> Result<Self> {
        let wire = target.wire;
        let room = |index: usize| format!("bench:{}", index / shape.members);
        let swarm = Swarm::connect(target, (0..shape.rooms * shape.members).map(room))?;
        let bursts = (0..shape.rooms)
            .map(|number| number * shape.members)
            .map(|first| {
                let message = wire.publish(&room(first), wire.said());
                (
                    first,
                    frame::from_client(wire.opcode(), &message).repeat(shape.burst),
                )
            })
            .collect();
        Ok(Self {
            swarm,
            shape,
            bursts,
        })
    }

    /// Bursts for as long as `window`, and at least one.
    pub(crate) fn run(&mut self, window: Duration) -> Result<Work> {
        let begin = Instant::now();
        let mut work = Work::default();
        let mut rounds = 0;
        while rounds == 0 || begin.elapsed() < window {
            self.burst(&mut work)?;
            rounds += 1;
        }
        let each = rounds * self.shape.burst as u64;
        for link in &mut self.swarm.links {
            ensure!(
                link.received == each,
                "a member received {} of {each} publications",
                link.received
            );
            link.received = 0;
        }
        Ok(work)
    }

    fn burst(&mut self, work: &mut Work) -> Result<()> {
        for (publisher, burst) in &self.bursts {
            self.swarm
                .links
                .get_mut(*publisher)
                .context("every publisher is connected")?
                .send(burst)?;
        }
        let wire = self.swarm.target.wire;
        let due = work.units + (self.shape.rooms * self.shape.members * self.shape.burst) as u64;
        let deadline = Deadline::new();
        while work.units < due {
            deadline.check("a burst to reach every member")?;
            self.swarm.turn(deadline.left(), |link: &mut Link, frame| {
                let messages = wire.messages(frame.payload);
                if messages == 0 {
                    return Ok(());
                }
                // One member in a thousand reads what it gets; the others count.
                if link.index == 0 {
                    ensure!(
                        frame::contains(frame.payload, wire.proof().as_bytes()),
                        "instead of the publication came: {}",
                        String::from_utf8_lossy(frame.payload)
                    );
                }
                link.received += messages;
                work.units += messages;
                work.bytes += frame.size as u64;
                Ok(())
            })?;
        }
        Ok(())
    }
}
