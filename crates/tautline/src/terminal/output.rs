//! Standard output, which may be held up for as long as it likes.

use std::io::{self, Write};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::failure::Failure;
use super::watch::Watch;

/// How long what is being written has, when somebody ends the command meanwhile.
const GRACE: Duration = Duration::from_millis(500);

/// What became of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// It is written.
    Whole,
    /// Whoever read us has gone.
    Unread,
    /// Somebody ended the command while it was being written.
    Stopped,
}

/// Writes on another thread, and waits for it, unless somebody ends the command.
pub(super) async fn print(text: String, watch: &mut Watch) -> Result<Printed, Failure> {
    if text.is_empty() {
        return Ok(Printed::Whole);
    }
    let mut writing = spawn_blocking(move || {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    });
    let written = tokio::select! {
        biased;
        written = &mut writing => written,
        () = watch.stopped() => {
            // A line that is begun is better whole; one that nobody takes is nothing to wait for.
            drop(timeout(GRACE, writing).await);
            return Ok(Printed::Stopped);
        }
    };
    match written.unwrap_or_else(|panicked| Err(io::Error::other(panicked))) {
        Ok(()) => Ok(Printed::Whole),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Printed::Unread),
        Err(error) => Err(Failure::of_output(&error)),
    }
}
