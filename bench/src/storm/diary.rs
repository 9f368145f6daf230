//! When the members of a crowd come and go.

use std::time::{Duration, Instant};

/// What happens to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It begins to connect: its system sends the first packet.
    Dials,
    /// It has its `welcome`, and its room.
    Enters,
    /// The server has refused it, with this status of HTTP.
    IsRefused(u16),
    /// It had entered, and has lost its connection.
    IsLost,
    /// It will not dial again.
    GivesUp,
}

/// One step of one member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    pub(crate) who: usize,
    pub(crate) step: Step,
}

/// All steps, in their order.
#[derive(Debug)]
pub(crate) struct Diary {
    pub(crate) entries: Vec<Entry>,
    inside: Vec<bool>,
    /// How many are inside.
    pub(crate) present: usize,
    /// How many have given up.
    pub(crate) gone: usize,
    /// By how much a member has dialed later than it wanted to, at most: what plays the crowd is not faster.
    pub(crate) late: Duration,
}

impl Diary {
    pub(super) fn new(clients: usize) -> Self {
        Self {
            entries: Vec::new(),
            inside: vec![false; clients],
            present: 0,
            gone: 0,
            late: Duration::ZERO,
        }
    }

    /// How many members there are.
    pub(super) fn size(&self) -> usize {
        self.inside.len()
    }

    /// Notes a step of a member.
    pub(crate) fn note(&mut self, who: usize, step: Step) {
        self.note_at(Instant::now(), who, step);
    }

    /// Notes a step that a member has taken at this time, which is not before that of any other step.
    pub(super) fn note_at(&mut self, at: Instant, who: usize, step: Step) {
        self.entries.push(Entry { at, who, step });
        let is_inside = match step {
            Step::Enters => true,
            Step::IsLost => false,
            Step::GivesUp => {
                self.gone += 1;
                return;
            }
            Step::Dials | Step::IsRefused(_) => return,
        };
        let Some(was_inside) = self.inside.get_mut(who) else {
            return;
        };
        match (*was_inside, is_inside) {
            (false, true) => self.present += 1,
            (true, false) => self.present -= 1,
            (true, true) | (false, false) => {}
        }
        *was_inside = is_inside;
    }

    /// Whether a member is inside.
    pub(crate) fn is_inside(&self, who: usize) -> bool {
        self.inside.get(who).copied().unwrap_or_default()
    }

    /// Whether everybody is inside, or has given up.
    pub(crate) fn is_settled(&self) -> bool {
        self.present + self.gone >= self.inside.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_enters_is_inside_until_it_is_lost() {
        let mut diary = Diary::new(2);
        diary.note(0, Step::Dials);
        assert!(!diary.is_inside(0));
        diary.note(0, Step::Enters);
        diary.note(0, Step::Enters);
        assert_eq!(diary.present, 1);
        assert!(!diary.is_settled());
        diary.note(1, Step::GivesUp);
        assert!(diary.is_settled());
        diary.note(0, Step::IsLost);
        assert!(!diary.is_settled());
        assert_eq!(diary.entries.len(), 5);
    }
}
