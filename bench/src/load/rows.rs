//! Publishers before the bare writer: all of them in one thread, each with one row on its way.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::fanout::Work;

/// A disk that takes longer for one batch ends the run instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Publishers that share one connection; a byte stands for a publication, and for its answer.
#[derive(Debug)]
pub(crate) struct Rows {
    stream: TcpStream,
    publishers: usize,
}

impl Rows {
    pub(crate) fn connect(address: SocketAddr, publishers: usize) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, publishers })
    }

    /// Publishes for as long as `window`, then waits for what is on its way.
    pub(crate) fn run(&mut self, window: Duration) -> Result<Work> {
        let begin = Instant::now();
        let mut work = Work::default();
        let mut answers = vec![0; self.publishers];
        self.stream.write_all(&answers)?;
        let mut due = self.publishers as u64;
        while work.units < due {
            let count = self.stream.read(&mut answers)?;
            let answered = answers.get(..count).filter(|answered| !answered.is_empty());
            let answered = answered.context("the bare writer has ended")?;
            work.units += count as u64;
            if begin.elapsed() < window {
                self.stream.write_all(answered)?;
                due += count as u64;
            }
        }
        Ok(work)
    }
}
