//! The newest publications of a room, one of each event, for those who are told no more than that.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use tautline_protocol::model::{Gap, GapReason, Position, Publication};

use crate::OutboxLimits;
use crate::room::Room;

/// The newest publication of each event behind a point of a room's order.
///
/// One for all members of a shard who are behind, so that each of them costs no more than its cursor.
#[derive(Debug)]
pub(crate) struct Newest {
    /// Everything behind this was noted.
    since: Position,
    /// In the room's order.
    kept: VecDeque<Kept>,
    bytes: usize,
    /// The bytes that wait in the whole shard; these are among them.
    waiting: Rc<Cell<usize>>,
}

#[derive(Debug)]
struct Kept {
    publication: Arc<Publication>,
    /// Where the one before it stands.
    behind: Position,
}

/// What is next for somebody who gets the newest alone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// What is skipped before it.
    pub(crate) gap: Option<Gap>,
    pub(crate) publication: Arc<Publication>,
}

impl Newest {
    /// Nothing of what comes behind a position. Its bytes count among those that are `waiting` in the shard.
    pub(crate) fn since(since: Position, waiting: Rc<Cell<usize>>) -> Self {
        Self {
            since,
            kept: VecDeque::new(),
            bytes: 0,
            waiting,
        }
    }

    /// Notes the publication that stands right `behind` a position. The older one of its event goes, and those that
    /// the bounds leave no room for, the oldest first.
    pub(crate) fn add(
        &mut self,
        publication: &Arc<Publication>,
        behind: Position,
        limits: &OutboxLimits,
    ) {
        let is_of_event = |kept: &Kept| kept.publication.event == publication.event;
        if let Some(older) = self.kept.iter().position(is_of_event) {
            self.remove(older);
        }
        self.count(self.bytes + publication.data.len());
        self.kept.push_back(Kept {
            publication: Arc::clone(publication),
            behind,
        });
        while self.kept.len() > (limits.latest_max as usize).max(1)
            || self.bytes > limits.bytes_max && self.kept.len() > 1
        {
            self.remove(0);
        }
    }

    /// What is next for somebody who stands at `cursor`; none if this does not know what came behind that.
    pub(crate) fn next(&self, cursor: Position) -> Option<Next> {
        if cursor.epoch != self.since.epoch || cursor.offset < self.since.offset {
            return None;
        }
        let is_behind = |kept: &&Kept| kept.publication.position.offset > cursor.offset;
        let Kept {
            publication,
            behind,
        } = self.kept.iter().find(is_behind)?;
        let gap = (behind.offset > cursor.offset).then_some(Gap {
            from: cursor.offset + 1,
            until: *behind,
            reason: GapReason::SlowConsumer,
        });
        Some(Next {
            gap,
            publication: Arc::clone(publication),
        })
    }

    fn remove(&mut self, at: usize) {
        if let Some(kept) = self.kept.remove(at) {
            self.count(self.bytes - kept.publication.data.len());
        }
    }

    fn count(&mut self, bytes: usize) {
        self.waiting.set(self.waiting.get() - self.bytes + bytes);
        self.bytes = bytes;
    }
}

impl Drop for Newest {
    fn drop(&mut self) {
        self.count(0);
    }
}

impl Room {
    /// What is next for a subscriber who takes too little, where the newest is enough; none if it reads pages.
    pub(crate) fn next(&mut self, slot: u32, cursor: Position) -> Option<Next> {
        self.newest.as_ref()?;
        let is_slow = self.subscription(slot)?.is_slow();
        self.newest.as_ref().filter(|_| is_slow)?.next(cursor)
    }

    /// Forgets what was noted if nobody is behind any more.
    pub(crate) fn forget_newest(&mut self) {
        if self.newest.is_some() && !self.has_slow() {
            self.newest = None;
        }
    }

    /// Notes these publications, one after another, for those who are behind.
    pub(crate) fn note_newest<'p>(
        &mut self,
        begins_behind: Position,
        publications: impl Iterator<Item = &'p Arc<Publication>>,
        (limits, waiting): (&OutboxLimits, &Rc<Cell<usize>>),
    ) {
        if !self.has_slow() {
            return self.forget_newest();
        }
        let begin = || Box::new(Newest::since(begins_behind, Rc::clone(waiting)));
        let newest = self.newest.get_or_insert_with(begin);
        let mut behind = begins_behind;
        for publication in publications {
            newest.add(publication, behind, limits);
            behind = publication.position;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;
    use tautline_protocol::model::{Epoch, EventName, PublicationId, RoomName, Timestamp};

    use super::*;

    const LIMITS: OutboxLimits = OutboxLimits {
        bytes_max: 20,
        messages_max: 1,
        latest_max: 4,
    };

    fn position(offset: u64) -> Position {
        let mut id = PublicationId::default();
        id.0[..8].copy_from_slice(&offset.to_be_bytes());
        Position {
            epoch: Epoch(1),
            offset,
            id,
        }
    }

    fn publication(offset: u64, event: u8, bytes: usize) -> Arc<Publication> {
        Arc::new(Publication {
            room: RoomName::parse("r").unwrap(),
            position: position(offset),
            event: EventName::parse(&format!("e{event}")).unwrap(),
            data: Bytes::from("1".repeat(bytes)),
            user: None,
            tag: None,
            sent_at: Timestamp(0),
        })
    }

    /// What somebody at `cursor` gets, and what it is told to be missing.
    fn walk(newest: &Newest, mut cursor: u64) -> (Vec<u64>, Vec<u64>) {
        let (mut given, mut missing) = (Vec::new(), Vec::new());
        while let Some(next) = newest.next(position(cursor)) {
            if let Some(gap) = next.gap {
                assert_eq!(
                    (gap.from, gap.until),
                    (cursor + 1, position(gap.until.offset))
                );
                missing.extend(gap.from..=gap.until.offset);
                cursor = gap.until.offset;
            }
            cursor += 1;
            assert_eq!(next.publication.position, position(cursor));
            given.push(cursor);
        }
        (given, missing)
    }

    #[test]
    fn the_newest_of_each_event_is_next_and_what_it_replaced_is_a_gap() {
        let mut newest = Newest::since(position(10), Rc::default());
        for (offset, event) in [(11, 1), (12, 2), (13, 1), (14, 3), (15, 1)] {
            newest.add(
                &publication(offset, event, 1),
                position(offset - 1),
                &LIMITS,
            );
        }
        assert_eq!(walk(&newest, 10), (vec![12, 14, 15], vec![11, 13]));
        assert_eq!(walk(&newest, 13), (vec![14, 15], vec![]));
        assert_eq!(walk(&newest, 15), (vec![], vec![]));
    }

    #[test]
    fn who_stands_elsewhere_is_not_served() {
        let mut newest = Newest::since(position(10), Rc::default());
        newest.add(&publication(11, 1, 1), position(10), &LIMITS);
        let elsewhere = Position {
            epoch: Epoch(2),
            ..position(10)
        };
        for cursor in [position(9), elsewhere] {
            assert_eq!(newest.next(cursor), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whoever_walks_is_given_or_told_of_everything(
            published in prop::collection::vec((0..8_u8, 1..12_usize), 1..60),
            behind in 0..60_u64,
        ) {
            let waiting = Rc::new(Cell::new(7));
            let mut newest = Newest::since(position(0), Rc::clone(&waiting));
            for (offset, (event, bytes)) in (1..).zip(&published) {
                newest.add(&publication(offset, *event, *bytes), position(offset - 1), &LIMITS);
                prop_assert!(newest.kept.len() <= 4 && newest.bytes <= 20);
                let data = newest.kept.iter().map(|kept| kept.publication.data.len());
                prop_assert_eq!(newest.bytes, data.sum::<usize>());
                prop_assert_eq!(waiting.get(), 7 + newest.bytes);
            }
            let head = published.len() as u64;
            let cursor = behind.min(head);
            let (given, mut known) = walk(&newest, cursor);
            let event = |offset: &u64| published[usize::try_from(*offset).unwrap() - 1].0;
            for offset in &given {
                let is_newest = (offset + 1..=head).all(|later| event(&later) != event(offset));
                prop_assert!(is_newest, "{offset} is outdated");
            }
            prop_assert_eq!(given.last().copied().unwrap_or(head), head);
            known.extend(given);
            known.sort_unstable();
            prop_assert!(known.into_iter().eq(cursor + 1..=head));
            drop(newest);
            prop_assert_eq!(waiting.get(), 7);
        }
    }
}
