//! Recovery: many clients come back at once, say where they stood, and get what they have missed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::fanout::{CHAT, Work};
use super::frame;
use super::link::{Link, Target};
use super::swarm::{Deadline, Swarm};
use super::typed::{Encoding, Missed, Publication};
use super::wire::Wire;

const ROOM: &str = "bench:recovery";

/// Clients that have missed the same.
#[derive(Debug)]
pub(crate) struct Recovery {
    target: Target,
    clients: usize,
}

impl Recovery {
    /// Publishes what they miss. A bare server needs nothing: what it sends was prepared.
    pub(crate) fn prepare(mut target: Target, clients: usize, messages: usize) -> Result<Self> {
        if matches!(target.wire, Wire::Typed(_)) {
            let since = publish(&target, 1)?;
            publish(&target, messages)?;
            target.missed = Some(Missed { since, messages });
        }
        Ok(Self { target, clients })
    }

    /// Has all of them come back, again and again for as long as `window`, and at least once.
    pub(crate) fn run(&mut self, window: Duration) -> Result<Work> {
        let begin = Instant::now();
        let mut work = Work::default();
        while work.units == 0 || begin.elapsed() < window {
            let rooms = (0..self.clients).map(|_| ROOM.to_owned());
            let swarm = Swarm::connect(self.target.clone(), rooms)?;
            work.units += self.clients as u64;
            work.bytes += swarm.links.iter().map(|link| link.greeting).sum::<u64>();
        }
        Ok(work)
    }
}

/// Publishes so many, and answers the position of the last one, as JSON.
fn publish(target: &Target, messages: usize) -> Result<String> {
    let mut swarm = Swarm::connect(target.clone(), [String::new()].into_iter())?;
    let message = Encoding::Json.publish(Publication {
        room: ROOM,
        event: "chat",
        data: CHAT,
        key: None,
    });
    let message = frame::from_client(Encoding::Json.opcode(), &message);
    let link = swarm
        .links
        .first_mut()
        .context("the publisher is connected")?;
    link.send(&message.repeat(messages))?;
    let (mut taken, mut last) = (0, None);
    let deadline = Deadline::new();
    while taken < messages {
        deadline.check("publications to be answered")?;
        swarm.turn(deadline.left(), |_: &mut Link, frame| {
            if Encoding::Json.is_published(frame.payload) {
                let answer: Value = serde_json::from_slice(frame.payload)?;
                last = position(&answer);
                taken += 1;
            }
            Ok(())
        })?;
    }
    last.context("the answer has no position")
}

/// The position that an answer has, as JSON.
fn position(answer: &Value) -> Option<String> {
    let payload = answer.get("payload")?;
    let field = |name: &str| Some((name.to_owned(), payload.get(name)?.clone()));
    let fields = [field("epoch")?, field("offset")?, field("id")?];
    Some(Value::Object(fields.into_iter().collect()).to_string())
}
