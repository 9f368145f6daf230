//! Whatever is dropped while it waits, nothing is lost.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures_util::{SinkExt as _, StreamExt as _};
use tautline_protocol::wire::v2::Encoding;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio::join;
use tokio::task::yield_now;
use tokio_websockets::{CloseCode, Message};

use super::peer::{AGREED, accept_of};
use super::{PIPE_BYTES, accept, open_over};
use crate::ended::EndKind;
use crate::link::{Incoming, Link};

/// Waits before each step, and then does a small one.
struct Halting {
    stream: DuplexStream,
    reads: Halt,
    writes: Halt,
}

/// Whether the step that comes next has been waited for.
#[derive(Default)]
struct Halt(bool);

/// What one step does at most.
const STEP_BYTES: usize = 7;

impl Halting {
    fn new(stream: DuplexStream) -> Self {
        Self {
            stream,
            reads: Halt::default(),
            writes: Halt::default(),
        }
    }
}

impl Halt {
    fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        self.0 = !self.0;
        if self.0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Halting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.reads.poll(context));
        let mut bytes = [0; STEP_BYTES];
        let mut step = ReadBuf::new(&mut bytes[..STEP_BYTES.min(buffer.remaining())]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut step))?;
        buffer.put_slice(step.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Halting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.writes.poll(context));
        let step = &bytes[..bytes.len().min(STEP_BYTES)];
        Pin::new(&mut self.stream).poll_write(context, step)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.writes.poll(context));
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.writes.poll(context));
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Polls a future until it has waited `waits` times, and drops it then.
async fn dropped_after<T>(waits: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..waits {
        let polled = std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context)));
        if let Poll::Ready(output) = polled.await {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

/// What comes to a link whose `next` is dropped again and again, until the end.
async fn heard(link: &mut Link, waits: usize) -> (Vec<String>, EndKind) {
    let mut messages = Vec::new();
    loop {
        match dropped_after(waits, link.next()).await {
            Some(Ok(Incoming::Message(message))) => {
                messages.push(String::from_utf8(message).unwrap());
            }
            Some(Ok(Incoming::Traffic)) | None => {}
            Some(Err(ended)) => return (messages, ended.kind),
        }
    }
}

#[tokio::test]
async fn a_wait_for_what_comes_may_be_dropped_at_any_point() {
    let said: Vec<String> = (0..20).map(|number| "x".repeat(number * number)).collect();
    for waits in 1..=20 {
        let (ours, theirs) = duplex(PIPE_BYTES);
        let (link, mut judge) = join!(
            open_over(Halting::new(ours), Encoding::Json),
            accept(theirs, Encoding::Json)
        );
        let mut link = link.unwrap();
        for message in &said {
            link.push(message.as_bytes()).unwrap();
        }
        let serve = async {
            for message in &said {
                judge.send(Message::text(message.clone())).await.unwrap();
                judge.send(Message::ping("p")).await.unwrap();
            }
            let mut messages = Vec::new();
            while messages.len() < said.len() {
                let message = judge.next().await.unwrap().unwrap();
                messages.extend(message.as_text().map(str::to_owned));
            }
            let close = Message::close(Some(CloseCode::NORMAL_CLOSURE), "");
            judge.send(close).await.unwrap();
            let mut answer = None;
            while let Some(Ok(message)) = judge.next().await {
                answer = Some(message);
            }
            (messages, answer)
        };
        let ((received, kind), (sent, answer)) = join!(heard(&mut link, waits), serve);
        assert_eq!(received, said, "{waits}");
        assert_eq!(sent, said, "{waits}");
        assert_eq!(kind, EndKind::Closed);
        assert!(answer.unwrap().is_close(), "{waits}");
    }
}

#[tokio::test]
async fn an_attempt_that_is_dropped_at_any_point_closes_its_stream() {
    let mut waits = 1;
    loop {
        let (ours, mut theirs) = duplex(PIPE_BYTES);
        let serve = async {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                match theirs.read_u8().await {
                    Ok(byte) => head.push(byte.into()),
                    Err(_) => return,
                }
            }
            let answer = AGREED.replace("{accept}", &accept_of(&head));
            let answer = answer.replace("msgpack", "json");
            if theirs.write_all(answer.as_bytes()).await.is_ok() {
                assert_eq!(theirs.read(&mut [0]).await.unwrap(), 0, "{waits}");
            }
        };
        let attempt = async {
            let opening = open_over(Halting::new(ours), Encoding::Json);
            // A link that is opened is dropped too, and with it the stream.
            dropped_after(waits, opening).await.map(drop)
        };
        let (opened, ()) = join!(attempt, serve);
        if opened.is_some() {
            break;
        }
        waits += 1;
    }
    assert!(waits > 50, "{waits}");
}
