//! What was published and is not acknowledged: one queue in the order of the application's calls.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::{QueueBounds, Ticket};
use crate::model::{EventName, Position, RoomName};
use crate::wire::v2::{ClientMessage, Data, KeyText, Level, Publish};
use crate::wire::{ErrorCode, v2};

/// So many publications at most are on their way at once: half of what a server keeps waiting, so that the
/// rest of what a client says is not held up behind them.
const IN_FLIGHT_MAX: usize = 16;
/// A publication that was on its way at so many failures of the server is not sent again.
const CRASHES_MAX: u8 = 2;

/// Something to be published.
#[derive(Clone)]
pub struct Draft {
    /// To which room.
    pub room: RoomName,
    /// What kind of publication it is.
    pub event: EventName,
    /// One JSON value.
    pub data: Bytes,
    /// Makes it recognizable beyond the life of this client, 1 to 128 characters. Otherwise it has a key that is this
    /// client's alone.
    pub key: Option<Arc<str>>,
}

/// The place that a publication has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// The place.
    pub position: Position,
    /// Whether an earlier publication with the same key already had it.
    pub duplicate: bool,
    /// What it has survived.
    pub level: Level,
}

/// Why a publication failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// It was not published: it has never left this client, or the server has put it off. Publishing it again publishes
    /// it once.
    #[error("not sent: {0}")]
    NotSent(&'static str),
    /// It may have been published or not. Publishing it again with the same key publishes it once.
    #[error("it is not known whether it was published: {0}")]
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

/// The queue.
#[derive(Debug)]
pub(super) struct Publications {
    bounds: QueueBounds,
    /// In the order of the calls.
    waiting: VecDeque<Waiting>,
    bytes: usize,
    in_flight: usize,
    /// Publications that the server has put off.
    deferred: usize,
}

/// A publication that is not acknowledged.
#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    draft: Draft,
    key: Arc<str>,
    expires_at: Instant,
    /// On its way, on the present connection.
    is_in_flight: bool,
    /// It was on its way when a connection was lost: nobody knows whether it has arrived.
    is_uncertain: bool,
    /// The server wants it no sooner.
    not_before: Option<Instant>,
    crashes: u8,
}

/// What became of a publication.
pub(super) type Settled = (Ticket, Result<Acknowledged, PublishError>);

impl Publications {
    pub(super) fn new(bounds: QueueBounds) -> Self {
        Self {
            bounds,
            waiting: VecDeque::new(),
            bytes: 0,
            in_flight: 0,
            deferred: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes one in, behind all others.
    pub(super) fn push(
        &mut self,
        now: Instant,
        ticket: Ticket,
        draft: Draft,
        producer: &str,
    ) -> Result<(), PublishError> {
        if draft.data.len() > self.bounds.bytes_max {
            return Err(PublishError::NotSent(
                "it is larger than all that may wait to be published",
            ));
        }
        let is_full = self.waiting.len() >= self.bounds.messages_max
            || self.bytes + draft.data.len() > self.bounds.bytes_max;
        if is_full {
            return Err(PublishError::NotSent(
                "too much waits to be published already; wait for what was published before",
            ));
        }
        if Data::parse(&draft.data).is_err() {
            return Err(PublishError::NotSent(
                "the data is not one JSON value that nests at most 32 levels",
            ));
        }
        let key = match &draft.key {
            Some(key) if KeyText::new(&**key).is_none() => {
                return Err(PublishError::NotSent("a key has 1 to 128 characters"));
            }
            Some(key) => Arc::clone(key),
            None => format!("{producer}:{}", ticket.0).into(),
        };
        self.bytes += draft.data.len();
        self.waiting.push_back(Waiting {
            ticket,
            draft,
            key,
            expires_at: now + self.bounds.ttl,
            is_in_flight: false,
            is_uncertain: false,
            not_before: None,
            crashes: 0,
        });
        Ok(())
    }

    /// The next that may be sent, as its ticket.
    ///
    /// In a room nothing overtakes: while one is put off, what is behind it waits, and it waits itself for what had left
    /// before that was known.
    pub(super) fn next(&self, now: Instant) -> Option<Ticket> {
        if self.in_flight >= IN_FLIGHT_MAX {
            return None;
        }
        if self.deferred == 0 {
            let mut waiting = self.waiting.iter();
            let next = waiting.find(|waiting| !waiting.is_in_flight);
            return next.map(|waiting| waiting.ticket);
        }
        let is_free = |(at, waiting): &(usize, &Waiting)| {
            let of_same_room = |other: &&Waiting| other.draft.room == waiting.draft.room;
            let mut before = self.waiting.iter().take(*at).filter(of_same_room);
            let mut behind = self.waiting.iter().skip(at + 1).filter(of_same_room);
            !waiting.is_in_flight
                && waiting.not_before.is_none_or(|at| at <= now)
                && before.all(|other| other.is_in_flight)
                && behind.all(|other| !other.is_in_flight)
        };
        let next = self.waiting.iter().enumerate().find(is_free);
        next.map(|(_, waiting)| waiting.ticket)
    }

    /// The message that publishes one.
    pub(super) fn message(&self, ticket: Ticket) -> Option<ClientMessage<'_>> {
        let waiting = self.waiting.get(self.find(ticket)?)?;
        Some(ClientMessage::Publish(Publish {
            room: waiting.draft.room.clone(),
            event: waiting.draft.event.clone(),
            data: Data::parse(&waiting.draft.data).unwrap_or(Data::NULL),
            key: KeyText::new(&*waiting.key),
        }))
    }

    /// It is on its way.
    pub(super) fn sent(&mut self, ticket: Ticket) {
        let Some(waiting) = self.find(ticket).and_then(|at| self.waiting.get_mut(at)) else {
            return;
        };
        waiting.is_in_flight = true;
        self.in_flight += 1;
        if waiting.not_before.take().is_some() {
            self.deferred -= 1;
        }
    }

    /// Takes it out: it is settled. False if it was not on its way.
    pub(super) fn settle(&mut self, ticket: Ticket) -> bool {
        self.take(ticket).is_some()
    }

    /// Takes it out: the server refuses it. None if it was not on its way.
    pub(super) fn refuse(
        &mut self,
        ticket: Ticket,
        failure: &v2::Failure<'_>,
    ) -> Option<PublishError> {
        let waiting = self.take(ticket)?;
        let error = PublishError::from(failure);
        let is_refused = matches!(error, PublishError::Refused { .. });
        Some(if waiting.is_uncertain && is_refused {
            PublishError::Unknown(
                "a connection was lost while it was on its way, and the server refused it when it was sent again",
            )
        } else {
            error
        })
    }

    /// The server wants it later. False if it was not on its way.
    pub(super) fn defer(&mut self, ticket: Ticket, until: Instant) -> bool {
        let Some(waiting) = self.find(ticket).and_then(|at| self.waiting.get_mut(at)) else {
            return false;
        };
        if !waiting.is_in_flight {
            return false;
        }
        waiting.is_in_flight = false;
        waiting.not_before = Some(until);
        self.in_flight -= 1;
        self.deferred += 1;
        true
    }

    /// Takes it out: it cannot be sent.
    pub(super) fn reject(&mut self, ticket: Ticket, why: &'static str) -> Option<PublishError> {
        let rejected = self.find(ticket).and_then(|at| self.remove(at))?;
        Some(rejected.failed(why))
    }

    /// The connection is lost: all that was on its way is to be sent again. What the server seems to fail at is given up.
    pub(super) fn lose(&mut self, is_crash: bool) -> Vec<Settled> {
        for waiting in self.waiting.iter_mut().filter(|one| one.is_in_flight) {
            waiting.is_in_flight = false;
            waiting.is_uncertain = true;
            waiting.crashes = if is_crash { waiting.crashes + 1 } else { 0 };
        }
        self.in_flight = 0;
        self.deferred = 0;
        for waiting in &mut self.waiting {
            waiting.not_before = None;
        }
        self.give_up(|waiting| {
            (waiting.crashes >= CRASHES_MAX).then_some(PublishError::Unknown(
                "the server failed twice while this was on its way",
            ))
        })
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Settled> {
        if self.next_timeout().is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.give_up(|waiting| {
            (waiting.expires_at <= now)
                .then(|| waiting.failed("it was not acknowledged within the queue's ttl"))
        })
    }

    /// Nothing more is sent.
    pub(super) fn end(&mut self, why: &'static str) -> Vec<Settled> {
        self.give_up(|waiting| Some(waiting.failed(why)))
    }

    /// When [`Publications::expire`] has something to do: all have the same ttl, so that the first ends first.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.expires_at)
    }

    /// When the next of what was put off may be sent. What may be sent already waits for something else.
    pub(super) fn next_deferred(&self, now: Instant) -> Option<Instant> {
        let put_off = |waiting: &Waiting| waiting.not_before.filter(|at| *at > now);
        (self.deferred > 0)
            .then(|| self.waiting.iter().filter_map(put_off).min())
            .flatten()
    }

    /// Takes out what is on its way.
    fn take(&mut self, ticket: Ticket) -> Option<Waiting> {
        let at = self.find(ticket)?;
        self.waiting
            .get(at)
            .filter(|waiting| waiting.is_in_flight)?;
        self.remove(at)
    }

    fn find(&self, ticket: Ticket) -> Option<usize> {
        self.waiting
            .binary_search_by_key(&ticket, |waiting| waiting.ticket)
            .ok()
    }

    fn remove(&mut self, at: usize) -> Option<Waiting> {
        let waiting = self.waiting.remove(at)?;
        self.bytes -= waiting.draft.data.len();
        self.in_flight -= usize::from(waiting.is_in_flight);
        self.deferred -= usize::from(waiting.not_before.is_some());
        Some(waiting)
    }

    fn give_up(&mut self, failure: impl Fn(&Waiting) -> Option<PublishError>) -> Vec<Settled> {
        let mut settled = Vec::new();
        let mut at = 0;
        while let Some(waiting) = self.waiting.get(at) {
            match failure(waiting) {
                Some(error) => {
                    settled.push((waiting.ticket, Err(error)));
                    self.remove(at);
                }
                None => at += 1,
            }
        }
        settled
    }
}

impl Waiting {
    fn failed(&self, why: &'static str) -> PublishError {
        if self.is_in_flight || self.is_uncertain {
            PublishError::Unknown(why)
        } else {
            PublishError::NotSent(why)
        }
    }
}

impl From<&v2::Failure<'_>> for PublishError {
    fn from(failure: &v2::Failure<'_>) -> Self {
        if failure.code == ErrorCode::Timeout {
            return Self::Unknown("the server had no answer in time");
        }
        Self::Refused {
            code: failure.code,
            message: failure.message.as_str().to_owned(),
            retryable: failure.retryable,
        }
    }
}

/// Shows where it goes, never what it is: payloads do not belong in logs.
impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Draft({} {:?}, {} bytes)",
            self.room,
            self.event,
            self.data.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and there is no other way to get one"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    fn queue(start: Instant, rooms: &[&str]) -> Publications {
        let mut queue = Publications::new(QueueBounds::default());
        for (room, number) in rooms.iter().zip(1..) {
            let draft = Draft {
                room: RoomName::parse(room).unwrap(),
                event: EventName::chat(),
                data: Bytes::from_static(b"1"),
                key: None,
            };
            queue.push(start, Ticket(number), draft, "p").unwrap();
        }
        queue
    }

    /// Sends all that may be sent now.
    fn send(queue: &mut Publications, now: Instant) -> Vec<u64> {
        let mut sent = Vec::new();
        while let Some(ticket) = queue.next(now) {
            queue.sent(ticket);
            sent.push(ticket.0);
        }
        sent
    }

    #[test]
    fn nothing_overtakes_what_is_put_off_but_what_had_left() {
        let start = start();
        let later = start + Duration::from_secs(1);
        let mut queue = queue(start, &["a", "a", "b", "a"]);
        for number in [1, 2] {
            queue.sent(Ticket(number));
        }
        assert!(queue.defer(Ticket(1), later));
        assert_eq!(send(&mut queue, start), [3], "another room goes on");
        assert_eq!(send(&mut queue, later), [0; 0], "2 may be refused too");
        assert!(queue.defer(Ticket(2), start));
        assert_eq!(send(&mut queue, start), [0; 0], "2 is behind 1");
        assert_eq!(queue.next_deferred(start), Some(later));
        assert_eq!(send(&mut queue, later), [1, 2, 4]);
    }

    #[test]
    fn what_was_on_its_way_is_sent_again_in_order_and_nobody_knows_of_it() {
        let start = start();
        let mut queue = queue(start, &["a", "a", "a"]);
        queue.sent(Ticket(1));
        queue.sent(Ticket(2));
        assert!(queue.defer(Ticket(1), start + Duration::from_secs(9)));
        assert_eq!(queue.lose(false).len(), 0);
        assert_eq!(send(&mut queue, start), [1, 2, 3]);
        queue.lose(false);
        let ended = queue.end("why");
        let is_unknown = |(_, result): &Settled| matches!(result, Err(PublishError::Unknown(_)));
        assert!(ended.iter().all(is_unknown), "{ended:?}");
    }

    #[test]
    fn what_the_server_has_put_off_is_not_sent() {
        let start = start();
        let mut queue = queue(start, &["a", "a"]);
        queue.sent(Ticket(1));
        assert!(queue.defer(Ticket(1), start));
        let ended = queue.end("why");
        let is_not_sent = |(_, result): &Settled| matches!(result, Err(PublishError::NotSent(_)));
        assert!(
            ended.len() == 2 && ended.iter().all(is_not_sent),
            "{ended:?}"
        );
    }

    #[test]
    fn what_the_server_fails_at_twice_is_given_up() {
        let start = start();
        let mut queue = queue(start, &["a"]);
        for (is_crash, given_up) in [(true, 0), (false, 0), (true, 0), (true, 1)] {
            assert_eq!(send(&mut queue, start), [1]);
            assert_eq!(queue.lose(is_crash).len(), given_up);
        }
        assert!(queue.is_empty());
    }

    #[test]
    fn the_queue_takes_no_more_than_its_bounds_and_again_once_there_is_room() {
        let start = start();
        let draft = |bytes: usize| Draft {
            room: RoomName::parse("a").unwrap(),
            event: EventName::chat(),
            data: format!("\"{}\"", "x".repeat(bytes - 2)).into(),
            key: None,
        };
        let bounds = QueueBounds {
            messages_max: 2,
            bytes_max: 10,
            ..QueueBounds::default()
        };
        let mut queue = Publications::new(bounds);
        let push = |queue: &mut Publications, number, bytes| {
            queue.push(start, Ticket(number), draft(bytes), "p").is_ok()
        };
        assert!(push(&mut queue, 1, 6));
        assert!(!push(&mut queue, 2, 5), "eleven bytes");
        assert!(push(&mut queue, 3, 4));
        assert!(!push(&mut queue, 4, 2), "three publications");
        queue.sent(Ticket(1));
        assert!(queue.settle(Ticket(1)));
        assert!(!push(&mut queue, 5, 7), "eleven bytes again");
        assert!(push(&mut queue, 6, 6));
        assert_eq!(queue.end("why").len(), 2);
        assert!(queue.is_empty() && push(&mut queue, 7, 10));
        let never = queue.push(start, Ticket(8), draft(11), "p");
        assert_eq!(
            never,
            Err(PublishError::NotSent(
                "it is larger than all that may wait to be published"
            ))
        );
    }
}
