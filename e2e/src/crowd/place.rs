//! A room as the application of the client sees it, in the words of a history.

use std::sync::Arc;

use tautline_protocol::model::Position;

use super::hands::Heard;
use crate::history::{Event, Key, Room};

/// A member's place in a room.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) room: Room,
    /// The last that has come; none if nothing is known of the room.
    pub(super) stands: Option<Position>,
    /// The room remembers itself where this client goes on.
    pub(super) wants_acks: bool,
    /// The client leaves it to such a room to remember.
    forgets: bool,
    /// What has come since the membership was lost, and is told when it holds again.
    rejoining: Option<Vec<Heard>>,
    /// How many publications are not settled.
    pub(super) unsettled: usize,
    /// The next publication's number.
    next: u64,
    pub(super) is_over: bool,
    /// The era in which something last came. What is done before something comes in a new one belongs to the old one.
    pub(super) era: usize,
}

impl Place {
    pub(super) fn in_room(room: &str, forgets: bool) -> Self {
        Self {
            room: Arc::from(room),
            stands: None,
            wants_acks: false,
            forgets,
            rejoining: None,
            unsettled: 0,
            next: 0,
            is_over: false,
            era: 0,
        }
    }

    /// One more publication, behind all others.
    pub(super) fn compose(&mut self, producer: u32) -> Key {
        let sequence = self.next;
        self.next += 1;
        Key { producer, sequence }
    }

    /// What an event is in a history. A room that is left is to be joined anew.
    pub(super) fn handle(&mut self, heard: Heard, faults: &mut Vec<String>) -> Vec<Event> {
        match heard {
            Heard::Joining if self.forgets && self.wants_acks => {
                self.wants_acks = false;
                self.stands = None;
                self.rejoining = None;
                return vec![Event::Left];
            }
            Heard::Joining => self.rejoining = Some(Vec::new()),
            Heard::Live {
                position,
                recovered,
                wants_acks,
            } => {
                self.wants_acks = wants_acks;
                if let Some(came) = self.rejoining.take() {
                    return self.rejoined(position, recovered, came);
                }
            }
            Heard::Denied(message) => {
                faults.push(format!("not let into {}: {message}", self.room));
            }
            Heard::Message(..) | Heard::Gap(_) => match &mut self.rejoining {
                Some(came) => came.push(heard),
                None => return self.told(&heard).into_iter().collect(),
            },
            Heard::Over => {
                self.is_over = true;
                faults.push(format!("{} is over before its time", self.room));
            }
        }
        Vec::new()
    }

    /// The membership holds again: how it was restored, and what has come with that.
    fn rejoined(
        &mut self,
        position: Position,
        recovered: bool,
        mut came: Vec<Heard>,
    ) -> Vec<Event> {
        let gap = match came.first() {
            Some(Heard::Gap(gap)) => Some(*gap),
            _ => None,
        };
        came.drain(..usize::from(gap.is_some()));
        let begins = match came.first() {
            Some(Heard::Message(first, _)) => Position {
                offset: first.offset - 1,
                ..Position::start(first.epoch)
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
    fn told(&mut self, heard: &Heard) -> Option<Event> {
        let (position, event) = match heard {
            Heard::Message(position, key) => {
                let (position, key) = (*position, *key);
                (position, Event::Delivered { position, key })
            }
            Heard::Gap(gap) => (gap.position, Event::Missed(*gap)),
            Heard::Joining | Heard::Live { .. } | Heard::Denied(_) | Heard::Over => return None,
        };
        self.stands = Some(position);
        Some(event)
    }

    /// Whether everything up to there has come.
    pub(super) fn has_come_to(&self, head: Position) -> bool {
        self.stands
            .is_some_and(|stands| stands.epoch == head.epoch && stands.offset >= head.offset)
    }
}
