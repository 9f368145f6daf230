//! One direction of a connection: reads, waits as long as its shape says, writes.

use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::shape::Shape;
use super::{End, Tally};

/// So many bytes are read at once.
const READ_BYTES_MAX: usize = 16 * 1024;
/// So many pieces are on their way at once; more wait with their sender.
const PIECES_MAX: usize = 1024;

/// How a direction came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// The sender said that it sends no more, and the receiver has been told.
    Told,
    /// The sender or the receiver is gone.
    Gone,
    /// As the plan says.
    Planned(End),
}

type OnTheWay = (Instant, Vec<u8>);

/// Moves bytes until one of both sides, or the plan, ends it.
pub(super) async fn run(
    (mut from, mut to): (ReadHalf<'_>, WriteHalf<'_>),
    mut shape: Shape,
    tally: &Tally,
) -> Finish {
    let (pieces, on_the_way) = mpsc::channel(PIECES_MAX);
    let read = read(&mut from, &mut shape, pieces);
    let (read, written) = tokio::join!(read, write(&mut to, on_the_way));
    if !written {
        return Finish::Gone;
    }
    match read {
        Finish::Planned(end) => {
            tally.count(end.into());
            if end == End::Stall {
                swallow(&mut from).await;
            }
            read
        }
        Finish::Told if to.shutdown().await.is_err() => Finish::Gone,
        Finish::Told | Finish::Gone => read,
    }
}

async fn read(
    from: &mut ReadHalf<'_>,
    shape: &mut Shape,
    pieces: mpsc::Sender<OnTheWay>,
) -> Finish {
    let mut buffer = vec![0; READ_BYTES_MAX];
    loop {
        if let Some(end) = shape.end() {
            return Finish::Planned(end);
        }
        let read = match from.read(&mut buffer).await {
            Ok(0) => return Finish::Told,
            Ok(read) => read,
            Err(_) => return Finish::Gone,
        };
        let mut rest = buffer.get(..read).unwrap_or_default();
        while let Some(piece) = shape.pass(rest.len(), Instant::now()) {
            let (passes, behind) = rest.split_at(piece.bytes);
            rest = behind;
            if pieces.send((piece.at, passes.to_vec())).await.is_err() {
                return Finish::Gone;
            }
        }
    }
}

/// Writes each piece at its time. False if nobody takes it.
async fn write(to: &mut WriteHalf<'_>, mut pieces: mpsc::Receiver<OnTheWay>) -> bool {
    while let Some((at, bytes)) = pieces.recv().await {
        sleep_until(at.into()).await;
        if to.write_all(&bytes).await.is_err() {
            return false;
        }
    }
    true
}

/// Takes what comes and forgets it, until nothing comes any more.
pub(super) async fn swallow<R: AsyncRead + Unpin>(from: &mut R) {
    let mut buffer = vec![0; READ_BYTES_MAX];
    while matches!(from.read(&mut buffer).await, Ok(1..)) {}
}
