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

    /// Moves the user's cursor and answers where it stands; none if it would be a new one beyond `cursors_max`.
    pub(crate) fn go(
        &mut self,
        user: &str,
        step: Step,
        current: Epoch,
        cursors_max: usize,
    ) -> Option<Position> {
        let stood = self.get(user);
        if stood.is_none() && self.0.len() >= cursors_max {
            return None;
        }
        let stands = step.from(stood, current);
        self.set(user, stands);
        Some(stands)
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

/// What a cursor is to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// Begin there, if there is none.
    Begin(Position),
    /// Move there, if that is forward.
    To(Position),
}

impl Step {
    /// Where the cursor stands then. One of the room's own epoch, `current`, only yields to a later one of it.
    pub(crate) fn from(self, stood: Option<Position>, current: Epoch) -> Position {
        match (self, stood) {
            (Self::Begin(to) | Self::To(to), None) => to,
            (Self::Begin(_), Some(stood)) => stood,
            (Self::To(to), Some(stood)) => {
                let is_later = if stood.epoch == to.epoch {
                    to.offset > stood.offset
                } else {
                    stood.epoch != current
                };
                if is_later { to } else { stood }
            }
        }
    }
}
