//! The answers that a client waits for, in the order of its commands.

use std::collections::VecDeque;

use bytes::Bytes;

use super::calls::Calls;
use super::{Output, Ticket};
use crate::model::RoomName;
use crate::wire::RequestId;

/// What a client waits for. Whatever is decided first, answers leave in the order of the commands.
#[derive(Debug, Default)]
pub(super) struct Answers {
    queue: VecDeque<Answer>,
    /// What the application answers, in whichever order.
    pub(super) calls: Calls,
    tickets: u64,
}

#[derive(Debug)]
enum Answer {
    /// It is not known yet.
    Awaited(Box<Awaited>),
    /// It is being written.
    Decided(Ticket),
    /// It is known, and waits for those before it.
    Ready(Ready),
}

/// A command whose answer is not known yet.
#[derive(Debug)]
pub(super) struct Awaited {
    pub(super) ticket: Ticket,
    pub(super) pending: Pending,
    /// The client's name for it.
    pub(super) request: Option<RequestId>,
}

/// What a command was.
#[derive(Debug)]
pub(super) enum Pending {
    Refresh,
    Join {
        room: RoomName,
        /// Whether it said where it had been.
        since: bool,
        state: Option<Bytes>,
    },
    Leave {
        room: RoomName,
    },
    Publish {
        room: RoomName,
    },
    Cast,
    History {
        room: RoomName,
    },
    Members {
        room: RoomName,
    },
    Presence {
        room: RoomName,
    },
}

impl Pending {
    /// Whether the commands behind it may depend on what becomes of it.
    fn is_barrier(&self) -> bool {
        matches!(self, Self::Refresh | Self::Join { .. } | Self::Leave { .. })
    }
}

/// What goes out as an answer: a message, if the command has one, and then perhaps a room's life.
#[derive(Debug, Default)]
pub(super) struct Ready {
    pub(super) message: Option<Vec<u8>>,
    pub(super) follow: Option<(RoomName, Option<Bytes>)>,
}

impl Answers {
    /// A ticket that nobody else has.
    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// A command has to wait.
    pub(super) fn expect(&mut self, pending: Pending, request: Option<RequestId>) -> Ticket {
        let ticket = self.ticket();
        self.queue.push_back(Answer::Awaited(Box::new(Awaited {
            ticket,
            pending,
            request,
        })));
        ticket
    }

    /// A command is answered at once.
    pub(super) fn push(&mut self, message: Vec<u8>) {
        let ready = Ready {
            message: Some(message),
            follow: None,
        };
        self.queue.push_back(Answer::Ready(ready));
    }

    /// The command of a ticket, to be answered by [`Self::settle`]; none if it is not awaited.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<Awaited> {
        self.take_first(|awaited| awaited.ticket == ticket)
    }

    /// The refresh that waits for a verdict, to be answered by [`Self::settle`].
    pub(super) fn take_refresh(&mut self) -> Option<Awaited> {
        self.take_first(|awaited| matches!(awaited.pending, Pending::Refresh))
    }

    /// Gives a command that was taken its answer.
    pub(super) fn settle(&mut self, ticket: Ticket, ready: Ready) {
        let is_it = |answer: &&mut Answer| matches!(answer, Answer::Decided(it) if *it == ticket);
        if let Some(answer) = self.queue.iter_mut().find(is_it) {
            *answer = Answer::Ready(ready);
        }
    }

    /// Hands out what is ready, up to the first answer that is not.
    pub(super) fn drain_into(&mut self, outputs: &mut VecDeque<Output>) {
        let is_ready = |answer: &mut Answer| matches!(answer, Answer::Ready(_));
        while let Some(Answer::Ready(ready)) = self.queue.pop_front_if(is_ready) {
            outputs.extend(ready.message.map(Output::Send));
            outputs.extend(
                ready
                    .follow
                    .map(|(room, state)| Output::Follow { room, state }),
            );
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }

    /// Whether a command has to be answered before another is taken.
    pub(super) fn has_barrier(&self) -> bool {
        self.queue.iter().any(|answer| match answer {
            Answer::Awaited(awaited) => awaited.pending.is_barrier(),
            Answer::Ready(ready) => ready.follow.is_some(),
            Answer::Decided(_) => false,
        })
    }

    /// How many are waited for.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Nobody is answered any more.
    pub(super) fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.calls = Calls::default();
    }

    fn take_first(&mut self, is_it: impl Fn(&Awaited) -> bool) -> Option<Awaited> {
        let is_it = |answer: &&mut Answer| matches!(answer, Answer::Awaited(it) if is_it(it));
        let answer = self.queue.iter_mut().find(is_it)?;
        let Answer::Awaited(awaited) = answer else {
            return None;
        };
        let ticket = awaited.ticket;
        match std::mem::replace(answer, Answer::Decided(ticket)) {
            Answer::Awaited(awaited) => Some(*awaited),
            Answer::Decided(_) | Answer::Ready(_) => None,
        }
    }
}
