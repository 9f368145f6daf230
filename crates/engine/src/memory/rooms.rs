//! All rooms, in parts that are locked one by one.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tautline_protocol::model::{Epoch, PublicationId, RoomName, Timestamp};
use uuid::{ContextV7, Uuid};

use super::Budget;
use super::room::Room;
use crate::EngineError;

/// So many calls may be in different rooms at the same time.
pub(crate) const PARTS: usize = 64;

/// Rooms by name. A part's lock is the lock of every room in it.
///
/// Names are chosen by clients, so that parts and maps hash with a secret.
#[derive(Debug)]
pub(crate) struct Rooms {
    parts: Box<[Mutex<Part>]>,
    hasher: RandomState,
    epochs: Epochs,
    count: AtomicUsize,
    max: usize,
    budget: Arc<Budget>,
}

/// Where epochs come from: unguessable, and never the same for two lives of a room in which anything happened.
///
/// A room in which nothing has happened is thus forgotten without a trace: it begins again as it was.
#[derive(Debug, Default)]
struct Epochs {
    secret: RandomState,
    /// Grows whenever rooms are forgotten in which something may have happened.
    generation: AtomicU64,
}

impl Epochs {
    fn of(&self, name: &RoomName) -> Epoch {
        let generation = self.generation.load(Ordering::Relaxed);
        Epoch(self.secret.hash_one((name, generation)))
    }
}

/// The rooms that share a lock, and the source of their publications' ids.
#[derive(Debug, Default)]
pub(crate) struct Part {
    rooms: HashMap<RoomName, Room>,
    ids: ContextV7,
}

impl Rooms {
    pub(crate) fn new(rooms_max: usize, history_bytes_max: usize) -> Self {
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            epochs: Epochs::default(),
            count: AtomicUsize::new(0),
            max: rooms_max,
            budget: Arc::new(Budget::new(history_bytes_max)),
        }
    }

    /// How much history they keep.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Calls `act` with the room, which begins to exist if it did not.
    pub(crate) fn open<T>(
        &self,
        name: &RoomName,
        act: impl FnOnce(&mut Room, &ContextV7) -> T,
    ) -> Result<T, EngineError> {
        let mut part = self.part_of(name);
        let Part { rooms, ids } = &mut *part;
        if let Some(room) = rooms.get_mut(name) {
            return Ok(act(room, ids));
        }
        self.count_one()?;
        let room = Room::new(name.clone(), self.epochs.of(name), Arc::clone(&self.budget));
        Ok(act(rooms.entry(name.clone()).or_insert(room), ids))
    }

    /// Takes in a room, however many there are.
    pub(crate) fn insert(&self, name: &RoomName, room: Room) {
        let before = self.part_of(name).rooms.insert(name.clone(), room);
        if before.is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Calls `act` with the room if it exists.
    pub(crate) fn find<T>(&self, name: &RoomName, act: impl FnOnce(&mut Room) -> T) -> Option<T> {
        self.part_of(name).rooms.get_mut(name).map(act)
    }

    /// Calls `act` with the room if it exists, and forgets it if it is as if it had never been then.
    pub(crate) fn vacate<T>(&self, name: &RoomName, act: impl FnOnce(&mut Room) -> T) -> Option<T> {
        let mut part = self.part_of(name);
        let room = part.rooms.get_mut(name)?;
        let answer = act(room);
        if room.is_blank() {
            part.rooms.remove(name);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        Some(answer)
    }

    /// Calls `act` with every room, part after part.
    pub(crate) fn for_each(&self, mut act: impl FnMut(&mut Room)) {
        for part in &self.parts {
            part.lock().rooms.values_mut().for_each(&mut act);
        }
    }

    /// Forgets those rooms of one part that `forget` names. Parts are counted round and round.
    pub(crate) fn forget(&self, part: usize, mut forget: impl FnMut(&mut Room) -> bool) {
        let Some(part) = self.parts.get(part % PARTS) else {
            return;
        };
        let rooms = &mut part.lock().rooms;
        let before = rooms.len();
        rooms.retain(|_, room| !forget(room));
        self.forgot(before - rooms.len());
        if rooms.len() < rooms.capacity() / 4 {
            rooms.shrink_to(rooms.len() * 2);
        }
    }

    /// Forgets the room if `forget` says so.
    pub(crate) fn forget_one(&self, name: &RoomName, forget: impl FnOnce(&mut Room) -> bool) {
        let mut part = self.part_of(name);
        if part.rooms.get_mut(name).is_some_and(forget) {
            part.rooms.remove(name);
            self.forgot(1);
        }
    }

    /// Counts rooms that were forgotten in which something may have happened: to be called before their
    /// part's lock is given back, so that none of them can begin in its old epoch.
    fn forgot(&self, rooms: usize) {
        if rooms > 0 {
            self.epochs.generation.fetch_add(1, Ordering::Relaxed);
            self.count.fetch_sub(rooms, Ordering::Relaxed);
        }
    }

    fn count_one(&self) -> Result<(), EngineError> {
        if self.count.fetch_add(1, Ordering::Relaxed) < self.max {
            Ok(())
        } else {
            self.count.fetch_sub(1, Ordering::Relaxed);
            Err(EngineError::Full("there are too many rooms"))
        }
    }

    fn part_of(&self, name: &RoomName) -> MutexGuard<'_, Part> {
        let hash = self.hasher.hash_one(name);
        let index = usize::try_from(hash % PARTS as u64).expect("a remainder is small");
        self.parts
            .get(index)
            .expect("a remainder is less than the number of parts")
            .lock()
    }
}

/// A new id for a publication at `wall`, greater than the one before from the same context.
pub(crate) fn new_id(wall: Timestamp, ids: &ContextV7) -> PublicationId {
    let milliseconds = u32::try_from(wall.0 % 1_000).expect("a remainder is small");
    let time = uuid::Timestamp::from_unix(ids, wall.0 / 1_000, milliseconds * 1_000_000);
    PublicationId(Uuid::new_v7(time).into_bytes())
}
