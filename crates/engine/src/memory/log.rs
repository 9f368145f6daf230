//! A room's order, and the part of its past that is in memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tautline_protocol::model::{Epoch, Position, Publication, PublicationId, Retention};

use super::Budget;
use super::span::{Cut, Span};
use crate::{Page, Range};

/// Positions, and the newest publications.
///
/// The ring holds exactly the offsets of `span`, whose ends outlive what they name.
#[derive(Debug)]
pub(crate) struct Log {
    span: Span,
    ring: VecDeque<Kept>,
    /// How many the ring holds at most if a disk has them all; none if no disk does.
    ring_max: Option<usize>,
    /// Whether the ring has all that is kept. A disk may have more.
    whole: bool,
    retention: Retention,
    /// What all rooms may keep together.
    budget: Arc<Budget>,
}

/// A publication, and when it got its place.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) at: Duration,
    pub(crate) publication: Arc<Publication>,
}

impl Log {
    pub(crate) fn new(epoch: Epoch, budget: Arc<Budget>) -> Self {
        let start = Position::start(epoch);
        let span = Span {
            trimmed: start,
            head: start,
        };
        let nothing = Retention {
            count: 0,
            age: Duration::ZERO,
        };
        Self::resumed(span, nothing, budget)
    }

    /// A log that goes on where one on a disk ends: all that is kept of it is there.
    pub(crate) fn resumed(span: Span, retention: Retention, budget: Arc<Budget>) -> Self {
        let Span { head, .. } = span;
        Self {
            span: Span {
                trimmed: head,
                head,
            },
            ring: VecDeque::new(),
            ring_max: None,
            whole: span.is_empty(),
            retention,
            budget,
        }
    }

    /// Keeps no more than the newest `ring_max` in memory from now on: a disk has the others.
    pub(crate) fn bound(&mut self, ring_max: usize) {
        self.ring_max = Some(ring_max);
    }

    /// Says that no disk has anything of it any more.
    pub(crate) fn unbound(&mut self) {
        self.ring_max = None;
    }

    /// The place that the next publication takes if its id is `id`.
    pub(crate) fn next(&self, id: PublicationId) -> Position {
        Position {
            epoch: self.head().epoch,
            offset: self.head().offset + 1,
            id,
        }
    }

    /// Takes the publication at [`Log::next`], and trims as `retention` says from now on.
    pub(crate) fn append(
        &mut self,
        publication: &Arc<Publication>,
        retention: Retention,
        now: Duration,
    ) {
        // What has ended under the terms that held until now does not come back under longer ones.
        self.trim(now);
        self.span.head = publication.position;
        self.retention = retention;
        self.trim(now);
        let kept = Kept {
            at: now,
            publication: Arc::clone(publication),
        };
        let wanted = retention.count > 0 && self.ring_max != Some(0);
        if wanted && self.make_place(kept.weight()) {
            self.budget.take(kept.weight());
            // One was left room for: the ring never grows past what is kept.
            self.ring.push_back(kept);
        } else {
            self.span.trimmed = self.span.head;
            self.whole = self.ring_max.is_none() || retention.count == 0;
        }
    }

    /// Lets go of this room's own past until there is place for so many bytes, or says that there is none.
    fn make_place(&mut self, bytes: usize) -> bool {
        while !self.budget.has_place(bytes) {
            if !self.forget_oldest() {
                return false;
            }
            self.whole = self.ring_max.is_none();
        }
        true
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(oldest) = self.ring.pop_front() else {
            return false;
        };
        self.span.trimmed = oldest.publication.position;
        self.budget.give_back(oldest.weight());
        true
    }

    /// Lets go of what is too old, or too many for what there is up to `head`.
    pub(crate) fn trim(&mut self, now: Duration) {
        let Retention { count, age } = self.retention;
        while let Some(oldest) = self.ring.front() {
            let held = self.span.head.offset - self.span.trimmed.offset;
            let ended = held > u64::from(count) || now.saturating_sub(oldest.at) >= age;
            let fits = self.ring_max.is_none_or(|max| self.ring.len() <= max);
            if !ended && fits {
                break;
            }
            // What is before one that has ended has ended, too.
            self.whole = ended;
            self.forget_oldest();
        }
    }

    /// Gives back memory that the ring has no use for any more.
    pub(crate) fn shrink(&mut self) {
        if self.ring.len() < self.ring.capacity() / 4 {
            self.ring.shrink_to(self.ring.len() * 2);
        }
    }

    /// Whether [`Log::read`] can answer without a disk.
    pub(crate) fn covers(&mut self, range: Range, now: Duration) -> bool {
        self.trim(now);
        let cut = self.cut(range);
        self.whole
            || match range {
                Range::Last { .. } | Range::Before { .. } => cut.more,
                Range::After { .. } => cut.missing.is_none(),
            }
    }

    pub(crate) fn read(&mut self, range: Range, now: Duration) -> Page {
        self.trim(now);
        let cut = self.cut(range);
        Page {
            publications: self.publications(cut),
            head: self.head(),
            more: cut.more,
            missing: cut.missing,
        }
    }

    /// How many of those that only a disk has should be in memory, too: none while the ring is half full.
    pub(crate) fn wanted(&self) -> usize {
        let wanted = self.ring_max.unwrap_or(0).saturating_sub(self.ring.len());
        if self.whole || wanted < self.ring.len() {
            0
        } else {
            wanted
        }
    }

    /// Takes back what a disk has: `kept` are contiguous and follow `before`. `whole` says that nothing
    /// older is kept. Changes nothing if they do not meet what is in memory, or find no place.
    pub(crate) fn refill(&mut self, before: Position, kept: Vec<Kept>, whole: bool) {
        let weight = kept.iter().map(Kept::weight).sum();
        let meets = kept
            .last()
            .is_some_and(|newest| newest.publication.position == self.span.trimmed);
        let fits = kept.len() <= self.wanted() && self.budget.has_place(weight);
        if meets && fits {
            self.budget.take(weight);
            for kept in kept.into_iter().rev() {
                self.ring.push_front(kept);
            }
            self.span.trimmed = before;
            self.whole = whole;
        }
    }

    /// Says that the disk has nothing up to this offset any more.
    pub(crate) fn trimmed_elsewhere(&mut self, to: u64) {
        self.whole |= to >= self.span.trimmed.offset;
    }

    /// Lets go of all that a disk has, too.
    pub(crate) fn cool(&mut self) {
        while self.forget_oldest() {
            self.whole = false;
        }
        self.ring = VecDeque::new();
    }

    pub(crate) fn head(&self) -> Position {
        self.span.head
    }

    /// What is in memory.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    pub(crate) fn retention(&self) -> Retention {
        self.retention
    }

    /// Everything in memory, oldest first.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.ring.iter()
    }

    /// Whether all that is kept is in memory.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether it keeps any publication.
    pub(crate) fn is_empty(&self) -> bool {
        self.whole && self.ring.is_empty()
    }

    fn cut(&self, range: Range) -> Cut {
        let id = match range {
            Range::After { position, .. } => self.id_at(position.offset),
            Range::Last { .. } | Range::Before { .. } => None,
        };
        self.span.cut(range, id)
    }

    /// The id of the publication at `offset`, if it is known still.
    fn id_at(&self, offset: u64) -> Option<PublicationId> {
        match offset.checked_sub(self.span.trimmed.offset)? {
            0 => Some(self.span.trimmed.id),
            after => {
                let index = usize::try_from(after - 1).ok()?;
                Some(self.ring.get(index)?.publication.position.id)
            }
        }
    }

    fn publications(&self, cut: Cut) -> Vec<Arc<Publication>> {
        let index = |offset: u64| as_index(offset - self.span.trimmed.offset);
        self.ring
            .range(index(cut.after)..index(cut.to))
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

fn as_index(offsets: u64) -> usize {
    usize::try_from(offsets).unwrap_or(usize::MAX)
}
