//! A server that keeps every promise, in a few lines: its histories must pass, and fail once they are changed.

use std::sync::Arc;

use tautline_protocol::model::{Epoch, Position, PublicationId};

use super::{Entry, Event, History, Key, Log, Missed, Promise, Room};

/// So many clients.
pub(super) const CLIENTS: usize = 3;

/// What happens next; each to the client of this number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// It publishes, and is told where.
    Publish(usize),
    /// It publishes, and the answer is lost; it sends the same again before anything else.
    Retry(usize),
    /// It joins, from where it stands if it knows.
    Join(usize),
    /// It gets the next message.
    Deliver(usize),
    /// It loses its connection.
    Cut(usize),
    /// It leaves.
    Leave(usize),
    /// The room forgets its oldest publication.
    Trim,
    /// The room begins anew.
    Restart,
}

/// A room, and who is in it.
pub(super) struct Model {
    room: Room,
    promise: Promise,
    epoch: u64,
    behind: Position,
    log: Vec<(Position, Key)>,
    clients: Vec<Client>,
}

#[derive(Default)]
struct Client {
    history: History,
    stands: Option<Position>,
    is_member: bool,
    sequence: u64,
}

impl Model {
    pub(super) fn new(promise: Promise) -> Self {
        let client = |number: usize| Client {
            history: History {
                client: format!("client {number}"),
                entries: Vec::new(),
            },
            ..Client::default()
        };
        Self {
            room: "room".into(),
            promise,
            epoch: 1,
            behind: Position::start(Epoch(1)),
            log: Vec::new(),
            clients: (0..CLIENTS).map(client).collect(),
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Publish(client) => self.publish(client, 1),
            Step::Retry(client) => self.publish(client, 2),
            Step::Join(client) => self.join(client),
            Step::Deliver(client) => self.deliver(client),
            Step::Cut(client) => self.client(client).is_member = false,
            Step::Leave(client) => self.leave(client),
            Step::Trim if !self.log.is_empty() => self.behind = self.log.remove(0).0,
            Step::Restart if self.promise == Promise::Memory => {
                self.epoch += 1;
                self.behind = Position::start(Epoch(self.epoch));
                self.log.clear();
            }
            Step::Trim | Step::Restart => {}
        }
    }

    /// What everybody has seen, and what is left in the end.
    pub(super) fn finish(self) -> (Vec<History>, Vec<Log>) {
        let publications = self.log.into_iter();
        let log = Log {
            room: self.room,
            promise: self.promise,
            behind: self.behind,
            publications: publications
                .map(|(position, key)| (position, Some(key)))
                .collect(),
        };
        let histories = self.clients.into_iter().map(|client| client.history);
        (histories.collect(), vec![log])
    }

    fn client(&mut self, number: usize) -> &mut Client {
        &mut self.clients[number]
    }

    fn note(&mut self, number: usize, event: Event) {
        let room = Arc::clone(&self.room);
        let history = &mut self.client(number).history;
        history.entries.push(Entry {
            room,
            era: 0,
            event,
        });
    }

    fn head(&self) -> Position {
        self.log
            .last()
            .map_or(self.behind, |(position, _)| *position)
    }

    fn publish(&mut self, number: usize, times: usize) {
        let client = self.client(number);
        client.sequence += 1;
        let key = Key {
            producer: u32::try_from(number).unwrap(),
            sequence: client.sequence,
        };
        let offset = self.head().offset + 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.epoch.to_be_bytes());
        id[8..].copy_from_slice(&offset.to_be_bytes());
        let position = Position {
            epoch: Epoch(self.epoch),
            offset,
            id: PublicationId(id),
        };
        self.log.push((position, key));
        for _ in 0..times {
            self.note(number, Event::Sent(key));
        }
        self.note(number, Event::Published { key, position });
    }

    fn join(&mut self, number: usize) {
        let client = self.client(number);
        if std::mem::replace(&mut client.is_member, true) {
            return;
        }
        let since = client.stands;
        let gap = since.and_then(|since| self.gap(since));
        let recovered = since.is_some() && gap.is_none();
        let position = self.head();
        self.note(
            number,
            Event::Joined {
                since,
                position,
                recovered,
                gap,
            },
        );
        self.client(number).stands = match (since, gap) {
            (None, _) => Some(position),
            (Some(_), Some(gap)) => Some(gap.position),
            (Some(since), None) => Some(since),
        };
    }

    /// What somebody who stands there cannot get any more.
    fn gap(&self, stands: Position) -> Option<Missed> {
        let is_old = stands.epoch != self.behind.epoch;
        (is_old || stands.offset < self.behind.offset).then(|| Missed {
            from: stands.offset + 1,
            to: self.behind.offset,
            position: self.behind,
        })
    }

    fn deliver(&mut self, number: usize) {
        let client = self.client(number);
        let Some(stands) = client.stands.filter(|_| client.is_member) else {
            return;
        };
        if let Some(missed) = self.gap(stands) {
            self.note(number, Event::Missed(missed));
            self.client(number).stands = Some(missed.position);
            return;
        }
        let mut next = self.log.iter();
        let Some(&(position, key)) = next.find(|(place, _)| place.offset == stands.offset + 1)
        else {
            return;
        };
        let key = Some(key);
        self.note(number, Event::Delivered { position, key });
        self.client(number).stands = Some(position);
    }

    fn leave(&mut self, number: usize) {
        let client = self.client(number);
        (client.is_member, client.stands) = (false, None);
        self.note(number, Event::Left);
    }
}
