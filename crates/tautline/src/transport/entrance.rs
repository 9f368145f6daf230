//! Where a member who speaks v2 comes into a room, and what it misses.

use tautline_engine::{EngineError, Range};
use tautline_hub::{PageMax, Resumed};
use tautline_protocol::model::{Acks, Gap, GapReason, Position, RoomName};
use tautline_protocol::server::v2::{Begin, Entered, Reply};

use super::Worker;
use super::envelope::{Asker, newest};
use crate::lifecycle::Lifecycle;

impl Worker {
    /// Brings a connection into a room. If `bytes_max` is 0, it may not read what was published before.
    pub(super) async fn enter(
        &self,
        asker: &Asker,
        room: &RoomName,
        (begin, bytes_max): (Begin, usize),
        members: bool,
    ) -> Result<Reply, EngineError> {
        let mut entered = match self.acks(room) {
            Some(acks) => {
                self.enter_owing(asker, room, begin, (acks, bytes_max))
                    .await?
            }
            None => self.enter_freely(asker, room, begin, bytes_max).await?,
        };
        if members {
            entered.members = self.listed(room).await.ok();
        }
        self.observe(&Lifecycle::Joined(asker.party(), room));
        Ok(Reply::Joined(Box::new(entered)))
    }

    async fn enter_freely(
        &self,
        asker: &Asker,
        room: &RoomName,
        begin: Begin,
        bytes_max: usize,
    ) -> Result<Entered, EngineError> {
        let shard = &self.shard;
        Ok(match begin {
            Begin::Since(since) if bytes_max > 0 => {
                let max = PageMax {
                    messages: u32::MAX,
                    bytes: bytes_max,
                };
                resumed(shard.resume(asker.id, room, (since, max)).await?)
            }
            Begin::Last(limit) => {
                let joined = shard.join(asker.id, room, Some(limit)).await?;
                let kept = joined.history.unwrap_or_default();
                Entered {
                    messages: newest(kept, bytes_max).0,
                    ..entered_at(joined.position)
                }
            }
            Begin::Now => entered_at(shard.join(asker.id, room, None).await?.position),
            Begin::Since(since) => {
                let position = shard.join(asker.id, room, None).await?.position;
                Entered {
                    gap: unread(since, position),
                    ..entered_at(position)
                }
            }
        })
    }

    /// Brings a connection into a room that asks for acknowledgements: behind what its user has acknowledged. The account
    /// of a user who was never there begins now, before anything is given.
    async fn enter_owing(
        &self,
        asker: &Asker,
        room: &RoomName,
        begin: Begin,
        (acks, bytes_max): (Acks, usize),
    ) -> Result<Entered, EngineError> {
        let engine = &self.shared.engine;
        let known = engine.cursor(room, asker.user()).await?;
        let cursor = if let Some(cursor) = known {
            cursor
        } else {
            let first = self.first_cursor(room, begin, bytes_max).await?;
            engine.begin(room, asker.user(), first).await?
        };
        if let (None, Begin::Last(_)) = (known, begin) {
            let entered = self.enter_freely(asker, room, begin, bytes_max).await?;
            let owed = (acks, entered.position);
            self.shard.owe(asker.id, room, owed, &[]);
            return Ok(entered);
        }
        let (start, hidden) = match begin {
            Begin::Since(since) => {
                let start = self.further_back(room, cursor, since).await?;
                if bytes_max > 0 {
                    (start, None)
                } else {
                    (cursor, unread(start, cursor))
                }
            }
            Begin::Last(_) | Begin::Now => (cursor, None),
        };
        let max = PageMax {
            messages: acks.in_flight_max,
            bytes: bytes_max,
        };
        let mut page = self.shard.resume(asker.id, room, (start, max)).await?;
        let owed = (acks, page.behind);
        self.shard.owe(asker.id, room, owed, &page.publications);
        if let Begin::Since(since) = begin {
            page.gap = page.gap.and_then(|gap| beyond(gap, since));
        }
        page.gap = match (page.gap, hidden) {
            // What follows what it may not read is lost, too.
            (Some(Gap { until, .. }), Some(hidden)) => Some(Gap { until, ..hidden }),
            (gap, hidden) => gap.or(hidden),
        };
        Ok(resumed(page))
    }

    /// Where the account of somebody begins who was never there.
    async fn first_cursor(
        &self,
        room: &RoomName,
        begin: Begin,
        bytes_max: usize,
    ) -> Result<Position, EngineError> {
        let engine = &self.shared.engine;
        match begin {
            Begin::Since(since) if bytes_max > 0 => {
                let missing = engine.read(room, next_to(since)).await?.missing;
                Ok(missing.map_or(since, |missing| missing.last))
            }
            Begin::Since(_) | Begin::Last(_) | Begin::Now => engine.head(room).await,
        }
    }

    /// Where somebody goes on who has acknowledged up to `cursor` and comes with `since`: the one that lies further back.
    /// If `since` is of another order, it says what the client misses.
    async fn further_back(
        &self,
        room: &RoomName,
        cursor: Position,
        since: Position,
    ) -> Result<Position, EngineError> {
        if since.epoch != cursor.epoch || since.offset <= cursor.offset {
            return Ok(since);
        }
        let page = self.shared.engine.read(room, next_to(since)).await?;
        Ok(if page.missing.is_some() {
            since
        } else {
            cursor
        })
    }
}

/// Enough to know whether a position is one of the room's order.
fn next_to(position: Position) -> Range {
    Range::After { position, limit: 1 }
}

/// What of a gap somebody misses who has everything up to `since`: what it has and did not acknowledge may be lost.
fn beyond(gap: Gap, since: Position) -> Option<Gap> {
    let is_of_one_order = gap.reason != GapReason::EpochChanged && gap.until.epoch == since.epoch;
    let from = if is_of_one_order {
        gap.from.max(since.offset + 1)
    } else {
        gap.from
    };
    let is_empty = is_of_one_order && gap.until.offset < from;
    (!is_empty).then_some(Gap { from, ..gap })
}

fn entered_at(position: Position) -> Entered {
    Entered {
        position,
        messages: Vec::new(),
        more: false,
        members: None,
        gap: None,
    }
}

fn resumed(resumed: Resumed) -> Entered {
    Entered {
        messages: resumed.publications,
        more: resumed.more,
        gap: resumed.gap,
        ..entered_at(resumed.position)
    }
}

/// What who may not read the past misses between what it has seen and where it goes on.
fn unread(since: Position, until: Position) -> Option<Gap> {
    let is_same_order = since.epoch == until.epoch && since.offset < until.offset;
    let (from, reason) = if is_same_order {
        (since.offset + 1, GapReason::Evicted)
    } else {
        (1, GapReason::EpochChanged)
    };
    (since != until).then_some(Gap {
        from,
        until,
        reason,
    })
}
