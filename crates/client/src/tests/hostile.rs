//! Whatever bytes come, however they are split, they end in an error at worst.

use proptest::collection::vec;
use proptest::prelude::*;
use tautline_protocol::wire::v2::Encoding;
use tautline_websocket::frame;
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};
use tokio::join;
use tokio::runtime;
use tokio::task::yield_now;

use super::peer::{self, AGREED, bare};
use super::{PIPE_BYTES, end, message, open_over};
use crate::ended::EndKind;

/// Bytes that look like frames for some way: headers with small lengths, and anything.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let header = (any::<u8>(), prop_oneof![0..20_u8, any::<u8>()]);
    let frame = (header, vec(any::<u8>(), 0..20))
        .prop_map(|((first, second), payload)| [&[first, second][..], &payload].concat());
    let valid = (vec(any::<u8>(), 0..300), 0..4_u8).prop_map(|(payload, kind)| match kind {
        0 => frame::binary(payload).to_vec(),
        1 => frame::ping(payload).to_vec(),
        2 => frame::text(String::from_utf8_lossy(&payload).as_bytes()).to_vec(),
        _ => frame::pong(payload).to_vec(),
    });
    vec(prop_oneof![frame, valid], 0..20).prop_map(|frames| frames.concat())
}

/// Answers that begin well, with parts taken from the right one.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<&str> = AGREED.split_inclusive("\r\n").collect();
    let line = proptest::sample::select(lines).prop_map(|line| line.as_bytes().to_vec());
    let noise = vec(any::<u8>(), 0..40);
    vec(prop_oneof![4 => line, 1 => noise], 0..12).prop_map(|lines| lines.concat())
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = runtime::Builder::new_current_thread().enable_time().build();
    runtime.unwrap().block_on(test);
}

/// Sends bytes in pieces, each of which is read before the next one comes.
async fn send(stream: &mut DuplexStream, bytes: &[u8], piece: usize) {
    for piece in bytes.chunks(piece) {
        // Who has ended takes no more.
        if stream.write_all(piece).await.is_err() {
            return;
        }
        yield_now().await;
    }
    stream.shutdown().await.unwrap();
}

proptest! {
    #[test]
    fn any_answer_ends_in_a_link_or_an_error(answer in answers()) {
        block_on(async {
            let (ours, mut theirs) = duplex(PIPE_BYTES);
            let serve = async move { peer::answer(&mut theirs, &answer).await };
            let (link, ()) = join!(open_over(ours, Encoding::MessagePack), serve);
            if let Ok(mut link) = link {
                end(&mut link).await;
            }
        });
    }

    #[test]
    fn any_bytes_end_in_an_end(bytes in frames(), piece in 1..64_usize) {
        block_on(async {
            let (mut link, mut peer) = bare().await;
            let (ended, ()) = join!(end(&mut link), send(&mut peer, &bytes, piece));
            let kinds = [EndKind::Eof, EndKind::Violation, EndKind::Closed];
            assert!(kinds.contains(&ended.kind), "{ended}");
        });
    }

    #[test]
    fn messages_survive_every_split(messages in vec(vec(any::<u8>(), 0..300), 0..20), piece in 1..64_usize) {
        block_on(async {
            let (mut link, mut peer) = bare().await;
            let bytes: Vec<u8> = messages.iter().flat_map(frame::binary).collect();
            let hear = async {
                let mut heard = Vec::new();
                loop {
                    match message(&mut link).await {
                        Ok(message) => heard.push(message),
                        Err(ended) => return (heard, ended.kind),
                    }
                }
            };
            let ((heard, kind), ()) = join!(hear, send(&mut peer, &bytes, piece));
            assert_eq!((heard, kind), (messages, EndKind::Eof));
        });
    }
}
