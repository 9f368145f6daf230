//! What a client has received, on its way to be noted.

use super::{Ask, Ticket};
use crate::model::{Epoch, RoomName};

/// Acknowledgements on their way: one at a time for each room, and of those that come meanwhile the last.
#[derive(Debug, Default)]
pub(super) struct Acks(Vec<Noting>);

#[derive(Debug)]
struct Noting {
    ticket: Ticket,
    room: RoomName,
    next: Option<(Epoch, u64)>,
}

impl Acks {
    /// The client has received everything up to there. Answers what to ask now, if anything.
    pub(super) fn add(
        &mut self,
        ticket: Ticket,
        room: RoomName,
        (epoch, offset): (Epoch, u64),
    ) -> Option<Ask> {
        if let Some(noting) = self.0.iter_mut().find(|noting| noting.room == room) {
            noting.next = Some(match noting.next {
                Some((known, later)) if known == epoch => (epoch, later.max(offset)),
                _ => (epoch, offset),
            });
            return None;
        }
        self.0.push(Noting {
            ticket,
            room: room.clone(),
            next: None,
        });
        Some(Ask::Ack {
            room,
            epoch,
            offset,
        })
    }

    /// Whether it is the ticket of an acknowledgement on its way.
    pub(super) fn has(&self, ticket: Ticket) -> bool {
        self.0.iter().any(|noting| noting.ticket == ticket)
    }

    /// The acknowledgement of a ticket is noted, or was not: the next one says more. Answers what to ask with the
    /// `next` ticket, if anything.
    pub(super) fn settle(&mut self, ticket: Ticket, next: Ticket) -> Option<Ask> {
        let at = self.0.iter().position(|noting| noting.ticket == ticket)?;
        let noting = self.0.get_mut(at)?;
        let Some((epoch, offset)) = noting.next.take() else {
            self.0.swap_remove(at);
            return None;
        };
        noting.ticket = next;
        let room = noting.room.clone();
        Some(Ask::Ack {
            room,
            epoch,
            offset,
        })
    }

    /// In how many rooms something is on its way.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
