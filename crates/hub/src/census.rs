//! What a shard tells of its connections and rooms to whoever looks in. Nothing here changes anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tautline_protocol::model::{ConnectionId, RoomName};

use crate::Shard;
use crate::connection::Connection;
use crate::room::Room;

/// A connection, as its shard knows it now.
#[derive(Debug, Clone)]
pub struct Sight {
    /// Its name.
    pub id: ConnectionId,
    /// Whose it is, if that was proved.
    pub user: Option<Arc<str>>,
    /// Where it is a member, in the order of the joins.
    pub rooms: Vec<RoomName>,
    /// When it began, and when it was heard last.
    pub seen: Seen,
    /// When bytes were written to it last.
    pub written_at: Option<Instant>,
    /// The bytes that wait for it.
    pub bytes_queued: usize,
}

/// When a connection was seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// When it began.
    pub opened: Instant,
    /// When bytes came from it last.
    pub read_at: Instant,
}

/// Which connections are looked for: those that fit everything that is said here.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Whose they are.
    pub user: Option<Arc<str>>,
    /// Where they are members.
    pub room: Option<RoomName>,
    /// Only those behind this place of the shard's table.
    pub after: Option<u32>,
}

impl Shard {
    /// When a connection began and was heard last.
    pub fn seen(&self, id: ConnectionId) -> Option<Seen> {
        self.with(id, |connection| connection.about.seen)
    }

    /// Notes that bytes came from a connection.
    pub fn heard_from(&self, id: ConnectionId, at: Instant) {
        self.with(id, |connection| connection.about.seen.read_at = at);
    }

    /// The connections that are wanted, at most `limit`, in the order of their places in the table. One that
    /// stays keeps its place, so that who asks page after page sees it exactly once.
    ///
    /// Takes one step for each place of the table, or of the room if one is named.
    pub fn census(&self, wanted: &Wanted, limit: usize) -> Vec<Sight> {
        let state = self.state.borrow();
        let first = wanted.after.map_or(0, |after| after.saturating_add(1));
        let sight = |slot: u32| {
            let connection = state.connections.get(slot as usize)?;
            let is_wanted = wanted.user.is_none() || connection.about.user == wanted.user;
            is_wanted.then(|| self.sight(slot, connection))
        };
        match &wanted.room {
            None => {
                let end = u32::try_from(state.connections.capacity()).unwrap_or(u32::MAX);
                (first..end).filter_map(sight).take(limit).collect()
            }
            Some(room) => {
                let room = state.rooms.get(room).into_iter();
                let slots = room.flat_map(Room::everyone);
                let behind = slots.skip_while(|slot| *slot < first);
                behind.filter_map(sight).take(limit).collect()
            }
        }
    }

    /// The rooms whose names begin with `prefix` and come behind `after`, at most `limit`, in the order of
    /// their names, each with how many connections of this shard are there.
    ///
    /// Takes one step for each room of the shard.
    pub fn rooms(&self, prefix: &str, after: Option<&RoomName>, limit: usize) -> Vec<RoomSight> {
        let state = self.state.borrow();
        let mut first = BTreeMap::new();
        for (name, room) in &state.rooms {
            let is_behind = after.is_none_or(|after| after < name);
            if is_behind && name.as_str().starts_with(prefix) && !room.is_empty() {
                let is_among_the_first = first
                    .last_key_value()
                    .is_none_or(|(last, _)| first.len() < limit || name < *last);
                if is_among_the_first {
                    first.insert(name, room.len());
                }
                if first.len() > limit {
                    first.pop_last();
                }
            }
        }
        first
            .into_iter()
            .map(|(name, connections)| (name.clone(), connections))
            .collect()
    }

    /// Whether this connection is here.
    pub fn has(&self, id: ConnectionId) -> bool {
        self.is_mine(id) && self.with(id, |_| ()).is_some()
    }

    fn sight(&self, slot: u32, connection: &Connection) -> Sight {
        Sight {
            id: self.name(slot, connection.serial),
            user: connection.about.user.clone(),
            rooms: connection.about.rooms.clone(),
            seen: connection.about.seen,
            written_at: connection.outbox.traffic().written_at,
            bytes_queued: connection.outbox.bytes(),
        }
    }
}

/// A room's name, and how many connections of one shard are there.
pub type RoomSight = (RoomName, usize);
