//! Servers that say nothing, nonsense, or no.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;
use tautline_client::{ConnectionState, EndingKind, Timeouts};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::block_in_place;

use super::stranger::Place;
use super::{cause, closed, proof, state};

const SHORT: Timeouts = Timeouts {
    token: Duration::from_millis(100),
    dial: Duration::from_millis(100),
    hello: Duration::from_millis(100),
    probe: Duration::from_millis(100),
    silence: Duration::from_millis(100),
    call: Duration::from_millis(100),
};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_says_nothing_is_given_up() {
    let place = Place::new();
    let ann = place.builder().timeouts(SHORT).spawn().unwrap();
    let unopened = cause(&ann).await;
    assert_eq!(unopened.kind, EndingKind::Unreachable);
    assert!(unopened.reason.contains("in time"), "{unopened}");
    ann.close();

    let place = Place::new();
    let ann = place.builder().timeouts(SHORT).spawn().unwrap();
    let _stranger = block_in_place(|| place.accept());
    let ungreeted = cause(&ann).await;
    assert_eq!(ungreeted.kind, EndingKind::Unreachable);
    assert!(ungreeted.reason.contains("greeting"), "{ungreeted}");
}

/// A server that says this to whoever comes, and waits for them to go.
async fn saying(words: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4096];
                // Whatever was asked, the answer is the same.
                if stream.read(&mut head).await.is_ok_and(|count| count > 0) {
                    stream.write_all(words).await.ok();
                }
                while stream.read(&mut head).await.is_ok_and(|count| count > 0) {}
            });
        }
    });
    format!("ws://{address}/ws")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_answer_to_an_upgrade_is_survived() {
    for words in [
        &b"\0\xff\xfe garbage"[..],
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x01x",
    ] {
        let url = saying(words).await;
        let builder = tautline_client::Client::builder(&url).token(&proof("ann"));
        let ann = builder.timeouts(SHORT).spawn().unwrap();
        let cause = cause(&ann).await;
        let is_told = matches!(
            cause.kind,
            EndingKind::Unreachable | EndingKind::Refused { status: 200, .. }
        );
        assert!(is_told, "{words:?}: {cause:?}");
        let again = |state: &ConnectionState| {
            matches!(state, ConnectionState::Reconnecting { attempt: 2.., .. })
        };
        state(&ann, again).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_message_ends_the_connection_and_the_third_time_the_client() {
    let place = Place::new();
    let ann = place.builder().spawn().unwrap();
    block_in_place(|| {
        for words in ["[]", r#"{"type":"message","payload":{"room":7}}"#] {
            let (mut stranger, _) = place.welcome();
            // What is only unknown is nothing.
            stranger.say(&json!({ "type": "of.tomorrow", "payload": [1] }));
            stranger.say_raw(words.to_owned());
            assert_eq!(stranger.closed(), Some(1002), "{words}");
        }
        let (mut stranger, _) = place.welcome();
        stranger.socket().write_all(b"\xff\xff\xff").unwrap();
        assert_eq!(stranger.closed(), Some(1002));
    });
    let cause = closed(&ann).await;
    assert_eq!(cause.kind, EndingKind::Nonsense, "{cause:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_refused_for_good_is_closed() {
    for (words, refused) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..],
            400,
        ),
        (
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            401,
        ),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
    ] {
        let url = saying(words).await;
        let builder = tautline_client::Client::builder(&url).token(&proof("ann"));
        let cause = closed(&builder.spawn().unwrap()).await;
        let is_it = matches!(cause.kind, EndingKind::Refused { status, .. } if status == refused);
        assert!(is_it, "{cause:?}");
        assert_eq!(cause.code, 1006);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_to_come_back_later_comes_back_later() {
    const LATER: Duration = Duration::from_hours(1);
    let url = saying(
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let begin = Instant::now();
    let builder = tautline_client::Client::builder(&url).token(&proof("ann"));
    let ann = builder.spawn().unwrap();
    let waits = |state: &ConnectionState| matches!(state, ConnectionState::Reconnecting { .. });
    let ConnectionState::Reconnecting {
        retry_at, cause, ..
    } = state(&ann, waits).await
    else {
        panic!("it waits");
    };
    let refused = EndingKind::Refused {
        status: 503,
        retry_after: Some(LATER),
    };
    assert_eq!(cause.kind, refused);
    assert!(retry_at.unwrap() >= begin + LATER, "not before it was told");
}
