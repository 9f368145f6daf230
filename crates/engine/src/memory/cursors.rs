//! How far users have acknowledged a room.

use std::collections::HashMap;

use tautline_protocol::model::{Epoch, Position};

/// One cursor per user.
#[derive(Debug, Default)]
pub(super) struct Cursors(HashMap<Box<str>, Position>);

impl Cursors {
    pub(super) fn get(&self, user: &str) -> Option<Position> {
        self.0.get(user).copied()
    }

    /// Moves the user's cursor forward and answers where it stands; none if it would be a new one
    /// beyond `cursors_max`. A cursor of the room's own epoch, `current`, only yields to a later one of it.
    pub(super) fn advance(
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
        let later = if cursor.epoch == to.epoch {
            to.offset > cursor.offset
        } else {
            cursor.epoch != current
        };
        if later {
            *cursor = to;
        }
        Some(*cursor)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
