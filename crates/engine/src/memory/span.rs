//! Which offsets of a room are kept, and what of them a range asks for.

use tautline_protocol::model::{Position, PublicationId};

use crate::{Missing, MissingReason, Range};

/// The offsets after `trimmed` up to `head`, which are of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) trimmed: Position,
    pub(crate) head: Position,
}

/// The part that a range asks for: the offsets after `after` up to `to`, all of them kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) after: u64,
    pub(crate) to: u64,
    pub(crate) more: bool,
    pub(crate) missing: Option<Missing>,
}

impl Span {
    /// What `range` asks for. Where that is [`Range::After`] a position, `id` is that of the
    /// publication at its offset, if it is known.
    pub(crate) fn cut(&self, range: Range, id: Option<PublicationId>) -> Cut {
        match range {
            Range::Last { limit } => self.older(self.head.offset, limit),
            Range::Before { offset, limit } => {
                let before = offset.saturating_sub(1);
                self.older(before.clamp(self.trimmed.offset, self.head.offset), limit)
            }
            Range::After { position, limit } => self.newer(position, limit, id),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.trimmed.offset == self.head.offset
    }

    /// The newest `limit` of those that are kept up to `to`.
    fn older(&self, to: u64, limit: u32) -> Cut {
        let after = to.saturating_sub(u64::from(limit));
        let after = after.max(self.trimmed.offset);
        Cut {
            after,
            to,
            more: after > self.trimmed.offset,
            missing: None,
        }
    }

    /// The oldest `limit` of those that are kept and follow `position`.
    fn newer(&self, position: Position, limit: u32, id: Option<PublicationId>) -> Cut {
        let missing = self.missing_after(position, id);
        let after = if missing.is_some() {
            self.trimmed.offset
        } else {
            position.offset
        };
        let to = after.saturating_add(u64::from(limit)).min(self.head.offset);
        Cut {
            after,
            to,
            more: to < self.head.offset,
            missing,
        }
    }

    /// What lies between `position` and what is kept, and is lost.
    fn missing_after(&self, position: Position, id: Option<PublicationId>) -> Option<Missing> {
        let of_this_order = position.epoch == self.head.epoch
            && position.offset <= self.head.offset
            && id.is_none_or(|id| id == position.id);
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
}
