//! A room's order, and the part of its past that is kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tautline_protocol::model::{Epoch, Position, Publication, PublicationId, Retention};

use super::Budget;
use crate::{Missing, MissingReason, Page, Range};

/// Positions, and the newest publications.
///
/// The ring holds exactly the offsets after `trimmed` up to `head`; both outlive what they name.
#[derive(Debug)]
pub(super) struct Log {
    head: Position,
    trimmed: Position,
    ring: VecDeque<Kept>,
    retention: Retention,
    /// What all rooms may keep together.
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct Kept {
    at: Duration,
    publication: Arc<Publication>,
}

impl Log {
    pub(super) fn new(epoch: Epoch, budget: Arc<Budget>) -> Self {
        Self {
            head: Position::start(epoch),
            trimmed: Position::start(epoch),
            ring: VecDeque::new(),
            retention: Retention {
                count: 0,
                age: Duration::ZERO,
            },
            budget,
        }
    }

    /// The place that the next publication takes if its id is `id`.
    pub(super) fn next(&self, id: PublicationId) -> Position {
        Position {
            epoch: self.head.epoch,
            offset: self.head.offset + 1,
            id,
        }
    }

    /// Takes the publication at [`Log::next`], and trims as `retention` says from now on.
    pub(super) fn append(
        &mut self,
        publication: &Arc<Publication>,
        retention: Retention,
        now: Duration,
    ) {
        // What has ended under the terms that held until now does not come back under longer ones.
        self.trim(now);
        self.head = publication.position;
        self.retention = retention;
        self.trim(now);
        let kept = Kept {
            at: now,
            publication: Arc::clone(publication),
        };
        if retention.count > 0 && self.make_place(kept.weight()) {
            self.budget.take(kept.weight());
            // One was left room for: the ring never grows past what is kept.
            self.ring.push_back(kept);
        } else {
            self.trimmed = self.head;
        }
    }

    /// Lets go of this room's own past until there is place for so many bytes, or says that there is none.
    fn make_place(&mut self, bytes: usize) -> bool {
        while !self.budget.has_place(bytes) {
            if !self.forget_oldest() {
                return false;
            }
        }
        true
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(oldest) = self.ring.pop_front() else {
            return false;
        };
        self.trimmed = oldest.publication.position;
        self.budget.give_back(oldest.weight());
        true
    }

    /// Lets go of what is too old, or too many for what there is up to `head`.
    pub(super) fn trim(&mut self, now: Duration) {
        let Retention { count, age } = self.retention;
        while let Some(oldest) = self.ring.front() {
            let too_many = self.head.offset - self.trimmed.offset > u64::from(count);
            let too_old = now.saturating_sub(oldest.at) >= age;
            if !too_many && !too_old {
                break;
            }
            self.forget_oldest();
        }
    }

    /// Gives back memory that the ring has no use for any more.
    pub(super) fn shrink(&mut self) {
        if self.ring.len() < self.ring.capacity() / 4 {
            self.ring.shrink_to(self.ring.len() * 2);
        }
    }

    pub(super) fn read(&mut self, range: Range, now: Duration) -> Page {
        self.trim(now);
        match range {
            Range::Last { limit } => self.older(self.ring.len(), limit),
            Range::Before { offset, limit } => {
                let kept_before = offset.saturating_sub(self.trimmed.offset + 1);
                let end = usize::try_from(kept_before).unwrap_or(usize::MAX);
                self.older(end.min(self.ring.len()), limit)
            }
            Range::After { position, limit } => self.newer(position, limit),
        }
    }

    pub(super) fn head(&self) -> Position {
        self.head
    }

    /// Whether it keeps any publication.
    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// The newest `limit` of the first `end` that are kept.
    fn older(&self, end: usize, limit: u32) -> Page {
        let begin = end.saturating_sub(as_count(limit));
        Page {
            publications: self.publications(begin, end),
            head: self.head,
            more: begin > 0,
            missing: None,
        }
    }

    /// The oldest `limit` of those that are kept and follow `position`.
    fn newer(&self, position: Position, limit: u32) -> Page {
        let missing = self.missing_after(position);
        let begin = if missing.is_some() {
            0
        } else {
            usize::try_from(position.offset - self.trimmed.offset).unwrap_or(usize::MAX)
        };
        let end = begin.saturating_add(as_count(limit)).min(self.ring.len());
        Page {
            publications: self.publications(begin, end),
            head: self.head,
            more: end < self.ring.len(),
            missing,
        }
    }

    /// What lies between `position` and what is kept, and is lost.
    fn missing_after(&self, position: Position) -> Option<Missing> {
        let of_this_order = position.epoch == self.head.epoch
            && position.offset <= self.head.offset
            && self
                .id_at(position.offset)
                .is_none_or(|id| id == position.id);
        if !of_this_order {
            Some(Missing {
                from: 1,
                last: self.trimmed,
                reason: MissingReason::EpochChanged,
            })
        } else if position.offset < self.trimmed.offset {
            Some(Missing {
                from: position.offset + 1,
                last: self.trimmed,
                reason: MissingReason::Evicted,
            })
        } else {
            None
        }
    }

    /// The id of the publication at `offset`, if it is known still.
    fn id_at(&self, offset: u64) -> Option<PublicationId> {
        match offset.checked_sub(self.trimmed.offset)? {
            0 => Some(self.trimmed.id),
            after => {
                let index = usize::try_from(after - 1).ok()?;
                Some(self.ring.get(index)?.publication.position.id)
            }
        }
    }

    fn publications(&self, begin: usize, end: usize) -> Vec<Arc<Publication>> {
        self.ring
            .range(begin..end)
            .map(|kept| Arc::clone(&kept.publication))
            .collect()
    }
}

impl Kept {
    /// The memory that it takes, about.
    fn weight(&self) -> usize {
        size_of::<Self>() + size_of::<Publication>() + self.publication.data.len()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        while self.forget_oldest() {}
    }
}

fn as_count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
