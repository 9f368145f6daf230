//! A small client that holds: it comes back, asks for what it missed, sends again what was not acknowledged, and
//! writes down everything. It trusts nobody and judges nothing, and has no codec and no machine of ours, so that no
//! defect of a client can hide one of the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use serde_json::value::RawValue;
use tautline_protocol::model::{EventName, Position};
use tautline_protocol::wire::v2::{
    Ack, Client as Program, ClientMessage, Data, Empty, Encoding, Envelope, Hello, Joined, KeyText,
    Label, Message, Publish, Restored, ServerMessage, Wanted,
};
use tautline_protocol::wire::{RequestId, Token};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_websockets::Payload;

use super::link::{Link, Lost};
use super::seat::Seat;
use super::{Content, Notice, Order, Person, Progress, Sort, Told, key_of, parse};
use crate::history::{Entry, Event, History, Key, Missed};

/// So many publications of a room wait for their acknowledgement at most.
const WINDOW: usize = 16;
/// The longest pause before the next attempt to connect.
const PAUSE_MS_MAX: u64 = 200;
/// One of so many messages is acknowledged, with all before it.
const ACKED_EVERY: u32 = 12;

/// A witness that runs.
#[derive(Debug)]
pub struct Witness {
    person: Person,
    address: SocketAddr,
    seats: Vec<Seat>,
    history: History,
    faults: Vec<String>,
    orders: watch::Receiver<Order>,
    progress: Arc<Progress>,
    /// In which era it was welcomed last.
    era: usize,
    is_unsettled: bool,
    random: Rng,
}

impl Witness {
    /// Somebody who comes to this address.
    pub fn new(
        person: Person,
        address: SocketAddr,
        orders: watch::Receiver<Order>,
        progress: Arc<Progress>,
        seed: u64,
    ) -> Self {
        Self {
            seats: person
                .rooms
                .iter()
                .map(|room| Seat::in_room(room, person.number % 4 < 2))
                .collect(),
            history: History {
                client: format!("client {}", person.number),
                entries: Vec::new(),
            },
            person,
            address,
            faults: Vec::new(),
            orders,
            progress,
            era: 0,
            is_unsettled: false,
            random: Rng::with_seed(seed),
        }
    }

    /// Comes, and comes again, until it is to end.
    pub async fn run(mut self) -> Told {
        while !self.is_done() {
            let era = self.progress.era.load(Ordering::Relaxed);
            let lost = match Link::open(self.address, self.person.encoding).await {
                Ok(link) => self.live(link, era).await,
                Err(lost) => Err(lost),
            };
            match lost {
                Err(Lost::Nonsense(nonsense)) => self.faults.push(nonsense),
                Err(Lost::Silent) => self.progress.notices.note(Notice::Silence, Sort::Witness),
                Ok(()) | Err(Lost::Ended(_)) => {}
            }
            if !self.is_done() {
                sleep(Duration::from_millis(self.random.u64(1..PAUSE_MS_MAX))).await;
            }
        }
        Told {
            history: self.history,
            faults: self.faults,
        }
    }

    /// One connection, from its greeting to its end.
    async fn live(&mut self, mut link: Link, era: usize) -> Result<(), Lost> {
        self.greet(&mut link, era).await?;
        let mut pace = interval(self.person.pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_done() {
            tokio::select! {
                heard = link.hear() => self.heard(&heard?, &mut link).await?,
                _ = pace.tick() => self.publish(&mut link).await?,
                changed = self.orders.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    async fn greet(&mut self, link: &mut Link, era: usize) -> Result<(), Lost> {
        let name = |text| Label::new(text).expect("a short name");
        let producer = self.person.number.to_string();
        let wanted = |seat: &Seat| Wanted {
            room: seat.name.clone(),
            since: seat.since(),
            presence: None,
        };
        let hello = Hello {
            token: Some(Token::new(&self.person.token)),
            client: Program {
                name: name("prove"),
                version: name("1"),
            },
            producer: Label::new(&*producer).expect("a short number"),
            report: None,
            rooms: self.seats.iter().map(wanted).collect(),
        };
        link.say(&ClientMessage::Hello(hello).into()).await?;
        loop {
            let payload = link.hear().await?;
            match read(link.encoding(), &payload)?.message {
                ServerMessage::Welcome(welcome) => return self.welcomed(&welcome.rooms, era),
                // A greeting that is long on its way may be overtaken by a question.
                ServerMessage::Ping(_) => link.say(&ClientMessage::Pong(Empty {}).into()).await?,
                ServerMessage::Bye(_) => return Err(Lost::Ended("bye".to_owned())),
                other => return Err(Lost::Nonsense(format!("{other:?} instead of a welcome"))),
            }
        }
    }

    fn welcomed(&mut self, rooms: &[Restored<'_>], era: usize) -> Result<(), Lost> {
        // A server welcomes in the era in which it was come to, or not at all: then it is known which one speaks.
        if self.progress.era.load(Ordering::Relaxed) != era {
            return Err(Lost::Ended("a welcome of another era".to_owned()));
        }
        self.era = era;
        if rooms.len() != self.seats.len() {
            return Err(Lost::Nonsense("a welcome to other rooms".to_owned()));
        }
        self.progress.welcomes.fetch_add(1, Ordering::Relaxed);
        for (at, restored) in rooms.iter().enumerate() {
            match restored {
                Restored::Joined(joined) => self.joined(at, joined)?,
                Restored::Error(failure) => {
                    return Err(Lost::Nonsense(format!("not let into a room: {failure:?}")));
                }
            }
        }
        Ok(())
    }

    fn joined(&mut self, at: usize, joined: &Joined<'_>) -> Result<(), Lost> {
        let Some(seat) = self.seats.get_mut(at) else {
            return Ok(());
        };
        if joined.room != seat.name {
            return Err(Lost::Nonsense("a welcome to another room".to_owned()));
        }
        seat.begin_anew();
        let since = seat.since();
        seat.in_flight = joined.ack.map(|ack| ack.in_flight);
        // Behind which the first page begins.
        let begins = joined
            .messages
            .first()
            .map_or(joined.position, |first| Position {
                offset: first.offset - 1,
                ..Position::start(joined.position.epoch)
            });
        let gap = joined.gap.as_ref().map(|gap| Missed {
            from: gap.from,
            to: gap.to,
            position: if joined.messages.is_empty() {
                joined.position
            } else {
                Position {
                    offset: gap.to,
                    ..begins
                }
            },
        });
        self.note(
            at,
            Event::Joined {
                since,
                position: if since.is_none() {
                    begins
                } else {
                    joined.position
                },
                recovered: joined.recovered,
                gap,
            },
        );
        let epoch = joined.position.epoch;
        for message in &joined.messages {
            let stands = Position {
                epoch,
                offset: message.offset,
                id: message.id,
            };
            self.delivered(at, stands, message);
        }
        Ok(())
    }

    async fn heard(&mut self, payload: &Payload, link: &mut Link) -> Result<(), Lost> {
        let Envelope { message, request } = read(link.encoding(), payload)?;
        match message {
            ServerMessage::Message(message) => {
                let at = self.seat(message.room.as_str())?;
                let epoch = self.seats.get(at).and_then(|seat| seat.stands);
                let Some(Position { epoch, .. }) = epoch else {
                    return Err(Lost::Nonsense("a message before its room".to_owned()));
                };
                let stands = Position {
                    epoch,
                    offset: message.offset,
                    id: message.id,
                };
                self.delivered(at, stands, &message);
                self.acknowledge(at, link).await?;
            }
            ServerMessage::Published(published) => {
                let (key, at) = request
                    .as_ref()
                    .and_then(|request| self.asked(request))
                    .ok_or_else(|| Lost::Nonsense("an answer to no publication".to_owned()))?;
                let position = Position {
                    epoch: published.epoch,
                    offset: published.offset,
                    id: published.id,
                };
                let is_next = self
                    .seats
                    .get_mut(at)
                    .is_some_and(|seat| seat.acknowledge(key));
                if !is_next {
                    return Err(Lost::Nonsense(format!(
                        "{key} is acknowledged out of order"
                    )));
                }
                self.progress.acknowledged.fetch_add(1, Ordering::Relaxed);
                self.note(at, Event::Published { key, position });
            }
            ServerMessage::Gap(gap) => {
                let at = self.seat(gap.room.as_str())?;
                self.note(
                    at,
                    Event::Missed(Missed {
                        from: gap.from,
                        to: gap.to,
                        position: gap.position,
                    }),
                );
            }
            ServerMessage::Ping(_) => {
                let pong = ClientMessage::Pong(Empty {});
                link.say(&pong.into()).await?;
            }
            // It stays for as long as it may: what is said until then has to be right, too.
            ServerMessage::Goaway(_) => {
                self.progress.notices.note(Notice::Farewell, Sort::Witness);
            }
            ServerMessage::Bye(_) => return Err(Lost::Ended("bye".to_owned())),
            other => {
                return Err(Lost::Nonsense(format!(
                    "{other:?} comes without having been asked for"
                )));
            }
        }
        Ok(())
    }

    fn delivered(&mut self, at: usize, position: Position, message: &Message<'_>) {
        self.progress.delivered.fetch_add(1, Ordering::Relaxed);
        let key = key_of(message.data.as_json().as_bytes());
        let seat = self.seats.get(at);
        if seat.is_some_and(|seat| !seat.may_come(position)) {
            let offset = position.offset;
            self.faults.push(format!(
                "{offset} of {} has come, which is more than may be in flight",
                message.room
            ));
        }
        let event = if seat.is_some_and(|seat| seat.comes_again(position)) {
            Event::Redelivered { position, key }
        } else {
            Event::Delivered { position, key }
        };
        self.note(at, event);
    }

    /// Acknowledges what has come, where that is asked for, and now and then so late that it comes again.
    async fn acknowledge(&mut self, at: usize, link: &mut Link) -> Result<(), Lost> {
        let Some(seat) = self.seats.get(at).filter(|seat| seat.in_flight.is_some()) else {
            return Ok(());
        };
        let Some(Position { epoch, offset, .. }) = seat.stands else {
            return Ok(());
        };
        if self.random.u32(..ACKED_EVERY) > 0 {
            return Ok(());
        }
        let room = seat.name.clone();
        self.note(at, Event::Acked { epoch, offset });
        let ack = Ack {
            room,
            epoch,
            offset,
        };
        link.say(&ClientMessage::Ack(ack).into()).await
    }

    /// Sends what there is, and one more in some room unless that has enough.
    async fn publish(&mut self, link: &mut Link) -> Result<(), Lost> {
        let is_at_work = matches!(*self.orders.borrow(), Order::Work);
        let chosen = self.random.usize(..self.seats.len().max(1));
        if is_at_work
            && let Some(seat) = self.seats.get_mut(chosen)
            && seat.waiting() < WINDOW
        {
            seat.compose(self.person.number);
        }
        for at in 0..self.seats.len() {
            while let Some(key) = self.seats.get_mut(at).and_then(Seat::take_next) {
                self.note(at, Event::Sent(key));
                self.send(link, at, key).await?;
            }
        }
        Ok(())
    }

    /// The same content for the same key, whenever it is sent.
    async fn send(&self, link: &mut Link, at: usize, key: Key) -> Result<(), Lost> {
        let Some(seat) = self.seats.get(at) else {
            return Ok(());
        };
        let named = key.to_string();
        // Everybody uses the same keys: one is its user's alone.
        let counted = key.sequence.to_string();
        let content = serde_json::to_vec(&Content::of(key)).expect("texts are JSON");
        let publish = Publish {
            room: seat.name.clone(),
            event: EventName::chat(),
            data: Data::parse(&content).expect("texts are data"),
            key: KeyText::new(&*counted),
        };
        let request = RawValue::from_string(format!("\"{named}:{at}\"")).expect("a text");
        link.say(&Envelope {
            message: ClientMessage::Publish(publish),
            request: RequestId::new(&request),
        })
        .await
    }

    /// Which publication a request was, and in which seat.
    fn asked(&self, request: &RequestId) -> Option<(Key, usize)> {
        let text = request.to_text()?;
        let (key, at) = text.rsplit_once(':')?;
        let at = at.parse().ok().filter(|at| *at < self.seats.len())?;
        Some((parse(key)?, at))
    }

    fn seat(&self, room: &str) -> Result<usize, Lost> {
        let at = self.seats.iter().position(|seat| &*seat.room == room);
        at.ok_or_else(|| Lost::Nonsense("a room where it is no member".to_owned()))
    }

    fn note(&mut self, at: usize, event: Event) {
        let Some(seat) = self.seats.get_mut(at) else {
            return;
        };
        seat.handle(&event);
        self.history.entries.push(Entry {
            room: Arc::clone(&seat.room),
            era: self.era,
            event,
        });
        let is_unsettled = self.seats.iter().any(|seat| seat.waiting() > 0);
        if is_unsettled != self.is_unsettled {
            self.is_unsettled = is_unsettled;
            let unsettled = &self.progress.unsettled;
            if is_unsettled {
                unsettled.fetch_add(1, Ordering::Relaxed);
            } else {
                unsettled.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn is_done(&self) -> bool {
        match &*self.orders.borrow() {
            Order::Work | Order::Settle => false,
            Order::Stop => true,
            Order::Finish(heads) => {
                self.era == self.progress.era.load(Ordering::Relaxed)
                    && self.seats.iter().all(|seat| {
                        let head = heads.get(&seat.room);
                        head.is_none_or(|head| seat.has_come_to(*head))
                    })
            }
        }
    }
}

pub(super) fn read(
    encoding: Encoding,
    payload: &Payload,
) -> Result<Envelope<ServerMessage<'_>>, Lost> {
    Envelope::decode(encoding, payload)
        .map_err(|malformed| Lost::Nonsense(format!("what is not v2: {malformed:?}")))
}
