//! How a command goes on when it is decided.

use super::answers::{Awaited, Pending, Ready};
use super::session::Session;
use super::telling::{grouped, joined};
use super::{Ask, Entered, Output, Reply, Ticket};
use crate::model::{Action, Identity, RoomName};
use crate::server::session::why;
use crate::server::{Denied, Now};
use crate::wire::v2::{
    History, Left, Members, Message, PresenceSet, Published, Refreshed, Removed, ServerMessage,
    Words,
};
use crate::wire::{ErrorCode, Refusal, RequestId};

impl Session {
    /// The token of a `refresh` was checked.
    pub(super) fn refreshed(&mut self, now: Now, verdict: Result<Identity, Denied>) {
        let Some(Awaited {
            ticket, request, ..
        }) = self.answers.take_refresh()
        else {
            return;
        };
        let refusal = match verdict {
            Ok(identity) if self.is_someone_else(&identity) => Refusal::OtherUser,
            Ok(identity) => {
                self.know(now, identity);
                let token_ttl_ms = self.token_ttl_ms(now);
                let refreshed = ServerMessage::Refreshed(Refreshed { token_ttl_ms });
                let bytes = self.bytes(refreshed, request.as_ref());
                self.settle(ticket, Some(bytes));
                return self.leave_what_is_forbidden();
            }
            Err(denied) => why(denied),
        };
        let bytes = self.refusal(now, &refusal, request.as_ref());
        self.settle(ticket, bytes);
    }

    /// Ends the memberships that a new token does not allow.
    fn leave_what_is_forbidden(&mut self) {
        let is_allowed = |room: &RoomName| self.may(room, Action::Join);
        let (kept, lost): (Vec<_>, Vec<_>) = self.rooms.iter().cloned().partition(is_allowed);
        if lost.is_empty() {
            return;
        }
        self.rooms = kept;
        // Behind the answer to the refresh.
        self.answers.drain_into(&mut self.outputs);
        for room in lost {
            let ticket = self.answers.ticket();
            let ask = Ask::Leave { room: room.clone() };
            self.outputs.push_back(Output::Ask(ticket, ask));
            self.send(ServerMessage::Removed(Removed {
                room,
                code: ErrorCode::Forbidden,
                message: Words::from("the new token does not allow this room; use one that does"),
            }));
        }
    }

    pub(super) fn resume(&mut self, now: Now, ticket: Ticket, reply: Reply) {
        if self.acks.has(ticket) {
            let next = self.answers.ticket();
            let ask = self.acks.settle(ticket, next);
            self.outputs.extend(ask.map(|ask| Output::Ask(next, ask)));
            return;
        }
        let Some(awaited) = self.answers.take(ticket) else {
            return;
        };
        let Awaited {
            pending, request, ..
        } = awaited;
        match (pending, reply) {
            (_, Reply::Failed { code, message }) => {
                let message = message.into();
                let refusal = Refusal::Failed { code, message };
                let bytes = self.refusal(now, &refusal, request.as_ref());
                self.settle(ticket, bytes);
            }
            (Pending::Join { room, since, state }, Reply::Joined(entered)) => {
                let message = Some(self.enter_room(&room, since, &entered, request.as_ref()));
                let follow = Some((room, state));
                self.answers.settle(ticket, Ready { message, follow });
            }
            (Pending::Publish { room }, Reply::TooOften { wait }) => {
                let refusal = Refusal::RoomTooOften { room, wait };
                let bytes = self.refusal(now, &refusal, request.as_ref());
                self.settle(ticket, bytes);
            }
            (Pending::Cast, Reply::Relayed) => self.settle(ticket, None),
            (pending, reply) => match self.answered(pending, &reply) {
                Some(message) => {
                    let bytes = self.bytes(message, request.as_ref());
                    self.settle(ticket, Some(bytes));
                }
                None => self.confuse(),
            },
        }
    }

    fn enter_room(
        &mut self,
        room: &RoomName,
        since: bool,
        entered: &Entered,
        request: Option<&RequestId>,
    ) -> Vec<u8> {
        if !self.rooms.contains(room) {
            self.rooms.push(room.clone());
        }
        let joined = ServerMessage::Joined(joined(room, since, entered, self.acks_of(room)));
        self.bytes(joined, request)
    }

    /// The answer to a command; none if the reply is of another kind.
    fn answered<'a>(&mut self, pending: Pending, reply: &'a Reply) -> Option<ServerMessage<'a>> {
        Some(match (pending, reply) {
            (Pending::Leave { room }, Reply::Left) => {
                self.rooms.retain(|other| *other != room);
                ServerMessage::Left(Left { room })
            }
            (Pending::Publish { .. }, Reply::Published(placed)) => {
                ServerMessage::Published(Published {
                    epoch: placed.position.epoch,
                    offset: placed.position.offset,
                    id: placed.position.id,
                    duplicate: placed.duplicate,
                    level: placed.level,
                })
            }
            (Pending::History { room }, Reply::History(past)) => ServerMessage::History(History {
                room,
                position: past.position,
                messages: past
                    .messages
                    .iter()
                    .map(|it| Message::from(&**it))
                    .collect(),
                more: past.more,
            }),
            (Pending::Members { room }, Reply::Members(members)) => {
                let members = grouped(members);
                ServerMessage::Members(Members { room, members })
            }
            (Pending::Presence { room }, Reply::PresenceSet) => {
                ServerMessage::PresenceSet(PresenceSet { room })
            }
            _ => return None,
        })
    }

    fn settle(&mut self, ticket: Ticket, message: Option<Vec<u8>>) {
        let follow = None;
        self.answers.settle(ticket, Ready { message, follow });
    }
}
