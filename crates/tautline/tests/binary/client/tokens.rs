//! Where tokens come from, and what becomes of a client without one.

use std::sync::Mutex;

use serde_json::json;
use tautline_client::{Client, EndingKind, TokenFailure, TokenReason};
use tokio::sync::mpsc::{Receiver, channel};

use super::{closed, connection, proof, server, soon};
use crate::harness::{Server, now, token};

/// No test asks more often.
const ASKED_MAX: usize = 16;

/// A client whose tokens are what `give` has for each time that it is asked; and why it was.
fn asking(
    server: &Server,
    give: impl FnMut() -> Result<String, TokenFailure> + Send + 'static,
) -> (Client, Receiver<TokenReason>) {
    let (asked, reasons) = channel(ASKED_MAX);
    let give = Mutex::new(give);
    let client = Client::builder(&format!("ws://{}/ws", server.address()))
        .token_provider(move |reason| {
            asked.try_send(reason).unwrap();
            let given = (give.lock().unwrap())();
            async move { given }
        })
        .spawn()
        .unwrap();
    (client, reasons)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_is_renewed_before_its_end_without_a_new_connection() {
    let server = server("");
    let (ann, mut reasons) = asking(&server, || Ok(token("ann", now() + 3, &json!({}))));
    let first = connection(&ann).await;
    let mut states = ann.state();
    assert_eq!(soon(reasons.recv()).await, Some(TokenReason::Connect));
    // With the third, the first token has ended.
    for _ in 0..3 {
        assert_eq!(soon(reasons.recv()).await, Some(TokenReason::Refresh));
    }
    assert_eq!(connection(&ann).await, first);
    let echoed: u8 = soon(ann.request("echo", &7)).await.unwrap();
    assert_eq!(echoed, 7);
    states.mark_unchanged();
    ann.close();
    soon(states.changed()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_that_is_refused_is_asked_for_once_more() {
    let server = server("");
    let (ann, mut reasons) = asking(&server, || Ok(token("ann", 1, &json!({}))));
    let cause = closed(&ann).await;
    assert_eq!((cause.kind, cause.code), (EndingKind::Closed, 4401));
    drop(ann);
    assert_eq!(soon(reasons.recv()).await, Some(TokenReason::Connect));
    assert_eq!(soon(reasons.recv()).await, Some(TokenReason::Rejected));
    assert_eq!(soon(reasons.recv()).await, None, "and not again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_after_a_refused_one_is_as_good_as_any() {
    let server = server("");
    let mut tokens = [token("ann", 1, &json!({})), proof("ann")].into_iter();
    let (ann, mut reasons) = asking(&server, move || Ok(tokens.next().unwrap()));
    connection(&ann).await;
    assert_eq!(soon(reasons.recv()).await, Some(TokenReason::Connect));
    assert_eq!(soon(reasons.recv()).await, Some(TokenReason::Rejected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_denied_a_token_is_closed_and_may_connect_again() {
    let server = server("");
    let denied = TokenFailure::Denied("signed out".to_owned());
    let away = TokenFailure::Unavailable("no network".to_owned());
    let mut answers = [Err(denied), Err(away), Ok(proof("ann"))].into_iter();
    let (ann, mut reasons) = asking(&server, move || answers.next().unwrap());
    let cause = closed(&ann).await;
    assert_eq!(cause.kind, EndingKind::NoToken);
    assert!(cause.reason.contains("signed out"), "{cause}");
    let pending = ann.room("room").unwrap().enqueue("note", &1);
    assert!(pending.is_err());
    ann.connect();
    connection(&ann).await;
    for _ in 0..3 {
        assert_eq!(soon(reasons.recv()).await, Some(TokenReason::Connect));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_wrong_token_closes_with_the_reason() {
    let server = server("");
    let ann = Client::builder(&format!("ws://{}/ws", server.address()))
        .token("this-is-none")
        .spawn()
        .unwrap();
    let waiting = ann.room("room").unwrap().join().stream().unwrap();
    let cause = closed(&ann).await;
    assert_eq!((cause.kind, cause.code), (EndingKind::Closed, 4403));
    assert!(cause.reason.contains("auth failed"), "{cause}");
    let error = soon(ann.connected()).await.unwrap_err();
    assert_eq!(error.0, cause);
    drop(waiting);
    assert!(ann.room("room").unwrap().join().stream().is_err());
}
