//! Latency at a fixed rate: from the instant at which a publication was due to the instant at which
//! a member read it.
//!
//! The clock starts at the intended instant, not at the actual one, so that a server that stalls
//! cannot hide its stall by delaying the publications behind it. Both ends are the load client's,
//! so there is one clock; it polls without sleeping, because a timer of a millisecond would be most
//! of what is measured.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::fanout::Work;
use super::frame;
use super::link::{Link, Target};
use super::swarm::{Deadline, Swarm};

/// Publications in a second: below half of what the slowest server can do, so that a queue is the
/// server's own doing.
const RATE: u32 = 100;

/// The members of one room; the first publishes.
#[derive(Debug)]
pub(crate) struct Paced {
    swarm: Swarm,
    publication: Vec<u8>,
}

/// Latencies of single deliveries in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

impl Paced {
    pub(crate) fn connect(target: Target, members: usize) -> Result<Self> {
        let room = "bench:latency";
        let wire = target.wire;
        let message = wire.publish(room, wire.said());
        let publication = frame::from_client(wire.opcode(), &message);
        let swarm = Swarm::connect(target, (0..members).map(|_| room.to_owned()))?;
        Ok(Self { swarm, publication })
    }

    /// Publishes at the fixed rate for as long as `window`.
    pub(crate) fn run(&mut self, window: Duration) -> Result<(Work, Percentiles)> {
        let period = Duration::from_secs(1) / RATE;
        let publications = u32::try_from(window.as_millis() / period.as_millis())?.max(1);
        let due = u64::from(publications) * self.swarm.links.len() as u64;
        let mut work = Work::default();
        let mut latencies = Vec::with_capacity(usize::try_from(due)?);
        let wire = self.swarm.target.wire;
        let begin = Instant::now();
        let mut sent = 0;
        let deadline = Deadline::new();
        while work.units < due {
            deadline.check("the publications of a fixed rate to reach every member")?;
            if sent < publications && begin.elapsed() >= period * sent {
                self.swarm
                    .links
                    .first_mut()
                    .context("a room has a publisher")?
                    .send(&self.publication)?;
                sent += 1;
            }
            self.swarm.turn(Duration::ZERO, |link: &mut Link, frame| {
                let now = begin.elapsed();
                for _ in 0..wire.messages(frame.payload) {
                    // A room has one order, so a member's nth delivery is the nth publication.
                    let intended = period * u32::try_from(link.received)?;
                    latencies.push(now.saturating_sub(intended));
                    link.received += 1;
                    work.units += 1;
                }
                work.bytes += frame.size as u64;
                Ok(())
            })?;
        }
        for link in &mut self.swarm.links {
            link.received = 0;
        }
        Ok((work, percentiles(latencies)?))
    }
}

pub(crate) fn percentiles(mut latencies: Vec<Duration>) -> Result<Percentiles> {
    latencies.sort_unstable();
    let at = |per_mille: usize| -> Result<f64> {
        let rank = (latencies.len() * per_mille)
            .div_ceil(1000)
            .saturating_sub(1);
        let latency = latencies
            .get(rank)
            .context("a percentile of no deliveries")?;
        Ok(latency.as_secs_f64() * 1000.0)
    };
    Ok(Percentiles {
        p50: at(500)?,
        p99: at(990)?,
        p999: at(999)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_smallest_latency_that_covers_its_share() {
        let latencies = (1..=1000).rev().map(Duration::from_millis).collect();
        let found = percentiles(latencies).unwrap();
        assert_eq!((found.p50, found.p99, found.p999), (500.0, 990.0, 999.0));
    }

    #[test]
    fn a_single_delivery_is_every_percentile() {
        let found = percentiles(vec![Duration::from_millis(7)]).unwrap();
        assert_eq!((found.p50, found.p99, found.p999), (7.0, 7.0, 7.0));
    }
}
