//! Publishers before one socket, of the bare writer or of the engine: all of them in one thread, each with one
//! publication on its way.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::fanout::Work;

/// A disk that takes longer for one batch ends the run instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Publishers that share one connection; a byte names one of them, and stands for its publication, and for the answer.
#[derive(Debug)]
pub(crate) struct Rows {
    stream: TcpStream,
    /// One byte for each.
    publishers: Vec<u8>,
}

impl Rows {
    pub(crate) fn connect(address: SocketAddr, publishers: usize) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let publishers: Vec<u8> = (0..=u8::MAX).take(publishers).collect();
        Ok(Self { stream, publishers })
    }

    /// Publishes for as long as `window`, then waits for what is on its way.
    pub(crate) fn run(&mut self, window: Duration) -> Result<Work> {
        let begin = Instant::now();
        let mut work = Work::default();
        let mut answers = self.publishers.clone();
        self.stream.write_all(&answers)?;
        let mut due = answers.len() as u64;
        while work.units < due {
            let count = self.stream.read(&mut answers)?;
            let answered = answers.get(..count).filter(|answered| !answered.is_empty());
            let answered = answered.context("the writer has ended")?;
            work.units += count as u64;
            if begin.elapsed() < window {
                self.stream.write_all(answered)?;
                due += count as u64;
            }
        }
        Ok(work)
    }
}
