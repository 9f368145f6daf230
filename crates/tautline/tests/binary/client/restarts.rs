//! A server that is killed, and comes back with what it has on its disk.

use tautline_client::{Client, ConnectionState, EndingKind, Pending};

use super::{HANG, ROOMS, Way, cause, connection, data, message, production, proof, soon, state};
use crate::harness::{Directory, Server};

/// How often the server is killed.
const KILLS: u64 = 3;

fn start(directory: &Directory) -> Server {
    let durable = ROOMS.replace("match = \"*\"", "match = \"*\"\ndurable = true");
    let arguments = ["--data", directory.to_str().unwrap()];
    Server::start(&production(&durable), &arguments, "info")
}

fn open(way: &Way, user: &str) -> Client {
    let builder = Client::builder(Way::URL).token(&proof(user));
    builder.connector(way.connector()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_published_around_a_kill_comes_once_and_in_order() {
    let directory = Directory::new();
    let mut server = start(&directory);
    let way = Way::to(server.address());
    let (ann, bob) = (open(&way, "ann"), open(&way, "bob"));
    let room = ann.room("orders").unwrap();
    let mut streams = Vec::new();
    for client in [&ann, &bob] {
        let join = client.room("orders").unwrap().join();
        streams.push(soon(join.into_future()).await.unwrap());
    }
    let mut pending: Vec<Pending> = Vec::new();
    let mut published = 0_u64;
    let mut enqueue = |count: u64, pending: &mut Vec<Pending>| {
        for _ in 0..count {
            published += 1;
            pending.push(room.enqueue("order", &published).unwrap());
        }
    };
    for _ in 0..KILLS {
        let before = connection(&ann).await;
        enqueue(10, &mut pending);
        soon(&mut pending.last_mut().unwrap()).await.unwrap();
        pending.pop();
        // These are on their way when the server ends.
        enqueue(20, &mut pending);
        way.close();
        server.kill();
        assert_eq!(cause(&ann).await.kind, EndingKind::Lost);
        enqueue(10, &mut pending);
        server = start(&directory);
        way.lead(server.address());
        assert_ne!(connection(&ann).await, before);
        enqueue(10, &mut pending);
    }
    for pending in pending {
        soon(pending).await.unwrap();
    }
    for stream in &mut streams {
        for number in 1..=published {
            let message = message(stream).await;
            assert_eq!(
                (message.position.offset, data(&message)),
                (number, number.into())
            );
        }
    }
    soon(ann.drain(HANG)).await;
    state(&ann, |state| {
        matches!(state, ConnectionState::Closed { .. })
    })
    .await;
}
