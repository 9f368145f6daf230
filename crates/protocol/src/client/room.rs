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
    /// What others are to see.
    pub(super) presence: Option<Bytes>,
    /// The room asks for acknowledgements.
    wants_acks: bool,
    /// The application has acknowledged everything up to this offset of the present epoch.
    acked: u64,
    /// The server is to hear of everything up to this offset.
    ack_due: Option<u64>,
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
            acked: 0,
            ack_due: None,
            failures: 0,
        }
    }

    /// How many of the newest are asked for: only while nothing is known of the room.
    pub(super) fn last(&self) -> Option<u32> {
        self.last.filter(|_| self.position.is_none())
    }

    /// The server has let the client in. What is to be told comes in the order in which it happened.
    pub(super) fn handle_joined(
        &mut self,
        joined: &v2::Joined<'_>,
        tell: &mut dyn FnMut(RoomEvent),
    ) -> Result<(), Hole> {
        self.stage = Stage::Joined;
        self.failures = 0;
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
            self.skip(missing, position, tell);
        } else if stood.is_none() {
            let first = joined.messages.first();
            self.position = Some(first.map_or(joined.position, |first| begins(first.offset - 1)));
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
        tell(RoomEvent::Status(RoomStatus::Live {
            position: self.position.unwrap_or(position),
            recovered: joined.recovered,
            wants_acks: self.wants_acks,
        }));
        Ok(())
    }

    /// The server says that publications are missing.
    pub(super) fn handle_gap(&mut self, gap: &v2::Gap, tell: &mut dyn FnMut(RoomEvent)) {
        let missing = v2::Missing {
            from: gap.from,
            to: gap.to,
            reason: gap.reason,
        };
        self.skip(&missing, gap.position, tell);
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
            self.acknowledge_again(message.offset);
            return Ok(());
        }
        if message.offset != stands.offset + 1 {
            return Err(Hole);
        }
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
        if self.position.is_some_and(|stands| {
            stands.epoch == position.epoch
                && (self.acked + 1..=stands.offset).contains(&position.offset)
        }) {
            self.acked = position.offset;
            self.ack_due = Some(position.offset);
        }
    }

    /// What the server is to be told of, once.
    pub(super) fn take_ack(&mut self) -> Option<Position> {
        let is_member = self.stage == Stage::Joined && self.wants_acks;
        let offset = self.ack_due.take_if(|_| is_member)?;
        self.position.map(|stands| Position { offset, ..stands })
    }

    /// The connection is lost. True if the membership was.
    pub(super) fn lose(&mut self) -> bool {
        self.ack_due = None;
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

    /// Sent again because an acknowledgement was late or lost: the server hears of it once more.
    fn acknowledge_again(&mut self, offset: u64) {
        if offset <= self.acked {
            self.ack_due = self.ack_due.max(Some(offset));
        }
    }

    /// Tells of what is missing, but for what came another way: over the connection before this one.
    fn skip(&mut self, missing: &v2::Missing, position: Position, tell: &mut dyn FnMut(RoomEvent)) {
        let is_same_order = missing.reason != v2::GapReason::EpochChanged;
        let stood = self
            .position
            .filter(|stood| is_same_order && stood.epoch == position.epoch);
        let from = stood.map_or(missing.from, |stood| missing.from.max(stood.offset + 1));
        if stood.is_some() && from > missing.to {
            return;
        }
        if stood.is_none() {
            self.acked = 0;
            self.ack_due = None;
        }
        self.position = Some(position);
        tell(RoomEvent::Gap(Gap {
            from,
            to: missing.to,
            position,
            reason: missing.reason.into(),
        }));
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
