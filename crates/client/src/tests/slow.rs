//! A peer that takes nothing hinders nobody from hearing it, and cannot make the link keep much.

use std::time::Duration;

use tautline_websocket::frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, advance};

use super::peer::bare;
use super::{PIPE_BYTES, message};
use crate::link::{Incoming, Limits};
use crate::outgoing::PushError;

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_heard_and_is_told_of() {
    let (mut link, mut peer) = bare().await;
    assert_eq!(link.stalled_since(), None);
    let begun = Instant::now();
    let bound = Limits::default().write_bytes_max;
    let pushed = std::iter::repeat_with(|| link.push(&[7; 1000])).take_while(Result::is_ok);
    assert!((bound / 1100..bound / 1000 + 1).contains(&pushed.count()));
    assert_eq!(link.push(&[7; 1000]), Err(PushError::Full));
    assert!(link.buffered() <= bound + 20);
    assert_eq!(link.stalled_since(), Some(begun));

    advance(Duration::from_secs(1)).await;
    let progress = Instant::now();
    for number in 0..10 {
        let said = number.to_string();
        peer.write_all(&frame::binary(&said)).await.unwrap();
        assert_eq!(message(&mut link).await.unwrap(), said.as_bytes());
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(link.written(), PIPE_BYTES as u64);
    assert_eq!(link.stalled_since(), Some(progress));

    let (mut taken, mut total) = (vec![0; PIPE_BYTES], link.written());
    total += link.buffered() as u64;
    let mut rest = usize::try_from(total).unwrap();
    while rest > 0 {
        tokio::select! {
            _ = link.next() => panic!("nothing was said"),
            taken = peer.read(&mut taken) => rest -= taken.unwrap(),
        }
    }
    assert_eq!((link.buffered(), link.written()), (0, total));
    assert_eq!(link.push(&[7; 1000]), Ok(()));
}

#[tokio::test]
async fn a_message_above_the_bound_is_taken_alone() {
    let (mut link, _peer) = bare().await;
    let bound = Limits::default().write_bytes_max;
    link.push(&vec![7; 2 * bound]).unwrap();
    assert_eq!(link.push(b"!"), Err(PushError::Full));
}

#[tokio::test]
async fn of_pings_that_cannot_be_answered_only_the_last_is() {
    let (mut link, mut peer) = bare().await;
    link.push(&vec![7; PIPE_BYTES]).unwrap();
    for number in 0..1000_u32 {
        let ping = frame::ping(number.to_be_bytes());
        peer.write_all(&ping).await.unwrap();
        assert_eq!(link.next().await.unwrap(), Incoming::Traffic);
    }
    assert!(link.buffered() < 14 + 2 * 131, "{}", link.buffered());

    let mut heard = Vec::new();
    let mut chunk = [0; 4096];
    while heard.len() < PIPE_BYTES + 14 + 2 * 10 {
        tokio::select! {
            _ = link.next() => panic!("nothing was said"),
            taken = peer.read(&mut chunk) => heard.extend_from_slice(&chunk[..taken.unwrap()]),
        }
    }
    let pongs = heard[PIPE_BYTES + 14..].chunks(10).map(|pong| {
        assert_eq!(pong[..2], [0x8a, 0x84]);
        std::array::from_fn(|at| pong[2 + at] ^ pong[6 + at])
    });
    let numbers: Vec<u32> = pongs.map(u32::from_be_bytes).collect();
    assert_eq!(numbers, [0, 999]);
}
