//! What may come back of a handshake, and what the client makes of it.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use tautline_protocol::wire::v2::Encoding;
use tokio::io::{AsyncReadExt as _, duplex};
use tokio::join;
use tokio::time::Instant;

use super::peer::{AGREED, answered, request};
use super::{PIPE_BYTES, endpoint, open_over};
use crate::link::{Limits, Link};
use crate::{BoxedStream, Endpoint, Headers, OpenError, Refusal, UpgradeFault};

/// The error that an answer of the server's gives.
async fn failure(answer: &str) -> OpenError {
    let (link, mut peer) = answered(answer.as_bytes()).await;
    let error = link.unwrap_err();
    // The stream is given up with the attempt.
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    error
}

async fn refusal(answer: &str) -> Refusal {
    let OpenError::Refused(refusal) = failure(answer).await else {
        panic!("not refused: {answer}");
    };
    refusal
}

#[tokio::test]
async fn a_request_says_what_is_wanted() {
    let (ours, mut theirs) = duplex(PIPE_BYTES);
    let streams = Mutex::new(Some(ours));
    let connector = move |endpoint: Endpoint| {
        assert_eq!(endpoint.host(), "a.test");
        let stream = streams.lock().unwrap().take().unwrap();
        async { Ok(stream) }
    };
    let mut headers = Headers::default();
    headers.add("User-Agent", "tests/1.0").unwrap();
    headers.add("Cookie", "a=b").unwrap();
    let endpoint = Endpoint::parse("ws://a.test:8080?x=1").unwrap();
    let opening = Link::open(
        &connector,
        &endpoint,
        &headers,
        Encoding::Json,
        Limits::default(),
    );
    let serve = async {
        let request = request(&mut theirs).await;
        drop(theirs);
        request
    };
    let (link, request) = join!(opening, serve);
    assert!(matches!(link.unwrap_err(), OpenError::Http(_)));
    assert!(request.starts_with("GET /?x=1 HTTP/1.1\r\n"), "{request}");
    for line in [
        "host: a.test:8080",
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-protocol: tautline.v2.json",
        "user-agent: tests/1.0",
        "cookie: a=b",
    ] {
        assert_eq!(request.matches(line).count(), 1, "{line} in {request}");
    }
    assert!(!request.contains("extensions"));
}

#[tokio::test]
async fn no_key_comes_twice() {
    let mut keys = Vec::new();
    for _ in 0..2 {
        let (ours, mut theirs) = duplex(PIPE_BYTES);
        let serve = async move { request(&mut theirs).await };
        let (_, request) = join!(open_over(ours, Encoding::Json), serve);
        keys.push(super::peer::accept_of(&request));
    }
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test]
async fn an_answer_that_agrees_to_something_else_is_not_taken() {
    for (right, wrong, fault) in [
        ("Upgrade: websocket", "Upgrade: h2c", UpgradeFault::Upgrade),
        ("Upgrade: websocket\r\n", "", UpgradeFault::Upgrade),
        (
            "Connection: Upgrade",
            "Connection: close",
            UpgradeFault::Connection,
        ),
        (
            "{accept}",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            UpgradeFault::Accept,
        ),
        (
            "{accept}",
            "{accept}\r\nSec-WebSocket-Accept: a",
            UpgradeFault::Accept,
        ),
        (
            "Sec-WebSocket-Accept: {accept}\r\n",
            "",
            UpgradeFault::Accept,
        ),
        ("v2.msgpack", "v2.json", UpgradeFault::Subprotocol),
        (
            "v2.msgpack",
            "v2.msgpack, tautline.v2.json",
            UpgradeFault::Subprotocol,
        ),
        (
            "Sec-WebSocket-Protocol: tautline.v2.msgpack\r\n",
            "",
            UpgradeFault::Subprotocol,
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            UpgradeFault::Extension,
        ),
    ] {
        assert!(AGREED.contains(right), "{right}");
        let OpenError::Upgrade(found) = failure(&AGREED.replace(right, wrong)).await else {
            panic!("not found: {wrong}");
        };
        assert_eq!(found, fault, "{wrong}");
    }
}

#[tokio::test]
async fn names_are_taken_in_any_case_and_among_others() {
    let answer = AGREED
        .replace("Upgrade: websocket", "upgrade: WebSocket")
        .replace("Connection: Upgrade", "connection: keep-alive, UPGRADE");
    let (link, _peer) = answered(answer.as_bytes()).await;
    link.unwrap();
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let answer = format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{AGREED}");
    let (link, _peer) = answered(answer.as_bytes()).await;
    link.unwrap();
}

#[tokio::test]
async fn a_refusal_says_why_and_when_to_come_back() {
    let body = r#"{"status":503,"title":"Service Unavailable","detail":"the server is going away; connect again"}"#;
    let found = refusal(&format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\
        Content-Type: application/problem+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    assert_eq!(found.status, 503);
    assert_eq!(found.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(found.title.as_deref(), Some("Service Unavailable"));
    let detail = "the server is going away; connect again";
    assert_eq!(found.detail.as_deref(), Some(detail));
}

#[tokio::test]
async fn a_wrong_token_is_told_from_other_refusals() {
    let found = refusal(
        "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n\
        f\r\n{\"title\":\"Unaut\r\n14\r\nhorized\",\"detail\":7}\r\n0\r\n\r\n",
    )
    .await;
    assert_eq!(found.status, 401);
    assert_eq!(found.title.as_deref(), Some("Unauthorized"));
    assert_eq!((found.retry_after, found.detail), (None, None));
}

#[tokio::test]
async fn a_long_refusal_is_not_read() {
    let body = format!(r#"{{"title":"{}"}}"#, "x".repeat(9000));
    let length = body.len();
    let found = refusal(&format!(
        "HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
    .await;
    assert_eq!((found.status, found.title), (403, None));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_whose_words_do_not_come_is_told_all_the_same() {
    let begun = Instant::now();
    let found =
        refusal("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 10\r\n\r\n{")
            .await;
    assert_eq!(found.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
}

#[tokio::test]
async fn a_page_is_no_upgrade() {
    for status in ["200 OK", "204 No Content", "302 Found"] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let found = refusal(&answer).await;
        assert!(status.starts_with(&found.to_string()), "{found}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_not_taken() {
    let long = format!("HTTP/1.1 101 x\r\na: {}\r\n\r\n", "x".repeat(20_000));
    let many = format!("HTTP/1.1 101 x\r\n{}\r\n", "a: b\r\n".repeat(65));
    for answer in ["SSH-2.0-OpenSSH_9.9\r\n\r\n", &long, &many] {
        let (link, _peer) = answered(answer.as_bytes()).await;
        assert!(matches!(link.unwrap_err(), OpenError::Http(_)));
    }
}

#[tokio::test]
async fn a_connector_that_fails_is_told() {
    let connector =
        |_: Endpoint| async { Err::<BoxedStream, _>(io::Error::other("the proxy is shut")) };
    let (endpoint, headers) = (endpoint(), Headers::default());
    let opening = Link::open(
        &connector,
        &endpoint,
        &headers,
        Encoding::Json,
        Limits::default(),
    );
    let error = opening.await.unwrap_err().to_string();
    assert_eq!(error, "no stream to the server: the proxy is shut");
}
