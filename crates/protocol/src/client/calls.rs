//! Questions that wait for their answers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::Ticket;
use super::room::publication;
use super::rooms::STATE_BYTES_MAX;
use crate::model::{Member, Position, Publication, RoomName};
use crate::wire::v2::{
    ClientMessage, Data, Label, Part, Presence, ReadHistory, ReadMembers, Request,
};
use crate::wire::{ErrorCode, v2};

/// So many questions may wait for their answers, sent or not; one more is refused at once.
const CALLS_MAX: usize = 64;
/// So many are on their way at once: below the server's bound of 32 for requests.
const IN_FLIGHT_MAX: usize = 16;

/// A question.
#[derive(Debug, Clone)]
pub enum Question {
    /// A page of a room's past.
    History {
        /// The room.
        room: RoomName,
        /// Which part of it.
        part: Part,
        /// The most messages.
        limit: u32,
    },
    /// Who is present.
    Members {
        /// The room.
        room: RoomName,
    },
    /// Show this to others.
    Presence {
        /// The room.
        room: RoomName,
        /// One JSON value.
        state: Bytes,
    },
    /// Ask the application's backend.
    Request {
        /// What is asked.
        method: Arc<str>,
        /// With what: one JSON value.
        data: Bytes,
    },
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To [`Question::History`].
    History(HistoryPage),
    /// To [`Question::Members`]; those of one user stand together.
    Members(Vec<Member>),
    /// To [`Question::Presence`]: others see it.
    PresenceSet,
    /// To [`Question::Request`]: one JSON value.
    Response(Bytes),
}

/// A page of a room's past.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// Where the room stands.
    pub position: Position,
    /// Oldest first.
    pub messages: Vec<Publication>,
    /// Whether there is more in that direction.
    pub more: bool,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It has left this client never.
    #[error("not sent: {0}")]
    NotSent(&'static str),
    /// What was asked for may have been done or not.
    #[error("it is not known whether it was done: {0}")]
    Unknown(&'static str),
    /// The server has refused it.
    #[error("refused with {}: {message}", code.name())]
    Refused {
        /// Why, for programs.
        code: ErrorCode,
        /// Why and what to do, for people.
        message: String,
        /// Whether the same may succeed later.
        retryable: bool,
    },
}

/// All questions that wait, in their order.
#[derive(Debug, Default)]
pub(super) struct Calls {
    waiting: BTreeMap<Ticket, Call>,
    in_flight: usize,
    /// Requests whose answers nobody wants any more, which the server is to hear: it counts that as a request, too.
    unwanted: VecDeque<Ticket>,
}

#[derive(Debug)]
struct Call {
    question: Question,
    until: Instant,
    is_in_flight: bool,
    /// What others were to see before, where this changes it.
    before: Option<Bytes>,
}

/// What became of a question.
pub(super) type Settled = (Ticket, Result<Answer, CallError>);

impl Calls {
    pub(super) fn push(
        &mut self,
        ticket: Ticket,
        question: Question,
        until: Instant,
    ) -> Result<(), CallError> {
        if self.waiting.len() >= CALLS_MAX {
            return Err(CallError::NotSent("too many questions wait for answers"));
        }
        question.check()?;
        let call = Call {
            question,
            until,
            is_in_flight: false,
            before: None,
        };
        self.waiting.insert(ticket, call);
        Ok(())
    }

    /// The next that may be sent.
    pub(super) fn next(&self) -> Option<Ticket> {
        if self.in_flight >= IN_FLIGHT_MAX || self.in_flight == self.waiting.len() {
            return None;
        }
        let unsent = |(_, call): &(&Ticket, &Call)| !call.is_in_flight;
        self.waiting.iter().find(unsent).map(|(ticket, _)| *ticket)
    }

    pub(super) fn message(&self, ticket: Ticket) -> Option<ClientMessage<'_>> {
        Some(self.waiting.get(&ticket)?.question.message())
    }

    pub(super) fn sent(&mut self, ticket: Ticket) {
        if let Some(call) = self.waiting.get_mut(&ticket) {
            call.is_in_flight = true;
            self.in_flight += 1;
        }
    }

    /// Takes it out. None if nobody waits for it any more; otherwise whether it was on its way.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<bool> {
        let call = self.waiting.remove(&ticket)?;
        self.in_flight -= usize::from(call.is_in_flight);
        Some(call.is_in_flight)
    }

    /// What others were to see before a question, which is shown again if the server refuses it.
    pub(super) fn replaces(&mut self, ticket: Ticket, before: Option<Bytes>) {
        if let Some(call) = self.waiting.get_mut(&ticket) {
            call.before = before;
        }
    }

    /// What others are to see by a question, in which room, and what they were to see before.
    pub(super) fn shown(&self, ticket: Ticket) -> Option<(RoomName, Bytes, Option<Bytes>)> {
        let call = self.waiting.get(&ticket)?;
        let (room, state) = call.question.shown()?;
        Some((room, state, call.before.clone()))
    }

    /// Nobody waits for the answer any more.
    pub(super) fn cancel(&mut self, ticket: Ticket) {
        let is_request = |call: &Call| matches!(call.question, Question::Request { .. });
        let is_heard = self.waiting.get(&ticket).is_some_and(is_request);
        if self.take(ticket) == Some(true) && is_heard && self.unwanted.len() < CALLS_MAX {
            self.unwanted.push_back(ticket);
        }
    }

    /// Whether the server is to hear of requests that nobody wants answered.
    pub(super) fn has_unwanted(&self) -> bool {
        !self.unwanted.is_empty()
    }

    pub(super) fn pop_unwanted(&mut self) -> Option<Ticket> {
        self.unwanted.pop_front()
    }

    /// The connection is lost. What only reads is asked again.
    pub(super) fn lose(&mut self) -> Vec<Settled> {
        self.unwanted.clear();
        self.in_flight = 0;
        let lost = |_: &Ticket, call: &mut Call| {
            let is_request = matches!(call.question, Question::Request { .. });
            std::mem::take(&mut call.is_in_flight) && is_request
        };
        let why = "the connection was lost before the answer came";
        self.waiting
            .extract_if(.., lost)
            .map(|(ticket, _)| (ticket, Err(CallError::Unknown(why))))
            .collect()
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Settled> {
        let is_late = |call: &Call| {
            call.until <= now
                && call.is_in_flight
                && matches!(call.question, Question::Request { .. })
        };
        let late = self.waiting.iter().filter(|(_, call)| is_late(call));
        let free = CALLS_MAX.saturating_sub(self.unwanted.len());
        self.unwanted
            .extend(late.map(|(ticket, _)| *ticket).take(free));
        self.give_up(|call| call.until <= now, "no answer came in time")
    }

    /// Nothing more is sent.
    pub(super) fn end(&mut self, why: &'static str) -> Vec<Settled> {
        self.give_up(|_| true, why)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.waiting.values().map(|call| call.until).min()
    }

    fn give_up(&mut self, is_over: impl Fn(&Call) -> bool, why: &'static str) -> Vec<Settled> {
        let over: Vec<_> = self
            .waiting
            .extract_if(.., |_, call| is_over(call))
            .collect();
        let settled = over.into_iter().map(|(ticket, call)| {
            self.in_flight -= usize::from(call.is_in_flight);
            let error = if call.is_in_flight {
                CallError::Unknown(why)
            } else {
                CallError::NotSent(why)
            };
            (ticket, Err(error))
        });
        settled.collect()
    }
}

impl Question {
    /// What others are to see by this, and in which room.
    pub(super) fn shown(&self) -> Option<(RoomName, Bytes)> {
        match self {
            Self::Presence { room, state } => Some((room.clone(), state.clone())),
            Self::History { .. } | Self::Members { .. } | Self::Request { .. } => None,
        }
    }

    fn check(&self) -> Result<(), CallError> {
        let data = match self {
            Self::History { .. } | Self::Members { .. } => return Ok(()),
            Self::Presence { state, .. } if state.len() > STATE_BYTES_MAX => {
                return Err(CallError::NotSent("a presence state has at most 2 KiB"));
            }
            Self::Presence { state, .. } => state,
            Self::Request { method, data } => {
                if Label::new(&**method).is_none() {
                    return Err(CallError::NotSent("a method has 1 to 64 characters"));
                }
                data
            }
        };
        match Data::parse(data) {
            Ok(_) => Ok(()),
            Err(_) => Err(CallError::NotSent(
                "the data is not one JSON value that nests at most 32 levels",
            )),
        }
    }

    fn message(&self) -> ClientMessage<'_> {
        match self {
            Self::History { room, part, limit } => {
                let (before, after) = match *part {
                    Part::Newest => (None, None),
                    Part::Before(offset) => (Some(offset), None),
                    Part::After(position) => (None, Some(position)),
                };
                ClientMessage::History(ReadHistory {
                    room: room.clone(),
                    before,
                    after,
                    limit: *limit,
                })
            }
            Self::Members { room } => ClientMessage::Members(ReadMembers { room: room.clone() }),
            Self::Presence { room, state } => ClientMessage::Presence(Presence {
                room: room.clone(),
                state: Data::parse(state).unwrap_or(Data::NULL),
            }),
            Self::Request { method, data } => ClientMessage::Request(Request {
                method: Label::new(&**method).expect("checked when it was asked"),
                data: Data::parse(data).ok(),
            }),
        }
    }
}

impl From<&v2::History<'_>> for HistoryPage {
    fn from(history: &v2::History<'_>) -> Self {
        let place = |message: &v2::Message<'_>| {
            let position = Position {
                epoch: history.position.epoch,
                offset: message.offset,
                id: message.id,
            };
            publication(message, position)
        };
        Self {
            position: history.position,
            messages: history.messages.iter().map(place).collect(),
            more: history.more,
        }
    }
}

impl From<&v2::Failure<'_>> for CallError {
    fn from(failure: &v2::Failure<'_>) -> Self {
        if failure.code == ErrorCode::Timeout {
            return Self::Unknown("the backend had no answer in time");
        }
        Self::Refused {
            code: failure.code,
            message: failure.message.as_str().to_owned(),
            retryable: failure.retryable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and there is no other way to get one"
    )]
    fn a_request_that_is_not_answered_in_time_is_taken_back() {
        let start = Instant::now();
        let request = || Question::Request {
            method: "m".into(),
            data: Bytes::from_static(b"1"),
        };
        let room = RoomName::parse("a").unwrap();
        let mut calls = Calls::default();
        for (number, question) in [
            (1, request()),
            (2, Question::Members { room }),
            (3, request()),
        ] {
            calls.push(Ticket(number), question, start).unwrap();
        }
        calls.sent(Ticket(1));
        calls.sent(Ticket(2));
        assert_eq!(calls.expire(start).len(), 3);
        assert_eq!(calls.pop_unwanted(), Some(Ticket(1)));
        assert!(!calls.has_unwanted(), "what only reads, or never left");
    }
}
