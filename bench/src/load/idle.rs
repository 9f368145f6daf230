//! Idle connections: many that have joined one room and say nothing, and then each a large echo.

use anyhow::{Context as _, Result};

use super::frame::{self, TEXT};
use super::link::{Link, Target};
use super::swarm::{Deadline, Swarm};

/// The large message: more than any buffer that a server would keep on purpose.
const LARGE: usize = 60_000;
/// Large echoes in flight.
const LARGE_MAX: usize = 16;

/// Connections that stay open and silent.
#[derive(Debug)]
pub(crate) struct Idle {
    swarm: Swarm,
}

impl Idle {
    pub(crate) fn connect(target: Target, connections: usize, room: &str) -> Result<Self> {
        let swarm = Swarm::connect(target, (0..connections).map(|_| room.to_owned()))?;
        Ok(Self { swarm })
    }

    /// Lets every connection echo 60 KB once.
    pub(crate) fn echo_large(&mut self) -> Result<()> {
        let request = self
            .swarm
            .target
            .wire
            .echo(&"x".repeat(LARGE))
            .context("this system has no echo")?;
        let request = frame::from_client(TEXT, request.as_bytes());
        let connections = self.swarm.links.len();
        let (mut asked, mut answered) = (0, 0);
        let mut deadline = Deadline::new();
        while answered < connections {
            while asked < connections && asked - answered < LARGE_MAX {
                self.swarm
                    .links
                    .get_mut(asked)
                    .context("every connection is asked once")?
                    .send(&request)?;
                asked += 1;
            }
            deadline.check("a large echo")?;
            let before = answered;
            self.swarm.turn(deadline.left(), |_: &mut Link, frame| {
                // Presence may speak meanwhile; only the echo is large.
                answered += usize::from(frame.payload.len() >= LARGE);
                Ok(())
            })?;
            if answered > before {
                deadline = Deadline::new();
            }
        }
        Ok(())
    }
}
