//! What a child says, line by line: what it tries, and what is answered and told.

use std::collections::{HashMap, HashSet};

use tautline_protocol::model::{Position, RoomName};

/// A room, and a key in it.
pub(crate) type Name = (RoomName, String);

/// What a child has said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) tried: HashSet<Name>,
    /// What was answered or heard: where a key is.
    pub(crate) known: HashMap<Name, Position>,
    pub(crate) cursors: HashMap<RoomName, Position>,
}

impl Said {
    /// Takes note of a line.
    pub(crate) fn note(&mut self, line: &str) {
        let Some((what, name, position)) = read(line) else {
            return;
        };
        match what {
            "t" => drop(self.tried.insert(name)),
            "c" => drop(self.cursors.insert(name.0, position)),
            _ => {
                let other = self.known.insert(name, position);
                assert!(other.is_none_or(|other| other == position), "{line}");
            }
        }
    }

    /// Takes note of a line that was said when it did not count any more: what was tried may have happened.
    pub(crate) fn note_late(&mut self, line: &str) {
        if let Some(("t", name, _)) = read(line) {
            self.tried.insert(name);
        }
    }
}

/// None if the line is torn: the last one may be, and then it was not said.
fn read(line: &str) -> Option<(&str, Name, Position)> {
    let words: Vec<&str> = line.strip_suffix('\n')?.split(' ').collect();
    let [what, room, position, key] = words[..] else {
        return None;
    };
    let room = RoomName::parse(room).unwrap();
    Some((
        what,
        (room, key.to_owned()),
        Position::parse(position).unwrap(),
    ))
}
