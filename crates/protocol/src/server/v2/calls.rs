//! What a client has asked the application, and waits for.

use std::time::Instant;

use super::Ticket;
use crate::wire::RequestId;

/// Requests that are not answered, in the order in which their time ends: all have the same.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Calling>);

#[derive(Debug)]
struct Calling {
    ticket: Ticket,
    /// The client's name for it.
    request: RequestId,
    until: Instant,
}

impl Calls {
    /// Waits for an answer until then, which is no earlier than for those before.
    pub(super) fn add(&mut self, ticket: Ticket, request: RequestId, until: Instant) {
        self.0.push(Calling {
            ticket,
            request,
            until,
        });
    }

    /// The request of a ticket, which is waited for no more; none if it was not.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<RequestId> {
        let at = self.0.iter().position(|calling| calling.ticket == ticket)?;
        Some(self.0.remove(at).request)
    }

    /// One of the requests that the client calls so, which is waited for no more.
    pub(super) fn cancel(&mut self, request: &RequestId) -> Option<Ticket> {
        let is_it = |calling: &Calling| calling.request == *request;
        let at = self.0.iter().position(is_it)?;
        Some(self.0.remove(at).ticket)
    }

    /// A request whose time is over, which is waited for no more.
    pub(super) fn pop_ended(&mut self, now: Instant) -> Option<(Ticket, RequestId)> {
        let has_ended = self.0.first()?.until <= now;
        has_ended.then(|| {
            let ended = self.0.remove(0);
            (ended.ticket, ended.request)
        })
    }

    /// When the time of the next one is over.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.0.first().map(|calling| calling.until)
    }

    /// How many are waited for.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
