//! What is there, held against all that was said.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use tautline_engine::embedded::EmbeddedEngine;
use tautline_engine::{Engine, Keep, Page, Range};
use tautline_protocol::model::{Position, RoomName};

use crate::said::{Name, Said};
use crate::{ROOMS, TERMS, draft, open, room};

/// What all children together have said, and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    tried: HashSet<Name>,
    known: HashMap<Name, Position>,
    /// How many were there that nobody was told of.
    unanswered: usize,
}

impl fmt::Display for Judge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            known, unanswered, ..
        } = self;
        write!(
            out,
            "{} publications, {unanswered} of them never answered: nothing lost, nothing twice, nothing invented",
            known.len()
        )
    }
}

impl Judge {
    /// Opens the store and compares what is there with what was said, and then tries again what was not answered.
    pub(crate) fn compare(&mut self, directory: &Path, said: Said) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let engine = open(directory);
        runtime.block_on(self.compare_with(&engine, said));
    }

    async fn compare_with(&mut self, engine: &EmbeddedEngine, said: Said) {
        self.known.extend(said.known);
        self.tried.extend(said.tried.iter().cloned());
        let mut found = HashMap::new();
        for number in 0..ROOMS {
            let room = room(number);
            for (offset, position, key) in all_of(engine, &room).await {
                assert_eq!(position.offset, offset, "a hole in {room}");
                let name = (room.clone(), key);
                assert!(self.tried.contains(&name), "{name:?} is invented");
                let twice = found.insert(name, position);
                assert_eq!(twice, None, "twice in {room}");
            }
        }
        for (name, position) in &self.known {
            assert_eq!(found.get(name), Some(position), "{name:?} is lost");
        }
        for (room, told) in said.cursors {
            let cursor = engine.cursor(&room, "ann").await.unwrap();
            let stands = cursor.map(|cursor| cursor.offset);
            assert!(stands >= Some(told.offset), "{room}: {cursor:?}");
        }
        for (room, key) in said.tried {
            // Whoever has no answer tries again: it happens once.
            let published = engine.publish(&room, draft(&key), TERMS).await.unwrap();
            let name = (room, key);
            let before = found.get(&name).copied();
            assert_eq!(published.duplicate, before.is_some());
            assert!(before.is_none_or(|before| before == published.position));
            if self.known.insert(name, published.position).is_none() && before.is_some() {
                self.unanswered += 1;
            }
        }
        assert_eq!(engine.take_notices(), Vec::<String>::new());
    }
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
