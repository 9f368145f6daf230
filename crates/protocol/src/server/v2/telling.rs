//! What the client is told.

use std::time::Duration;

use super::session::{Session, Stage};
use super::{Entered, Output};
use crate::model::{Acks, Member, RoomName};
use crate::server::Now;
use crate::wire::v2::{
    Acknowledging, Answer, Encoding, Envelope, Joined, Member as Present, Message, Missing,
    ServerMessage, answer, answer_stranger, bye,
};
use crate::wire::{Close, CloseCode, Refusal, RequestId};

impl Session {
    /// Says something that answers nothing.
    pub(super) fn send(&mut self, message: ServerMessage<'_>) {
        self.send_for(message, None);
    }

    /// Says something at once, whatever else is waited for.
    pub(super) fn send_for(&mut self, message: ServerMessage<'_>, request: Option<&RequestId>) {
        let bytes = self.bytes(message, request);
        self.outputs.push_back(Output::Send(bytes));
    }

    /// Answers a command when those before it are answered.
    pub(super) fn answer(&mut self, message: ServerMessage<'_>, request: Option<&RequestId>) {
        let bytes = self.bytes(message, request);
        self.answers.push(bytes);
    }

    pub(super) fn bytes(&self, message: ServerMessage<'_>, request: Option<&RequestId>) -> Vec<u8> {
        encoded(self.accepted.encoding, message, request)
    }

    pub(super) fn observe(&mut self, refusal: &Refusal) {
        self.outputs.push_back(Output::Refused(refusal.clone()));
    }

    /// Tells why not, in the place of the answer. A client that has been told too often is ended.
    pub(super) fn refuse(&mut self, now: Now, refusal: &Refusal, request: Option<&RequestId>) {
        if let Some(bytes) = self.refusal(now, refusal, request) {
            self.answers.push(bytes);
        }
    }

    /// The `error` that tells why not; none if the connection has ended instead.
    pub(super) fn refusal(
        &mut self,
        now: Now,
        refusal: &Refusal,
        request: Option<&RequestId>,
    ) -> Option<Vec<u8>> {
        if self.is_closed() {
            return None;
        }
        self.observe(refusal);
        let answer = if self.stage == Stage::Open {
            answer(refusal)
        } else {
            Answer::Close(answer_stranger(refusal))
        };
        match answer {
            Answer::Close(close) => self.close(close),
            Answer::Error(_) if !self.allowance.refusal(now, &self.settings) => {
                self.end_for(&Refusal::RefusedTooOften);
            }
            Answer::Error(failure) => {
                return Some(self.bytes(ServerMessage::Error(failure), request));
            }
        }
        None
    }

    /// Ends the connection because of this.
    pub(super) fn end_for(&mut self, refusal: &Refusal) {
        if !self.is_closed() {
            self.observe(refusal);
            self.close(answer_stranger(refusal));
        }
    }

    /// An answer came to something else: whatever is done now would be a guess.
    pub(super) fn confuse(&mut self) {
        self.close(Close::new(CloseCode::ServerError));
    }

    /// Says `bye`, and ends the connection.
    pub(super) fn close(&mut self, close: Close) {
        self.close_for(close, None);
    }

    /// The same, and the client is to come back no sooner than `after`.
    pub(super) fn close_for(&mut self, close: Close, after: Option<Duration>) {
        let has_to_wait = matches!(
            close.code,
            CloseCode::TryAgainLater | CloseCode::LimitReached
        );
        let after = after.or_else(|| has_to_wait.then_some(self.settings.v2.come_back_after));
        let bye = self.bytes(ServerMessage::Bye(bye(close.code, after)), None);
        self.stage = Stage::Closed;
        self.answers.clear();
        self.greeting = None;
        self.outputs.push_back(Output::Close(bye, close));
    }
}

fn encoded(encoding: Encoding, message: ServerMessage<'_>, request: Option<&RequestId>) -> Vec<u8> {
    let request = request.cloned();
    Envelope { message, request }.encode(encoding)
}

/// The answer to a join: the room as it was when it was joined.
pub(super) fn joined<'a>(
    room: &RoomName,
    had_since: bool,
    entered: &'a Entered,
    acks: Option<Acks>,
) -> Joined<'a> {
    Joined {
        room: room.clone(),
        position: entered.position,
        recovered: had_since && entered.gap.is_none(),
        messages: entered
            .messages
            .iter()
            .map(|it| Message::from(&**it))
            .collect(),
        more: entered.more,
        members: entered.members.as_deref().map(grouped),
        gap: entered.gap.map(Missing::from),
        ack: acks.map(|acks| Acknowledging {
            timeout_ms: u64::try_from(acks.timeout.as_millis()).unwrap_or(u64::MAX),
            in_flight: acks.in_flight_max,
        }),
    }
}

/// Members, those of one user together, in the order in which each user's first one came.
pub(super) fn grouped(members: &[Member]) -> Vec<Present<'_>> {
    let mut users: Vec<&str> = Vec::new();
    let mut grouped: Vec<(usize, &Member)> = Vec::new();
    for member in members {
        let known = users.iter().position(|user| **user == *member.user);
        let at = known.unwrap_or_else(|| {
            users.push(&member.user);
            users.len() - 1
        });
        grouped.push((at, member));
    }
    grouped.sort_by_key(|(user, _)| *user);
    grouped
        .into_iter()
        .map(|(_, member)| member.into())
        .collect()
}
