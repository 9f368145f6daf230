//! What one client may see next in one room. Pure.

use std::collections::HashSet;

use tautline_protocol::model::{Epoch, Position};

use super::{Event, Fault, Key, Missed, Rewind};

/// A client in a room, as the promises allow it to be.
#[derive(Debug, Default)]
pub(super) struct Follower {
    /// The last message that it has, or the place that it was given; none if it is no member and has forgotten.
    stands: Option<Position>,
    /// In which era it came to stand there.
    era: usize,
    seen: HashSet<(usize, Epoch, Key)>,
    cursor: Cursor,
}

/// What the server remembers of what was acked.
#[derive(Debug, Default)]
struct Cursor {
    /// Up to where the client has acked, ever.
    acked: Option<(Epoch, u64)>,
    /// Where the server said that it stands.
    told: Option<(Epoch, u64)>,
}

impl Follower {
    /// What is wrong with this event, after all that was before it.
    pub(super) fn handle(
        &mut self,
        (era, event): (usize, &Event),
        rewinds: &[Rewind],
    ) -> Vec<Fault> {
        let went_back = rewinds.get(self.era..era).unwrap_or_default();
        if !went_back.is_empty() {
            // An older copy has an older cursor.
            self.cursor.told = None;
        }
        let faults = self.judge(event, went_back);
        self.era = era;
        faults
    }

    /// The rewinds are those that were since the event before.
    fn judge(&mut self, event: &Event, rewinds: &[Rewind]) -> Vec<Fault> {
        match *event {
            Event::Joined {
                since,
                position,
                recovered,
                gap,
            } => self.joined((since, position), (recovered, gap), rewinds),
            Event::Delivered { position, key } => self.delivered(position, key),
            Event::Missed(missed) => self.missed(missed, rewinds),
            Event::Acked { epoch, offset } => {
                self.cursor.acked(epoch, offset);
                Vec::new()
            }
            Event::Left => {
                self.stands = None;
                Vec::new()
            }
            Event::Sent(_) | Event::Published { .. } | Event::Redelivered { .. } => Vec::new(),
        }
    }

    fn joined(
        &mut self,
        (since, position): (Option<Position>, Position),
        (recovered, gap): (bool, Option<Missed>),
        rewinds: &[Rewind],
    ) -> Vec<Fault> {
        let Some(since) = since else {
            // Who remembers nothing may get anything again.
            self.seen.clear();
            self.stands = Some(position);
            let mut faults = self.cursor.told(position);
            if recovered {
                faults.push(Fault::RecoveredNothing);
            }
            faults.extend(gap.and_then(|gap| self.missed(gap, rewinds).pop()));
            return faults;
        };
        let mut faults = Vec::new();
        if self.stands != Some(since) {
            faults.push(Fault::Strayed { asked: since });
        }
        self.stands = Some(since);
        if recovered == gap.is_some() {
            let gap = gap.is_some();
            faults.push(Fault::RecoveredUntrue {
                since,
                recovered,
                gap,
            });
        }
        if recovered && position.epoch != since.epoch {
            faults.push(Fault::Hole {
                stands: since,
                came: position,
            });
        }
        if recovered && rewinds.iter().any(|rewind| rewind.is_announced) {
            faults.push(Fault::RecoveredInAnotherEra { since });
        }
        if let Some(gap) = gap {
            faults.extend(self.missed(gap, rewinds));
        }
        faults
    }

    fn delivered(&mut self, came: Position, key: Option<Key>) -> Vec<Fault> {
        let mut faults = Vec::new();
        match self.stands {
            None => faults.push(Fault::Stray(came)),
            Some(stands) if came.epoch != stands.epoch || came.offset > stands.offset + 1 => {
                faults.push(Fault::Hole { stands, came });
            }
            Some(stands) if came.offset <= stands.offset => {
                faults.push(Fault::Backwards { stands, came });
            }
            Some(_) => {}
        }
        self.stands = Some(came);
        if let Some(key) = key.filter(|key| !self.seen.insert((self.era, came.epoch, *key))) {
            faults.push(Fault::Twice(key));
        }
        faults
    }

    /// A gap begins behind the place where the client stood, has something in it, and ends where it goes on;
    /// another epoch, or an older copy of this one, may go on anywhere.
    fn missed(&mut self, missed: Missed, rewinds: &[Rewind]) -> Vec<Fault> {
        let Missed { from, to, position } = missed;
        let Some(stands) = self.stands.replace(position) else {
            return vec![Fault::Stray(position)];
        };
        let is_of_epoch = position.epoch == stands.epoch && rewinds.is_empty();
        let is_right = from == stands.offset + 1 && from <= to && position.offset == to;
        if is_of_epoch && !is_right {
            return vec![Fault::WrongGap { stands, from, to }];
        }
        Vec::new()
    }
}

impl Cursor {
    /// One that comes late, behind another one of a new connection, may have been heard before it.
    fn acked(&mut self, epoch: Epoch, offset: u64) {
        let before = self.acked.filter(|(acked, _)| *acked == epoch);
        let furthest = before.map_or(offset, |(_, before)| before.max(offset));
        self.acked = Some((epoch, furthest));
    }

    /// The server says where it goes on for who does not know that itself: what was acked is behind it, and
    /// nothing else. Who has never acked there goes on anywhere.
    fn told(&mut self, position: Position) -> Vec<Fault> {
        let Some((epoch, acked)) = self.acked else {
            return Vec::new();
        };
        let mut faults = Vec::new();
        let now = position.offset;
        if position.epoch == epoch && now > acked {
            faults.push(Fault::CursorAhead { acked, now });
        }
        let before = self.told.replace((position.epoch, now));
        if let Some((_, before)) =
            before.filter(|(epoch, before)| *epoch == position.epoch && *before > now)
        {
            faults.push(Fault::CursorBack { before, now });
        }
        faults
    }
}
