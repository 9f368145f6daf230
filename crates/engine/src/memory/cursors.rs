//! How far users have acknowledged a room.

use std::collections::HashMap;

use tautline_protocol::model::{Epoch, Position};

/// One cursor per user.
#[derive(Debug, Default)]
pub(crate) struct Cursors(HashMap<Box<str>, Position>);

impl Cursors {
    pub(crate) fn get(&self, user: &str) -> Option<Position> {
        self.0.get(user).copied()
    }

    /// Moves the user's cursor forward and answers where it stands; none if it would be a new one
    /// beyond `cursors_max`.
    pub(crate) fn advance(
        &mut self,
        user: &str,
        to: Position,
        current: Epoch,
        cursors_max: usize,
    ) -> Option<Position> {
        let Some(cursor) = self.0.get_mut(user) else {
            if self.0.len() >= cursors_max {
                return None;
            }
            self.0.insert(user.into(), to);
            return Some(to);
        };
        *cursor = further(*cursor, to, current);
        Some(*cursor)
    }

    /// Has the user's cursor stand there.
    pub(crate) fn set(&mut self, user: &str, at: Position) {
        self.0.insert(user.into(), at);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Position)> {
        self.0.iter().map(|(user, at)| (&**user, *at))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where a cursor stands that is to move: one of the room's own epoch, `current`, only yields to a later one of it.
pub(crate) fn further(cursor: Position, to: Position, current: Epoch) -> Position {
    let later = if cursor.epoch == to.epoch {
        to.offset > cursor.offset
    } else {
        cursor.epoch != current
    };
    if later { to } else { cursor }
}
