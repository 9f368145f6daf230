//! The child: it publishes to a store for as long as it lives.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tautline_engine::{Engine, Event, Keep, inbox};
use tautline_protocol::model::{Epoch, Position, RoomName};
use uuid::Uuid;

use crate::{PUBLISHERS, ROOMS, TERMS, draft, open, room};

/// This program as a child that publishes to the store in a directory.
pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg("child").arg(directory);
    command
}

/// Publishes for ever, and says what is answered and told: a letter, the room, the position, and the key.
pub(crate) fn publish_for_ever(directory: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let engine = Arc::new(open(directory));
    let life = Uuid::now_v7().simple();
    for number in 0..PUBLISHERS {
        let engine = Arc::clone(&engine);
        runtime.spawn(async move {
            let room = room(number);
            for sequence in 0_u64.. {
                let key = format!("{life}:{number}:{sequence}");
                // Before it is asked for: whether it happened is open until the answer.
                say('t', &room, Position::start(Epoch(0)), &key);
                let published = engine.publish(&room, draft(&key), TERMS).await.unwrap();
                say('a', &room, published.position, &key);
                if sequence % 16 == 0 {
                    let cursor = engine.advance(&room, "ann", published.position).await;
                    say('c', &room, cursor.unwrap(), &key);
                }
            }
        });
    }
    runtime.block_on(async {
        let (inbox, mut events) = inbox(100_000);
        let listener = engine.attach(inbox);
        for number in 0..ROOMS {
            engine.watch(listener, &room(number)).await.unwrap();
        }
        let mut heard = Vec::new();
        while events.receive(&mut heard, 1_000).await > 0 {
            for event in heard.drain(..) {
                if let Event::Published { publication, .. } = event {
                    let key = String::from_utf8_lossy(&publication.data);
                    let key = key.trim_matches('"');
                    say('h', &publication.room, publication.position, key);
                }
            }
        }
    });
}

fn say(what: char, room: &RoomName, position: Position, key: &str) {
    let line = format!("{what} {room} {position} {key}\n");
    // Whoever reads it may be done.
    drop(io::stdout().lock().write_all(line.as_bytes()));
}
