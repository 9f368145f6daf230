//! What goes out on the connection, and how fast.

use std::time::{Duration, Instant};

use super::Session;
use crate::client::casts::Outgoing;
use crate::client::line::Live;
use crate::client::room::Stage as Membership;
use crate::client::{CallError, Line, Output, Ticket};
use crate::model::{Bucket, Rate};
use crate::wire::RequestId;
use crate::wire::v2::{Ack, Cast, ClientMessage, Data, Empty, Envelope, Label, Leave};

/// While so many bytes wait to be written, nothing more is added that can wait.
const BACKLOG_MAX: usize = 64 * 1024;
const TOO_LARGE: &str = "it is larger than the server takes (welcome.limits.messageBytes)";

impl Session {
    /// So many bytes wait to be written on a connection.
    pub fn handle_backlog(&mut self, now: Instant, line: Line, bytes: usize) {
        if let Some(live) = self.live_on(line) {
            live.backlog = bytes;
            self.go_on(now);
        }
    }

    /// Says something on the present connection, at once.
    pub(super) fn say(&mut self, envelope: &Envelope<ClientMessage<'_>>) {
        let message = envelope.encode(self.settings.encoding);
        self.send(message);
    }

    fn send(&mut self, message: Vec<u8>) {
        if let Some(live) = &mut self.lines.live {
            live.backlog += message.len();
            let line = live.line;
            self.outputs.push_back(Output::Send { line, message });
        }
    }

    /// Everything that waits and may leave now.
    pub(super) fn send_what_may_leave(&mut self, now: Instant) {
        if self.lines.live.is_none() {
            return;
        }
        for (room, position) in self.rooms.take_acks() {
            let ack = Ack {
                room,
                epoch: position.epoch,
                offset: position.offset,
            };
            self.say(&ClientMessage::Ack(ack).into());
        }
        self.send_leaves(now);
        self.send_joins(now);
        self.send_calls(now);
        self.send_publications(now);
        self.send_casts(now);
    }

    fn send_leaves(&mut self, now: Instant) {
        while self.rooms.next_leave().is_some() && self.may(now, Kind::Join) {
            let Some(room) = self.rooms.take_leave() else {
                return;
            };
            self.say(&ClientMessage::Leave(Leave { room }).into());
        }
    }

    fn send_joins(&mut self, now: Instant) {
        while let Some(name) = self.rooms.next_join(now) {
            if !self.may(now, Kind::Join) {
                return;
            }
            let number = self.next_number();
            let Some(message) = self.rooms.join_message(&name) else {
                return;
            };
            let message = numbered(message, number).encode(self.settings.encoding);
            self.send(message);
            if let Some(room) = self.rooms.get_mut(&name) {
                room.stage = Membership::Asked(number);
            }
        }
    }

    fn send_calls(&mut self, now: Instant) {
        while self.calls.has_unwanted() && self.may(now, Kind::Request) {
            if let Some(ticket) = self.calls.pop_unwanted() {
                self.say(&numbered(ClientMessage::Cancel(Empty {}), ticket));
            }
        }
        while let Some(ticket) = self.calls.next() {
            if !self.may(now, Kind::Request) {
                return;
            }
            let Some(message) = self.calls.message(ticket) else {
                return;
            };
            let message = numbered(message, ticket).encode(self.settings.encoding);
            if message.len() > self.terms.message_bytes_max {
                self.calls.take(ticket);
                let unsent = Err(CallError::NotSent(TOO_LARGE));
                self.outputs.push_back(Output::Answered(ticket, unsent));
                continue;
            }
            self.send(message);
            self.calls.sent(ticket);
        }
    }

    fn send_publications(&mut self, now: Instant) {
        while let Some(ticket) = self.publications.next(now) {
            if !self.may(now, Kind::Publish) {
                return;
            }
            let Some(message) = self.publications.message(ticket) else {
                return;
            };
            let message = numbered(message, ticket).encode(self.settings.encoding);
            if message.len() > self.terms.message_bytes_max {
                let rejected = self.publications.reject(ticket, TOO_LARGE);
                let settled = rejected.map(|error| Output::Published(ticket, Err(error)));
                self.outputs.extend(settled);
                continue;
            }
            self.send(message);
            self.publications.sent(ticket);
        }
    }

    /// Behind everything else: of casts, the newest is worth most.
    fn send_casts(&mut self, now: Instant) {
        while !self.casts.is_empty() && self.may(now, Kind::Publish) {
            let Some(cast) = self.casts.pop() else {
                return;
            };
            let message = Envelope::from(relayed(&cast)).encode(self.settings.encoding);
            if message.len() <= self.terms.message_bytes_max {
                self.send(message);
            }
        }
    }

    /// Takes one of what the server allows of this kind, if there is one left and room to write it.
    fn may(&mut self, now: Instant, kind: Kind) -> bool {
        let rate = self.rate(kind);
        self.lines.live.as_mut().is_some_and(|live| {
            live.backlog < BACKLOG_MAX && kind.bucket(live).take(now, rate).is_ok()
        })
    }

    fn rate(&self, kind: Kind) -> Option<Rate> {
        match kind {
            Kind::Join => self.terms.join,
            Kind::Request => self.terms.request,
            Kind::Publish => self.terms.publish,
        }
    }

    /// When something that waits may leave. What waits for room to be written hears of that from the driver.
    pub(super) fn sending_at(&self, live: &Live, now: Instant) -> Option<Instant> {
        if live.backlog >= BACKLOG_MAX {
            return None;
        }
        let allowed = |kind: Kind| {
            let mut bucket = kind.peek(live);
            let wait = bucket.take(now, self.rate(kind)).err();
            now + wait.unwrap_or(Duration::ZERO)
        };
        let is_publishing = self.publications.next(now).is_some() || !self.casts.is_empty();
        let is_joining = self.rooms.next_leave().is_some() || self.rooms.next_join(now).is_some();
        let is_asking = self.calls.next().is_some() || self.calls.has_unwanted();
        let ready = [
            (is_joining, Kind::Join),
            (is_asking, Kind::Request),
            (is_publishing, Kind::Publish),
        ];
        let ready = ready.into_iter().filter(|(waits, _)| *waits);
        let later = [
            self.publications.next_deferred(now),
            self.rooms.next_timeout(now),
        ];
        ready
            .map(|(_, kind)| allowed(kind))
            .chain(later.into_iter().flatten())
            .min()
    }
}

/// What the server counts by itself.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Join,
    Request,
    Publish,
}

impl Kind {
    fn bucket(self, live: &mut Live) -> &mut Bucket {
        match self {
            Self::Join => &mut live.allowance.join,
            Self::Request => &mut live.allowance.request,
            Self::Publish => &mut live.allowance.publish,
        }
    }

    fn peek(self, live: &Live) -> Bucket {
        match self {
            Self::Join => live.allowance.join,
            Self::Request => live.allowance.request,
            Self::Publish => live.allowance.publish,
        }
    }
}

pub(super) fn numbered(message: ClientMessage<'_>, number: Ticket) -> Envelope<ClientMessage<'_>> {
    Envelope {
        message,
        request: Some(RequestId::of_number(number.0)),
    }
}

fn relayed(cast: &Outgoing) -> ClientMessage<'_> {
    ClientMessage::Cast(Cast {
        room: cast.room.clone(),
        event: cast.event.clone(),
        data: Data::parse(&cast.data).unwrap_or(Data::NULL),
        conflate: cast.conflate.as_deref().and_then(Label::new),
    })
}
