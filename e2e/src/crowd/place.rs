//! A room as the application of the client sees it, in the words of a history.

use std::sync::Arc;

use tautline_client::{Client, Gap, Publication, RoomEvent, RoomStatus, RoomStream};
use tautline_protocol::model::Position;

use super::key_of;
use crate::history::{Event, Key, Missed, Room};

/// A member's place in a room.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) room: Room,
    pub(super) handle: tautline_client::Room,
    /// None for a moment only, while it is joined anew.
    pub(super) stream: Option<RoomStream>,
    /// The last that has come; none if nothing is known of the room.
    pub(super) stands: Option<Position>,
    /// The room remembers itself where this client goes on.
    pub(super) wants_acks: bool,
    /// The client leaves it to such a room to remember.
    forgets: bool,
    /// What has come since the membership was lost, and is told when it holds again.
    rejoining: Option<Vec<RoomEvent>>,
    /// How many publications are not settled.
    pub(super) unsettled: usize,
    /// The next publication's number.
    next: u64,
    pub(super) is_over: bool,
    /// The era in which something last came. What is done before something comes in a new one belongs to the old one.
    pub(super) era: usize,
}

impl Place {
    pub(super) fn in_room(client: &Client, room: &str, forgets: bool) -> Self {
        let handle = client.room(room).expect("rooms of a run have right names");
        let mut place = Self {
            room: Arc::from(room),
            handle,
            stream: None,
            stands: None,
            wants_acks: false,
            forgets,
            rejoining: None,
            unsettled: 0,
            next: 0,
            is_over: false,
            era: 0,
        };
        place.join();
        place
    }

    fn join(&mut self) {
        // One at a time: the one before is left when it is dropped.
        self.stream = None;
        self.stream = self.handle.join().stream().ok();
        self.is_over = self.stream.is_none();
    }

    /// One more publication, behind all others.
    pub(super) fn compose(&mut self, producer: u32) -> Key {
        let sequence = self.next;
        self.next += 1;
        Key { producer, sequence }
    }

    /// What an event is in a history.
    pub(super) fn handle(&mut self, event: RoomEvent, faults: &mut Vec<String>) -> Vec<Event> {
        match event {
            RoomEvent::Status(RoomStatus::Joining) if self.forgets && self.wants_acks => {
                self.wants_acks = false;
                self.stands = None;
                self.rejoining = None;
                self.join();
                return vec![Event::Left];
            }
            RoomEvent::Status(RoomStatus::Joining) => self.rejoining = Some(Vec::new()),
            RoomEvent::Status(RoomStatus::Live {
                position,
                recovered,
                wants_acks,
            }) => {
                self.wants_acks = wants_acks;
                if let Some(came) = self.rejoining.take() {
                    return self.rejoined(position, recovered, came);
                }
            }
            RoomEvent::Status(RoomStatus::Denied { message, .. }) => {
                faults.push(format!("not let into {}: {message}", self.room));
            }
            RoomEvent::Message(_) | RoomEvent::Gap(_) => match &mut self.rejoining {
                Some(came) => came.push(event),
                None => return self.told(&event).into_iter().collect(),
            },
            RoomEvent::Status(RoomStatus::Left) | RoomEvent::Cast(_) | RoomEvent::Presence(_) => {}
        }
        Vec::new()
    }

    /// The membership holds again: how it was restored, and what has come with that.
    fn rejoined(
        &mut self,
        position: Position,
        recovered: bool,
        mut came: Vec<RoomEvent>,
    ) -> Vec<Event> {
        let gap = match came.first() {
            Some(RoomEvent::Gap(gap)) => Some(missed(gap)),
            _ => None,
        };
        came.drain(..usize::from(gap.is_some()));
        let begins = match came.first() {
            Some(RoomEvent::Message(first)) => Position {
                offset: first.position.offset - 1,
                ..Position::start(first.position.epoch)
            },
            _ => position,
        };
        let since = self.stands;
        let mut events = vec![Event::Joined {
            since,
            position: if since.is_none() { begins } else { position },
            recovered,
            gap,
        }];
        self.stands = match gap {
            Some(gap) => Some(gap.position),
            None => Some(since.unwrap_or(begins)),
        };
        for event in came {
            events.extend(self.told(&event));
        }
        events
    }

    /// What moves the place.
    fn told(&mut self, event: &RoomEvent) -> Option<Event> {
        match event {
            RoomEvent::Message(message) => Some(self.delivered(message)),
            RoomEvent::Gap(gap) => {
                self.stands = Some(gap.position);
                Some(Event::Missed(missed(gap)))
            }
            RoomEvent::Status(_) | RoomEvent::Cast(_) | RoomEvent::Presence(_) => None,
        }
    }

    fn delivered(&mut self, message: &Publication) -> Event {
        self.stands = Some(message.position);
        Event::Delivered {
            position: message.position,
            key: key_of(&message.data),
        }
    }

    /// Whether everything up to there has come.
    pub(super) fn has_come_to(&self, head: Position) -> bool {
        self.stands
            .is_some_and(|stands| stands.epoch == head.epoch && stands.offset >= head.offset)
    }
}

fn missed(gap: &Gap) -> Missed {
    Missed {
        from: gap.from,
        to: gap.to,
        position: gap.position,
    }
}
