//! How connections end, whoever ends them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use socket2::SockRef;
use tautline_protocol::wire::v2::Encoding;
use tautline_websocket::frame;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf, duplex};
use tokio::join;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_websockets::{CloseCode, Message};

use super::peer::bare;
use super::{PIPE_BYTES, accept, connected, end, message, open_over};
use crate::ended::EndKind;
use crate::link::Incoming;
use crate::outgoing::PushError;

#[tokio::test]
async fn a_close_of_the_server_is_told_and_answered() {
    let (mut link, mut judge) = connected(Encoding::Json).await;
    let code = CloseCode::try_from(4401).unwrap();
    judge.send(Message::text("last words")).await.unwrap();
    let close = Message::close(Some(code), "token expired");
    judge.send(close).await.unwrap();
    assert_eq!(message(&mut link).await.unwrap(), b"last words");
    let ended = end(&mut link).await;
    assert_eq!((ended.kind, ended.code), (EndKind::Closed, Some(4401)));
    assert_eq!(ended.reason, "token expired");
    assert!(ended.is_clean());
    assert_eq!(link.next().await.unwrap_err(), ended);
    assert_eq!(link.push(b"{}"), Err(PushError::Closing));
    let answer = judge.next().await.unwrap().unwrap();
    assert_eq!(answer.as_close(), Some((code, "")));
    assert!(judge.next().await.is_none());
}

#[tokio::test]
async fn a_close_of_ours_comes_behind_what_waits_and_before_what_still_comes() {
    let (mut link, mut judge) = connected(Encoding::Json).await;
    link.push(b"one more").unwrap();
    link.close(4000, "going away");
    link.close(1000, "again");
    assert_eq!(link.push(b"too late"), Err(PushError::Closing));
    judge.send(Message::text("still")).await.unwrap();
    assert_eq!(message(&mut link).await.unwrap(), b"still");
    let heard = judge.next().await.unwrap().unwrap();
    assert_eq!(heard.as_text(), Some("one more"));
    let hear = async {
        let close = judge.next().await.unwrap().unwrap();
        // A close is answered by whoever waits for what follows it.
        assert!(judge.next().await.is_none());
        close
    };
    let (ended, close) = join!(end(&mut link), hear);
    let code = CloseCode::try_from(4000).unwrap();
    assert_eq!(close.as_close(), Some((code, "going away")));
    assert_eq!((ended.kind, ended.code), (EndKind::Closed, Some(4000)));
}

#[tokio::test]
async fn a_stream_that_ends_is_not_a_close() {
    let (mut link, judge) = connected(Encoding::Json).await;
    drop(judge);
    let ended = end(&mut link).await;
    assert_eq!((ended.kind, ended.code), (EndKind::Eof, None));
    assert!(!ended.is_clean());
    assert_eq!(link.next().await.unwrap_err(), ended);
    link.close(1000, "");
    assert_eq!(link.buffered(), 0);
}

#[tokio::test]
async fn a_reset_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (theirs, _) = listener.accept().await.unwrap();
    let (link, judge) = join!(
        open_over(stream.unwrap(), Encoding::Json),
        accept(theirs, Encoding::Json)
    );
    let socket = SockRef::from(judge.get_ref());
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(judge);
    let ended = end(&mut link.unwrap()).await;
    assert_eq!(ended.kind, EndKind::Reset, "{ended}");
}

#[tokio::test]
async fn what_a_server_may_not_send_is_answered_with_its_code() {
    let too_big = [0x82, 127, 0, 0, 0, 0, 0xff, 0, 0, 0];
    for (sent, code) in [
        (&[0x82, 0x80, 1, 2, 3, 4][..], 1002),
        (&[0x83, 0], 1002),
        (&[0xc2, 0], 1002),
        (&[0x88, 2, 0x03, 0xed], 1002),
        (&[0x88, 4, 0x03, 0xe8, 0xff, 0xff], 1007),
        (&too_big, 1009),
        (&[0x81, 2, b'{', b'}'], 1003),
    ] {
        let (mut link, mut peer) = bare().await;
        let message = frame::binary("before");
        peer.write_all(&message).await.unwrap();
        peer.write_all(sent).await.unwrap();
        peer.write_all(&message).await.unwrap();
        assert_eq!(super::message(&mut link).await.unwrap(), b"before");
        let ended = end(&mut link).await;
        assert_eq!((ended.kind, ended.code), (EndKind::Violation, Some(code)));
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer[0], 0x88);
        assert_eq!(
            [answer[6] ^ answer[2], answer[7] ^ answer[3]],
            code.to_be_bytes()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_hear_the_farewell_does_not_hold_the_end() {
    let (mut link, mut peer) = bare().await;
    link.push(&vec![7; 2 * PIPE_BYTES]).unwrap();
    peer.write_all(&frame::close(4410, "goaway")).await.unwrap();
    let begun = Instant::now();
    let ended = end(&mut link).await;
    assert_eq!((ended.kind, ended.code), (EndKind::Closed, Some(4410)));
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
    assert_eq!(link.stalled_since(), None);
}

/// Nothing can be written to it any more, as after a reset, and what came before can be read.
struct Deaf<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Deaf<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deaf<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !bytes.starts_with(b"GET") {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[tokio::test]
async fn what_came_before_a_failed_write_is_heard() {
    for says_goodbye in [true, false] {
        let (ours, theirs) = duplex(PIPE_BYTES);
        let (link, mut judge) = join!(
            open_over(Deaf(ours), Encoding::Json),
            accept(theirs, Encoding::Json)
        );
        let mut link = link.unwrap();
        judge.send(Message::text("hear this")).await.unwrap();
        if says_goodbye {
            let close = Message::close(Some(CloseCode::GOING_AWAY), "");
            judge.send(close).await.unwrap();
        }
        link.push(b"{}").unwrap();
        assert_eq!(message(&mut link).await.unwrap(), b"hear this");
        let ended = end(&mut link).await;
        let expected = if says_goodbye {
            (EndKind::Closed, Some(1001))
        } else {
            (EndKind::Reset, None)
        };
        assert_eq!((ended.kind, ended.code), expected);
    }
}

#[tokio::test]
async fn what_comes_with_the_answer_to_the_handshake_is_heard() {
    let frame = frame::binary("early");
    let answer = [super::peer::AGREED.as_bytes(), &frame].concat();
    let (link, _peer) = super::peer::answered(&answer).await;
    let heard = link.unwrap().next().await.unwrap();
    assert_eq!(heard, Incoming::Message(b"early".to_vec()));
}
