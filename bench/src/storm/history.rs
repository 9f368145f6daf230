//! What the members of a crowd have heard, and whether that is everything, once.
//!
//! The judge knows one rule: offsets of a room are contiguous, and everybody hears the same at each of them. So a member has
//! heard all if it has heard the last one, and no offset was left out.

use std::collections::BTreeSet;

/// What was heard and acknowledged.
#[derive(Debug)]
pub(crate) struct History {
    rooms: Vec<Room>,
    members: Vec<Member>,
    /// The first gap that anybody was told of, in the server's words.
    pub(super) first_gap: Option<String>,
}

#[derive(Debug, Default, Clone)]
struct Room {
    /// The number of the publication at each offset, from 1 on.
    order: Vec<Option<u64>>,
    /// Offset and number, as the publisher was told.
    acknowledged: Vec<(u64, u64)>,
    /// The last offset that anybody was told of.
    head: u64,
    /// Offsets at which two members heard different publications.
    contradictions: u64,
}

/// What one member has heard of its room.
#[derive(Debug, Default, Clone, Copy)]
struct Member {
    offset: u64,
    left_out: u64,
    repeated: u64,
    gaps: u64,
}

/// What is wrong with a history.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Publications that were acknowledged.
    pub(crate) acknowledged: u64,
    /// Publications that a member did not hear, and acknowledged ones that are not where the publisher was told.
    pub(crate) lost: u64,
    /// Publications that a member heard twice, or that a room has twice.
    pub(crate) twice: u64,
    /// Gaps that members were told of.
    pub(crate) gaps: u64,
}

impl History {
    pub(super) fn new(rooms: usize, clients: usize) -> Self {
        Self {
            rooms: vec![Room::default(); rooms],
            members: vec![Member::default(); clients],
            first_gap: None,
        }
    }

    /// A member hears what follows this offset from now on, because it was never there before.
    pub(crate) fn begins(&mut self, who: usize, offset: u64) {
        if let Some(member) = self.members.get_mut(who) {
            member.offset = offset;
        }
    }

    /// A member was given the publication with this number, at this offset of its room.
    pub(crate) fn heard(&mut self, who: usize, room: usize, (offset, number): (u64, u64)) {
        let (Some(member), Some(room)) = (self.members.get_mut(who), self.rooms.get_mut(room))
        else {
            return;
        };
        room.place(offset, number);
        if offset <= member.offset {
            member.repeated += 1;
            return;
        }
        member.left_out += offset - member.offset - 1;
        member.offset = offset;
    }

    /// A member was told of a gap.
    pub(crate) fn told_of_gap(&mut self, who: usize, gap: String) {
        self.first_gap.get_or_insert(gap);
        if let Some(member) = self.members.get_mut(who) {
            member.gaps += 1;
        }
    }

    /// The publisher of a room was told that the publication with this number has this offset.
    pub(crate) fn acknowledged(&mut self, room: usize, (offset, number): (u64, u64)) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.acknowledged.push((offset, number));
            room.head = room.head.max(offset);
        }
    }

    /// Whether something was acknowledged in every room: a durable room in which nothing was has nothing to keep.
    pub(crate) fn has_begun(&self) -> bool {
        self.rooms.iter().all(|room| !room.acknowledged.is_empty())
    }

    /// Whether a member has heard everything that anybody has heard of its room, and all that was acknowledged there.
    pub(crate) fn is_up_to_date(&self, who: usize, room: usize) -> bool {
        let heard = self.members.get(who).map_or(0, |member| member.offset);
        self.rooms.get(room).is_none_or(|room| heard >= room.head)
    }

    /// The verdict; `is_inside` says who is there at the end, and has to have heard everything. `room_of` says where each belongs.
    pub(super) fn judge(
        &self,
        is_inside: impl Fn(usize) -> bool,
        room_of: impl Fn(usize) -> usize,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        for room in &self.rooms {
            verdict.acknowledged += room.acknowledged.len() as u64;
            verdict.lost += room.misplaced() + room.contradictions;
            verdict.twice += room.repeated();
        }
        for (who, member) in self.members.iter().enumerate() {
            verdict.lost += member.left_out;
            verdict.twice += member.repeated;
            verdict.gaps += member.gaps;
            if is_inside(who) {
                let head = self.rooms.get(room_of(who)).map_or(0, |room| room.head);
                verdict.lost += head.saturating_sub(member.offset);
            }
        }
        verdict
    }
}

impl Room {
    fn place(&mut self, offset: u64, number: u64) {
        let Some(at) = offset
            .checked_sub(1)
            .and_then(|at| usize::try_from(at).ok())
        else {
            self.contradictions += 1;
            return;
        };
        self.head = self.head.max(offset);
        if self.order.len() <= at {
            self.order.resize(at + 1, None);
        }
        if let Some(place) = self.order.get_mut(at) {
            let is_other = place.is_some_and(|there| there != number);
            self.contradictions += u64::from(is_other);
            *place = Some(number);
        }
    }

    /// Acknowledged publications that nobody has heard where they should be.
    fn misplaced(&self) -> u64 {
        let is_there = |(offset, number): &(u64, u64)| {
            let at = usize::try_from(offset.wrapping_sub(1)).unwrap_or(usize::MAX);
            self.order.get(at) == Some(&Some(*number))
        };
        let missing = self.acknowledged.iter().filter(|it| !is_there(it));
        missing.count() as u64
    }

    /// Publications that have more than one offset.
    fn repeated(&self) -> u64 {
        let placed: Vec<u64> = self.order.iter().copied().flatten().collect();
        let distinct: BTreeSet<u64> = placed.iter().copied().collect();
        (placed.len() - distinct.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(history: &History) -> Verdict {
        history.judge(|_| true, |_| 0)
    }

    /// Two members of one room have heard what was published there, numbers 7 and 8.
    fn whole() -> History {
        let mut history = History::new(1, 2);
        for (offset, number) in [(1, 7), (2, 8)] {
            history.acknowledged(0, (offset, number));
            for who in 0..2 {
                history.heard(who, 0, (offset, number));
            }
        }
        history
    }

    #[test]
    fn a_whole_history_has_nothing_wrong() {
        let verdict = judged(&whole());
        let expected = Verdict {
            acknowledged: 2,
            ..Verdict::default()
        };
        assert_eq!(verdict, expected);
        assert!(whole().is_up_to_date(1, 0));
    }

    #[test]
    fn what_is_left_out_or_missing_at_the_end_is_lost() {
        let mut history = whole();
        history.heard(0, 0, (4, 10));
        assert!(!history.is_up_to_date(1, 0));
        let verdict = judged(&history);
        assert_eq!(verdict.lost, 1 + 2, "3 of one, 3 and 4 of the other");
        let mut history = whole();
        history.acknowledged(0, (3, 9));
        assert_eq!(judged(&history).lost, 1 + 2, "in the room, and of both");
    }

    #[test]
    fn who_is_not_there_does_not_have_to_have_heard_the_end() {
        let mut history = whole();
        history.heard(0, 0, (3, 9));
        let verdict = history.judge(|who| who == 0, |_| 0);
        assert_eq!(verdict.lost, 0);
    }

    #[test]
    fn the_same_again_is_twice() {
        let mut history = whole();
        history.heard(1, 0, (2, 8));
        assert_eq!(judged(&history).twice, 1);
        let mut history = whole();
        for who in 0..2 {
            history.heard(who, 0, (3, 8));
        }
        assert_eq!(judged(&history).twice, 1, "the room has it at two offsets");
    }

    #[test]
    fn another_publication_at_the_same_offset_is_a_loss() {
        let mut history = whole();
        history.heard(0, 0, (3, 9));
        history.heard(1, 0, (3, 10));
        assert_eq!(judged(&history).lost, 1);
    }

    #[test]
    fn who_begins_later_does_not_miss_what_was_before() {
        let mut history = History::new(1, 1);
        history.begins(0, 5);
        history.heard(0, 0, (6, 1));
        assert_eq!(judged(&history).lost, 0);
    }
}
