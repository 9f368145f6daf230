//! The rooms that the application wants to be in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytes::Bytes;

use super::Ticket;
use super::line::Greeted;
use super::room::{Room, Stage};
use crate::model::{Position, RoomName};
use crate::wire::v2::{ClientMessage, Data, HELLO_ROOMS_MAX, Join, Wanted};

/// `hello` restores rooms up to so many bytes, below every server's limit for a message; the others are joined one by one.
const HELLO_BYTES_MAX: usize = 32 * 1024;
/// What a room takes in `hello` besides its name and its state.
const WANTED_BYTES: usize = 160;

/// A larger presence state is refused by every server, or not even taken.
pub(super) const STATE_BYTES_MAX: usize = 2048;

/// How a room is joined.
#[derive(Debug, Clone, Default)]
pub struct Joining {
    /// Go on behind this, which an earlier client has handled.
    pub since: Option<Position>,
    /// Without `since`: begin with so many of the newest.
    pub last: Option<u32>,
    /// What others are to see: one JSON value.
    pub presence: Option<Bytes>,
}

/// Why a room cannot be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// This client is in the room, on its way into it, or was refused and has not left it.
    #[error("this client has joined the room already; share what it receives, or leave it first")]
    Joined,
    /// The presence state is not what may be shown.
    #[error(
        "the presence state is not one JSON value of at most 2 KiB that nests at most 32 levels"
    )]
    State,
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
}

/// All rooms, by name.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: BTreeMap<RoomName, Room>,
    /// The rooms that the server is still to hear of that they were left.
    leaving: BTreeSet<RoomName>,
}

impl Rooms {
    pub(super) fn join(
        &mut self,
        number: Ticket,
        room: RoomName,
        joining: Joining,
    ) -> Result<(), JoinError> {
        let state = joining.presence.as_ref();
        if state.is_some_and(|state| state.len() > STATE_BYTES_MAX || Data::parse(state).is_err()) {
            return Err(JoinError::State);
        }
        // A join begins anew, whatever was there before.
        self.leaving.remove(&room);
        self.rooms.insert(room, Room::new(number, joining));
        Ok(())
    }

    /// The server believes that the client is in a room, and is to hear that it is not.
    pub(super) fn leave_at_server(&mut self, room: RoomName) {
        self.leaving.insert(room);
    }

    /// The next that the server is to hear of.
    pub(super) fn next_leave(&self) -> Option<&RoomName> {
        self.leaving.first()
    }

    /// It hears of it now.
    pub(super) fn take_leave(&mut self) -> Option<RoomName> {
        self.leaving.pop_first()
    }

    /// Others are to see this from now on, also by the next join. What they were to see before.
    pub(super) fn show(&mut self, room: &RoomName, state: Bytes) -> Option<Bytes> {
        self.rooms.get_mut(room)?.presence.replace(state)
    }

    /// The server refuses to show this: what was there before is wanted again, unless something else is by now.
    pub(super) fn unshow(&mut self, room: &RoomName, state: &Bytes, before: Option<Bytes>) {
        if let Some(room) = self.rooms.get_mut(room)
            && room.presence.as_ref() == Some(state)
        {
            room.presence = before;
        }
    }

    /// Forgets a room. None if it was not wanted; otherwise whether the server may believe that the client is in it: also
    /// while it is asked for anew.
    pub(super) fn leave(&mut self, room: &RoomName) -> Option<bool> {
        let left = self.rooms.remove(room)?;
        Some(left.stage != Stage::Denied)
    }

    pub(super) fn contains(&self, room: &RoomName) -> bool {
        self.rooms.contains_key(room)
    }

    pub(super) fn get_mut(&mut self, room: &RoomName) -> Option<&mut Room> {
        self.rooms.get_mut(room)
    }

    /// The rooms that `hello` restores.
    pub(super) fn greet(&self) -> Vec<Greeted> {
        let mut bytes = 0;
        let mut greeted = Vec::new();
        for (name, room) in &self.rooms {
            let state = room.presence.as_ref().map_or(0, Bytes::len);
            bytes += WANTED_BYTES + name.as_str().len() + state;
            if greeted.len() >= HELLO_ROOMS_MAX || bytes > HELLO_BYTES_MAX {
                break;
            }
            // How many of the newest are wanted, only a join can say.
            if room.stage != Stage::Denied && room.last().is_none() {
                greeted.push(Greeted {
                    room: name.clone(),
                    number: room.number,
                    since: room.position,
                });
            }
        }
        greeted
    }

    /// What `hello` says of a room.
    pub(super) fn wanted(&self, name: &RoomName) -> Option<Wanted<'_>> {
        let room = self.rooms.get(name)?;
        Some(Wanted {
            room: name.clone(),
            since: room.position,
            presence: room.presence.as_deref().map(data),
        })
    }

    /// The next room to be joined one by one.
    pub(super) fn next_join(&self, now: Instant) -> Option<RoomName> {
        let is_due = |(_, room): &(&RoomName, &Room)| match room.stage {
            Stage::Wanted { not_before } => not_before.is_none_or(|at| at <= now),
            Stage::Asked(_) | Stage::Joined | Stage::Denied => false,
        };
        self.rooms.iter().find(is_due).map(|(name, _)| name.clone())
    }

    /// The message that joins a room.
    pub(super) fn join_message(&self, name: &RoomName) -> Option<ClientMessage<'_>> {
        let room = self.rooms.get(name)?;
        Some(ClientMessage::Join(Join {
            room: name.clone(),
            since: room.position,
            last: room.last(),
            presence: room.presence.as_deref().map(data),
        }))
    }

    /// The room that was asked for with this number.
    pub(super) fn asked_with(&self, number: Ticket) -> Option<RoomName> {
        let is_it = |(_, room): &(&RoomName, &Room)| room.stage == Stage::Asked(number);
        self.rooms.iter().find(is_it).map(|(name, _)| name.clone())
    }

    /// When the next room may be asked for again. One that may be asked for already waits for something else.
    pub(super) fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let waits_until = |room: &Room| match room.stage {
            Stage::Wanted { not_before } => not_before,
            Stage::Asked(_) | Stage::Joined | Stage::Denied => None,
        };
        let later = self.rooms.values().filter_map(waits_until);
        later.filter(|at| *at > now).min()
    }

    /// The acknowledgements that are due.
    pub(super) fn take_acks(&mut self) -> Vec<(RoomName, Position)> {
        let due = |(name, room): (&RoomName, &mut Room)| Some((name.clone(), room.take_ack()?));
        self.rooms.iter_mut().filter_map(due).collect()
    }

    /// The connection is lost. The rooms that the client was in, or on its way into.
    pub(super) fn lose(&mut self) -> Vec<RoomName> {
        self.leaving.clear();
        let lost = |(name, room): (&RoomName, &mut Room)| room.lose().then(|| name.clone());
        self.rooms.iter_mut().filter_map(lost).collect()
    }

    /// Nothing more is delivered.
    pub(super) fn end(&mut self) -> Vec<RoomName> {
        self.leaving.clear();
        std::mem::take(&mut self.rooms).into_keys().collect()
    }
}

/// Data that was checked when it came from the application.
fn data(json: &[u8]) -> Data<'_> {
    Data::parse(json).unwrap_or(Data::NULL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_refuses_to_show_gives_way_to_what_was_there_before() {
        let [first, second, third] =
            ["1", "2", "3"].map(|json| Bytes::from_static(json.as_bytes()));
        let room = RoomName::parse("a").unwrap();
        let mut rooms = Rooms::default();
        let joining = Joining {
            presence: Some(first.clone()),
            ..Joining::default()
        };
        rooms.join(Ticket(1), room.clone(), joining).unwrap();
        let presence = |rooms: &mut Rooms| rooms.get_mut(&room).unwrap().presence.clone();
        let before = rooms.show(&room, second.clone());
        assert_eq!(presence(&mut rooms), Some(second.clone()));
        rooms.unshow(&room, &second, before.clone());
        assert_eq!(presence(&mut rooms), Some(first));
        rooms.show(&room, third.clone());
        rooms.unshow(&room, &second, before);
        assert_eq!(presence(&mut rooms), Some(third), "something else by now");
    }
}
