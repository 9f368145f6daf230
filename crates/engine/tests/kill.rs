//! Whatever was answered or told is there when the process was killed a moment later.
//!
//! Without arguments it is the judge: it starts itself as a child that publishes to a store, kills it after some
//! answers, opens what is left, and compares. The next child goes on with the same store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{HashMap, HashSet};
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tautline_engine::embedded::{EmbeddedEngine, EmbeddedLimits};
use tautline_engine::memory::SystemClock;
use tautline_engine::{Draft, Engine, Event, Keep, Key, Level, Page, Range, Terms, inbox};
use tautline_protocol::model::{Epoch, EventName, Position, Retention, RoomName};
use uuid::Uuid;

const KILLS: u64 = 20;
const ROOMS: usize = 3;
const PUBLISHERS: usize = 8;

/// No child is let say more than this before it is killed.
const WORDS_MAX: u128 = 2_000;

const TERMS: Terms = Terms {
    history: Retention {
        count: 1_000_000,
        age: Duration::from_hours(1),
    },
    level: Level::Disk,
    key_window: Duration::from_hours(1),
};

fn main() {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("child"), Some(directory)) => child(Path::new(&directory)),
        // What the test runner passes on is for others.
        (Some(_) | None, _) => judge(),
    }
}

fn open(directory: &Path) -> EmbeddedEngine {
    let clock = Arc::new(SystemClock::default());
    EmbeddedEngine::open(directory, EmbeddedLimits::default(), clock).unwrap()
}

fn room(number: usize) -> RoomName {
    RoomName::parse(&format!("room:{}", number % ROOMS)).unwrap()
}

fn draft(key: &str) -> Draft {
    Draft {
        event: EventName::chat(),
        data: format!("\"{key}\"").into(),
        user: Some("ann".into()),
        tag: None,
        key: Some(Key(key.into())),
    }
}

/// Publishes for ever, and says what is answered and told: a letter, the room, the position, and the key.
fn child(directory: &Path) {
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

/// What a child has said.
#[derive(Debug, Default)]
struct Said {
    tried: HashSet<(RoomName, String)>,
    /// What was answered or heard: where a key is.
    known: HashMap<(RoomName, String), Position>,
    cursors: HashMap<RoomName, Position>,
}

impl Said {
    fn note(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        // The last line may be torn: then it was not said.
        let [what, room, position, key] = words[..] else {
            return;
        };
        let Some(key) = key.strip_suffix('\n') else {
            return;
        };
        let room = RoomName::parse(room).unwrap();
        let position = Position::parse(position).unwrap();
        let name = (room.clone(), key.to_owned());
        match what {
            "t" => drop(self.tried.insert(name)),
            "c" => drop(self.cursors.insert(room, position)),
            _ => {
                let other = self.known.insert(name, position);
                assert!(other.is_none_or(|other| other == position), "{line}");
            }
        }
    }
}

fn judge() {
    let name = format!("tautline-kill-{}", Uuid::now_v7().simple());
    let directory = env::temp_dir().join(name);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut known = HashMap::new();
    let mut unanswered = 0;
    for _ in 0..KILLS {
        let said = kill_one(&directory);
        let engine = open(&directory);
        unanswered += runtime.block_on(compare(&engine, said, &mut known));
    }
    fs::remove_dir_all(&directory).unwrap();
    let line = format!(
        "{KILLS} kills, {} publications, {unanswered} of them never answered: nothing lost, nothing twice\n",
        known.len()
    );
    drop(io::stdout().lock().write_all(line.as_bytes()));
}

/// Lets a child publish, and kills it when it has said enough.
fn kill_one(directory: &Path) -> Said {
    let mut child = Command::new(env::current_exe().unwrap())
        .arg("child")
        .arg(directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let enough = Uuid::now_v7().as_u128() % WORDS_MAX;
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut said = Said::default();
    let mut line = String::new();
    for number in 0_u128.. {
        line.clear();
        if lines.read_line(&mut line).unwrap() == 0 {
            break;
        }
        said.note(&line);
        if number == enough {
            // What it has said until then is read, too.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    said
}

/// Compares what is there with what was said. Answers how many were there that nobody was told of.
async fn compare(
    engine: &EmbeddedEngine,
    said: Said,
    known: &mut HashMap<(RoomName, String), Position>,
) -> usize {
    known.extend(said.known);
    let mut found = HashMap::new();
    for number in 0..ROOMS {
        let room = room(number);
        for (offset, position, key) in all_of(engine, &room).await {
            assert_eq!(position.offset, offset, "a hole in {room}");
            let twice = found.insert((room.clone(), key), position);
            assert_eq!(twice, None, "twice in {room}");
        }
    }
    for (name, position) in &*known {
        assert_eq!(found.get(name), Some(position), "{name:?} is lost");
    }
    for (room, told) in said.cursors {
        let cursor = engine.cursor(&room, "ann").await.unwrap();
        let stands = cursor.map(|cursor| cursor.offset);
        assert!(stands >= Some(told.offset), "{room}: {cursor:?}");
    }
    let mut unanswered = 0;
    for (room, key) in said.tried {
        // Whoever has no answer tries again: it happens once.
        let published = engine.publish(&room, draft(&key), TERMS).await.unwrap();
        let name = (room, key);
        let before = found.get(&name).copied();
        assert_eq!(published.duplicate, before.is_some());
        assert!(before.is_none_or(|before| before == published.position));
        if known.insert(name, published.position).is_none() && before.is_some() {
            unanswered += 1;
        }
    }
    assert_eq!(engine.take_notices(), Vec::<String>::new());
    unanswered
}

/// Everything in a room: its place in the list, its position, and its key.
async fn all_of(engine: &EmbeddedEngine, room: &RoomName) -> Vec<(u64, Position, String)> {
    let head = engine.head(room).await.unwrap();
    let mut all = Vec::new();
    let mut position = Position::start(head.epoch);
    while position != head {
        let range = Range::After {
            position,
            limit: 1_000,
        };
        let Page {
            publications,
            missing,
            ..
        } = engine.read(room, range).await.unwrap();
        assert_eq!(missing, None);
        for publication in publications {
            position = publication.position;
            let key = String::from_utf8_lossy(&publication.data);
            let key = key.trim_matches('"').to_owned();
            all.push((all.len() as u64 + 1, position, key));
        }
    }
    all
}
