//! Connect: handshake, authentication, join, closing handshake; then the next connection takes the
//! place.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::fanout::Work;
use super::link::{Phase, Target};
use super::swarm::{Deadline, Swarm};

/// Connections that come and go side by side.
const PLACES: usize = 16;

/// Opens and closes connections for as long as `window`, then waits for those that are still open.
pub(crate) fn run(target: Target, window: Duration) -> Result<Work> {
    let begin = Instant::now();
    let mut work = Work::default();
    let mut swarm = Swarm::new(target)?;
    for place in 0..PLACES {
        swarm.open(format!("bench:{place}"))?;
    }
    let deadline = Deadline::new();
    loop {
        deadline.check("connections to open and close")?;
        swarm.turn(deadline.left(), |_, _| Ok(()))?;
        let more = begin.elapsed() < window;
        let mut ended = 0;
        for place in 0..PLACES {
            let link = swarm
                .links
                .get_mut(place)
                .context("every place was opened")?;
            if link.phase == Phase::Joined {
                link.close()?;
            } else if link.phase == Phase::Closed && more {
                swarm.reopen(place)?;
                work.units += 1;
            } else if link.phase == Phase::Closed {
                ended += 1;
            }
        }
        if ended == PLACES {
            work.units += PLACES as u64;
            return Ok(work);
        }
    }
}
