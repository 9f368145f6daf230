//! One room as a client follows it: where it stands, and what is delivered of what comes.

use std::time::Instant;

use bytes::Bytes;

use super::{Gap, Joining, RoomEvent, RoomStatus, Ticket};
use crate::model::{Position, Publication};
use crate::wire::v2;

/// A room that the application wants to be in.
#[derive(Debug)]
pub(super) struct Room {
    /// Tells this membership from an earlier one of the same room.
    pub(super) number: Ticket,
    pub(super) stage: Stage,
    /// The last that was delivered, or where the application or the room says that it begins.
    pub(super) position: Option<Position>,
    /// How many of the newest are wanted at the first join.
    last: Option<u32>,
    /// What others see, or are to see from the join on.
    pub(super) presence: Option<Bytes>,
    /// The room asks for acknowledgements.
    wants_acks: bool,
    /// The application has handled everything up to this offset of the present epoch.
    handled: u64,
    /// This connection was sent everything up to this offset.
    given: u64,
    /// And the server has heard on it that everything up to this offset is handled.
    noted: u64,
    /// How often in a row the server could not let the client in.
    failures: u32,
}

/// How far a membership has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The server is to be asked, not before this time.
    Wanted { not_before: Option<Instant> },
    /// The server was asked with this number.
    Asked(Ticket),
    /// It holds.
    Joined,
    /// The server refuses it for good.
    Denied,
}

/// The server has skipped something without a word.
#[derive(Debug)]
pub(super) struct Hole;

impl Room {
    pub(super) fn new(number: Ticket, joining: Joining) -> Self {
        let Joining {
            since,
            last,
            presence,
        } = joining;
        Self {
            number,
            stage: Stage::Wanted { not_before: None },
            position: since,
            last,
            presence,
            wants_acks: false,
            handled: since.map_or(0, |since| since.offset),
            given: 0,
            noted: 0,
            failures: 0,
        }
    }

    /// How many of the newest are asked for: only while nothing is known of the room.
    pub(super) fn last(&self) -> Option<u32> {
        self.last.filter(|_| self.position.is_none())
    }

    /// Whether the room has moved on from `since` into another order than the one that an answer to it speaks of. Neither of
    /// them is known to be the later one, so that the answer is of no use.
    pub(super) fn is_elsewhere(&self, since: Option<Position>, joined: &v2::Joined<'_>) -> bool {
        let begins_anew = |gap: &v2::Missing| gap.reason == v2::GapReason::EpochChanged;
        let is_other = |stands: Position| stands.epoch != joined.position.epoch;
        self.position != since
            && (self.position.is_some_and(is_other) || joined.gap.as_ref().is_some_and(begins_anew))
    }

    /// The server has let the client in. What is to be told comes in the order in which it happened.
    pub(super) fn handle_joined(
        &mut self,
        joined: &v2::Joined<'_>,
        tell: &mut dyn FnMut(RoomEvent),
    ) -> Result<(), Hole> {
        self.stage = Stage::Joined;
        self.wants_acks = joined.ack.is_some();
        let epoch = joined.position.epoch;
        let stood = self.position.filter(|position| position.epoch == epoch);
        let begins = |offset| Position {
            offset,
            ..Position::start(epoch)
        };
        if let Some(missing) = &joined.gap {
            // Where it goes on: at the first page's first message, or where the client is said to stand.
            let position = match joined.messages.first() {
                Some(_) => begins(missing.to),
                None => joined.position,
            };
            self.skip(missing, position, tell)?;
        } else if stood.is_none() {
            if self.position.is_some() {
                // Another order, and not a word of it.
                return Err(Hole);
            }
            let first = joined.messages.first();
            self.position = Some(first.map_or(joined.position, |first| {
                begins(first.offset.saturating_sub(1))
            }));
        }
        for message in &joined.messages {
            self.handle_message(message, tell)?;
        }
        let position = joined.position;
        if self
            .position
            .is_none_or(|stands| stands.offset < position.offset)
        {
            return Err(Hole);
        }
        self.failures = 0;
        tell(RoomEvent::Status(RoomStatus::Live {
            position: self.position.unwrap_or(position),
            recovered: joined.recovered,
            wants_acks: self.wants_acks,
        }));
        Ok(())
    }

    /// The server says that publications are missing.
    pub(super) fn handle_gap(
        &mut self,
        gap: &v2::Gap,
        tell: &mut dyn FnMut(RoomEvent),
    ) -> Result<(), Hole> {
        let missing = v2::Missing {
            from: gap.from,
            to: gap.to,
            reason: gap.reason,
        };
        self.skip(&missing, gap.position, tell)
    }

    /// A message came. What was delivered before is not delivered again.
    pub(super) fn handle_message(
        &mut self,
        message: &v2::Message<'_>,
        tell: &mut dyn FnMut(RoomEvent),
    ) -> Result<(), Hole> {
        let Some(stands) = self.position else {
            return Err(Hole);
        };
        if message.offset <= stands.offset {
            // Sent again because an acknowledgement was late or lost: the server hears of it once more.
            self.given = self.given.max(message.offset);
            self.noted = self.noted.min(message.offset.saturating_sub(1));
            return Ok(());
        }
        if message.offset - 1 != stands.offset {
            return Err(Hole);
        }
        self.given = message.offset;
        let position = Position {
            epoch: stands.epoch,
            offset: message.offset,
            id: message.id,
        };
        self.position = Some(position);
        tell(RoomEvent::Message(publication(message, position)));
        Ok(())
    }

    /// The application has handled everything up to there.
    pub(super) fn acknowledge(&mut self, position: Position) {
        let is_told =
            |stands: Position| stands.epoch == position.epoch && position.offset <= stands.offset;
        if self.position.is_some_and(is_told) {
            self.handled = self.handled.max(position.offset);
        }
    }

    /// What the server is to be told of, once: it takes no notice of what it has not sent on this connection.
    pub(super) fn take_ack(&mut self) -> Option<Position> {
        let offset = self.handled.min(self.given);
        let is_due = self.stage == Stage::Joined && self.wants_acks && offset > self.noted;
        let stands = self.position.filter(|_| is_due)?;
        self.noted = offset;
        Some(Position { offset, ..stands })
    }

    /// The connection is lost. True if the membership was.
    pub(super) fn lose(&mut self) -> bool {
        (self.given, self.noted) = (0, 0);
        let is_lost = matches!(self.stage, Stage::Asked(_) | Stage::Joined);
        if is_lost {
            self.stage = Stage::Wanted { not_before: None };
        }
        is_lost
    }

    /// One more failure in a row, and how many there were before.
    pub(super) fn fail(&mut self) -> u32 {
        let failures = self.failures;
        self.failures += 1;
        failures
    }

    /// Tells of what is missing, but for what came another way: over the connection before this one.
    fn skip(
        &mut self,
        missing: &v2::Missing,
        position: Position,
        tell: &mut dyn FnMut(RoomEvent),
    ) -> Result<(), Hole> {
        let is_same_order = missing.reason != v2::GapReason::EpochChanged;
        let stood = self
            .position
            .filter(|stood| is_same_order && stood.epoch == position.epoch);
        let next = stood.map_or(missing.from, |stood| stood.offset.saturating_add(1));
        if stood.is_some() && missing.from > next {
            return Err(Hole);
        }
        let from = missing.from.max(next);
        if stood.is_some() && from > missing.to {
            return Ok(());
        }
        if stood.is_none() {
            (self.handled, self.given, self.noted) = (0, 0, 0);
        }
        self.position = Some(position);
        tell(RoomEvent::Gap(Gap {
            from,
            to: missing.to,
            position,
            reason: missing.reason.into(),
        }));
        Ok(())
    }
}

/// A message as the application gets it.
pub(super) fn publication(message: &v2::Message<'_>, position: Position) -> Publication {
    Publication {
        room: message.room.clone(),
        position,
        event: message.event.clone(),
        data: message.data.to_bytes(),
        user: message.user.as_ref().map(v2::Words::to_arc),
        tag: message.producer.as_ref().map(v2::Words::to_arc),
        sent_at: message.sent_at,
    }
}
