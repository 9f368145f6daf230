//! Echo: every connection keeps some requests in flight and answers each answer with the next
//! request.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::fanout::{TEXT_128, Work};
use super::frame::{self, TEXT};
use super::link::{Link, Target};
use super::swarm::{Deadline, Swarm};

/// Connections that echo side by side.
const CONNECTIONS: usize = 100;

/// Connections, each in a room of its own.
#[derive(Debug)]
pub(crate) struct Echo {
    swarm: Swarm,
    in_flight: usize,
    request: Vec<u8>,
}

impl Echo {
    pub(crate) fn connect(target: Target, in_flight: usize) -> Result<Self> {
        let request = target
            .wire
            .echo(TEXT_128)
            .context("this system has no echo")?;
        let request = frame::from_client(TEXT, request.as_bytes());
        let swarm = Swarm::connect(
            target,
            (0..CONNECTIONS).map(|index| format!("bench:{index}")),
        )?;
        Ok(Self {
            swarm,
            in_flight,
            request,
        })
    }

    /// Echoes for as long as `window`, then waits for what is in flight.
    ///
    /// A connection sends its next batch when the last one has come back whole, so that 16 in
    /// flight are 16 in one write.
    pub(crate) fn run(&mut self, window: Duration) -> Result<Work> {
        let batch = self.request.repeat(self.in_flight);
        let in_flight = self.in_flight as u64;
        let begin = Instant::now();
        let mut work = Work::default();
        let mut due = 0;
        for link in &mut self.swarm.links {
            link.received = 0;
            link.send(&batch)?;
            due += in_flight;
        }
        let deadline = Deadline::new();
        while work.units < due {
            deadline.check("the echoes in flight")?;
            let more = begin.elapsed() < window;
            self.swarm.turn(deadline.left(), |link: &mut Link, frame| {
                link.received += 1;
                work.units += 1;
                work.bytes += frame.size as u64;
                if more && link.received.is_multiple_of(in_flight) {
                    link.send(&batch)?;
                    due += in_flight;
                }
                Ok(())
            })?;
        }
        Ok(work)
    }
}
