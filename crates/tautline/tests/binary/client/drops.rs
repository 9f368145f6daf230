//! Every future is dropped at every point, and the client goes on as if nothing had been.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use serde_json::{Value, json};
use tautline_client::{Client, Part, RoomEvent, RoomStream};

use super::{HANG, client, closed, connection, data, live, message, server, soon};
use crate::harness::Server;

/// When a future is dropped that was polled as often as it was to be.
#[derive(Debug, Clone, Copy)]
enum When {
    /// At once.
    Then,
    /// When what it waited for is there, and was not looked at.
    Late,
}

/// Polls a future so often, each time when it was woken, and drops it if it has not ended. Whether it has.
async fn drop_after<F: Future>(polls: usize, future: F, late: Option<&RoomStream>) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    let has_ended = soon(poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    }))
    .await;
    if let Some(stream) = late {
        // The server answers in order: what was asked before is answered, too.
        soon(stream.room().publish("mark", &Value::Null))
            .await
            .unwrap();
    }
    has_ended
}

/// A client with a room in which everything comes.
struct Subject {
    client: Client,
    stream: RoomStream,
}

impl Subject {
    async fn new(server: &Server) -> Self {
        let client = client(server, "ann");
        let join = client.room("room").unwrap().join();
        let mut stream = soon(join.into_future()).await.unwrap();
        live(&mut stream).await;
        Self { client, stream }
    }

    /// Drops the futures that `make` makes after 0, 1, 2 and more polls, until one ends before. After each, the client works.
    async fn survives<F: Future>(&mut self, make: impl Fn(&Client) -> F) {
        for when in [When::Then, When::Late] {
            for polls in 0.. {
                assert!(polls < 1000, "it never ends");
                let late = matches!(when, When::Late).then_some(&self.stream);
                let has_ended = drop_after(polls, make(&self.client), late).await;
                self.works(&format!("{when:?} {polls}")).await;
                if has_ended {
                    break;
                }
            }
        }
    }

    /// What is published now comes, and nothing that had come before comes again.
    async fn works(&mut self, word: &str) {
        let placed = soon(self.stream.room().publish("word", &word))
            .await
            .unwrap();
        loop {
            let message = message(&mut self.stream).await;
            if message.position == placed.position {
                assert_eq!(data(&message), word);
                return;
            }
            assert!(message.position.offset < placed.position.offset);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_join_that_is_dropped_leaves_the_room() {
    let server = server("");
    let mut subject = Subject::new(&server).await;
    let join = |client: &Client| {
        let room = client.room("other").unwrap();
        async move {
            // If an earlier one had not left it, this would fail.
            room.join().last(5).await.unwrap();
        }
    };
    subject.survives(join).await;
    let other = subject.client.room("other").unwrap();
    let mut stream = soon(other.join().into_future()).await.unwrap();
    let placed = soon(other.publish("note", &1)).await.unwrap();
    assert_eq!(message(&mut stream).await.position, placed.position);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_publish_that_is_dropped_is_published_once() {
    let server = server("");
    let mut subject = Subject::new(&server).await;
    let publish = |client: &Client| {
        let room = client.room("other").unwrap();
        async move { room.publish("note", &1).await.unwrap() }
    };
    let other = subject.client.room("other").unwrap();
    let mut stream = soon(other.join().into_future()).await.unwrap();
    live(&mut stream).await;
    subject.survives(publish).await;
    assert_eq!(subject.client.pending(), 0);
    let end = soon(other.publish("end", &2)).await.unwrap();
    // Each that was polled once is there, and those that never were are not: two of each.
    let mut offset = 0;
    while offset < end.position.offset {
        offset += 1;
        assert_eq!(message(&mut stream).await.position.offset, offset);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn questions_that_are_dropped_are_canceled() {
    let server = server("");
    let mut subject = Subject::new(&server).await;
    subject
        .survives(|client| {
            let client = client.clone();
            async move { client.request::<u8>("echo", &7).await.unwrap() }
        })
        .await;
    subject
        .survives(|client| {
            let room = client.room("room").unwrap();
            async move { room.history(Part::Newest, 10).await.unwrap() }
        })
        .await;
    subject
        .survives(|client| {
            let room = client.room("room").unwrap();
            async move { room.members().await.unwrap() }
        })
        .await;
    subject
        .survives(|client| {
            let room = client.room("room").unwrap();
            async move { room.set_presence(&json!("busy")).await.unwrap() }
        })
        .await;
    // More than may wait, here or at the server: those that are dropped make room.
    for _ in 0..100 {
        let forever = json!({ "ms": 3_600_000 });
        let wait = subject.client.request::<Value>("wait", &forever);
        assert!(!drop_after(1, wait, None).await);
    }
    subject.works("after all of them").await;
    let echoed: u8 = soon(subject.client.request("echo", &7)).await.unwrap();
    assert_eq!(echoed, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn looking_at_the_connection_changes_nothing() {
    let server = server("");
    let mut subject = Subject::new(&server).await;
    subject
        .survives(|client| {
            let client = client.clone();
            async move { client.connected().await.unwrap() }
        })
        .await;
    let fresh = client(&server, "bob");
    assert!(!drop_after(1, fresh.connected(), None).await);
    connection(&fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_next_event_that_is_dropped_is_the_next() {
    let server = server("");
    let mut subject = Subject::new(&server).await;
    let bob = client(&server, "bob");
    let room = bob.room("room").unwrap();
    for number in 1..=100_u64 {
        for polls in 0..2 {
            // It may end: then it has taken something out, which is told of who is there.
            let next = subject.stream.next();
            let taken = {
                let mut next = pin!(next);
                let mut left = polls;
                soon(poll_fn(|context| {
                    if left == 0 {
                        return Poll::Ready(None);
                    }
                    left -= 1;
                    match next.as_mut().poll(context) {
                        Poll::Ready(event) => Poll::Ready(event),
                        Poll::Pending => Poll::Ready(None),
                    }
                }))
                .await
            };
            assert!(
                matches!(taken, None | Some(RoomEvent::Presence(_))),
                "{taken:?}"
            );
        }
        soon(room.publish("note", &number)).await.unwrap();
        // It is there, or on its way, while this is dropped.
        assert!(!drop_after(0, subject.stream.next(), None).await);
        assert_eq!(data(&message(&mut subject.stream).await), number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_drain_that_is_dropped_goes_on() {
    let server = server("");
    for polls in 0.. {
        let ann = client(&server, &format!("ann-{polls}"));
        let room = ann.room("room").unwrap();
        connection(&ann).await;
        let pending: Vec<_> = (0..40)
            .map(|number| room.enqueue("note", &number).unwrap())
            .collect();
        let has_ended = drop_after(polls, ann.drain(HANG), None).await;
        for pending in pending {
            soon(pending).await.unwrap();
        }
        if polls > 0 {
            assert_eq!(closed(&ann).await.code, 1000);
        }
        if has_ended {
            break;
        }
    }
}
