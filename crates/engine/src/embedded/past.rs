//! What is still kept of a room's past, as the disk has it.

use std::time::Duration;

use tautline_protocol::model::{Position, PublicationId};

use super::fault::Fault;
use super::tables::{LogTable, RoomRow, Whose};

impl RoomRow {
    pub(super) fn whose(&self) -> Whose<'_> {
        Whose {
            row: self.row,
            name: &self.name,
            epoch: self.span.head.epoch,
        }
    }

    /// The last offset that has ended at `now`, if that is not more than `slice` beyond what it must be by number.
    pub(super) fn ended(
        &self,
        log: &mut LogTable<'_>,
        now: Duration,
        slice: u64,
    ) -> Result<u64, Fault> {
        let head = self.span.head.offset;
        let by_count = head.saturating_sub(u64::from(self.retention.count));
        let by_count = by_count.max(self.span.trimmed.offset);
        let Some(at) = now.checked_sub(self.retention.age) else {
            return Ok(by_count);
        };
        let to = head.min(by_count.saturating_add(slice));
        log.ended(self.row, (by_count, to), at)
    }

    /// The position at an offset, which is not before the last that was trimmed. If what is there is
    /// damaged, its id is one that nobody has, so that whoever comes from there is told of another order.
    pub(super) fn position_at(
        &self,
        log: &mut LogTable<'_>,
        offset: u64,
    ) -> Result<Position, Fault> {
        let id = if offset == self.span.head.offset {
            self.span.head.id
        } else if offset == self.span.trimmed.offset {
            self.span.trimmed.id
        } else {
            log.id_at(self.whose(), offset)?.unwrap_or(NOBODYS)
        };
        Ok(Position {
            id,
            offset,
            epoch: self.span.head.epoch,
        })
    }
}

/// The id of no publication.
const NOBODYS: PublicationId = PublicationId([0xff; 16]);
