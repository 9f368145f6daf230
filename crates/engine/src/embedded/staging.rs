//! One batch: what is written, and what happens in memory once the disk has it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::{Position, Publication, Retention, RoomName};
use uuid::ContextV7;

use super::call::Call;
use super::fault::Fault;
use super::shared::Shared;
use super::tables::{RoomRow, Tables, UsedKey, key_name};
use crate::memory::Now;
use crate::memory::anchor::{Belongings, OnDisk};
use crate::memory::cursors::Step;
use crate::memory::log::Kept;
use crate::memory::room::{Room, Seen};
use crate::memory::rooms::new_id;
use crate::{Cast, Draft, EngineError, Level, Published, Terms};

/// A room that keeps a fixed number drops its oldest by so many at once, rather than one by one.
const DROPPED_AT_ONCE: u64 = 32;

/// So many publications are deleted in one step at most.
pub(super) const SLICE: usize = 256;

/// What a transaction has changed so far, none of which is told before its end.
#[derive(Debug)]
pub(super) struct Staging<'s, 'c> {
    shared: &'s Shared,
    tables: &'s mut Tables<'c>,
    ids: &'s ContextV7,
    now: Now,
    rooms: HashMap<RoomName, RoomRow>,
    cursors: HashMap<(i64, Box<str>), Position>,
    kept: HashMap<Arc<str>, (Bytes, Duration)>,
    effects: Vec<Effect>,
    staged: Staged,
}

/// What is true once the transaction has ended.
#[derive(Debug)]
pub(super) struct Staged {
    /// How many keys the disk remembers.
    pub(super) keys: u64,
    /// Rooms of which there may be more to delete.
    pub(super) untidy: Vec<RoomName>,
    /// Whether anything else that has ended is to be looked for.
    pub(super) tidy: bool,
}

/// What happens in memory, in this order.
#[derive(Debug)]
enum Effect {
    Take {
        publication: Arc<Publication>,
        history: Retention,
    },
    Tell {
        room: RoomName,
        cast: Cast,
    },
    Advance {
        room: RoomName,
        user: Box<str>,
        to: Position,
    },
}

impl<'s, 'c> Staging<'s, 'c> {
    /// A batch that happens now, in a store with so many keys.
    pub(super) fn new(
        shared: &'s Shared,
        tables: &'s mut Tables<'c>,
        ids: &'s ContextV7,
        keys: u64,
    ) -> Self {
        Self {
            shared,
            tables,
            ids,
            now: shared.memory.clock.now(),
            rooms: HashMap::new(),
            cursors: HashMap::new(),
            kept: HashMap::new(),
            effects: Vec::new(),
            staged: Staged {
                keys,
                untidy: Vec::new(),
                tidy: false,
            },
        }
    }

    /// Writes what the call asks for, and prepares its answer.
    pub(super) fn stage(&mut self, call: &mut Call) -> Result<(), Fault> {
        match call {
            Call::Publish {
                room,
                draft,
                terms,
                asker,
            } => asker.prepare(self.publish(room, draft, *terms)?),
            Call::Relay { room, cast, asker } => {
                let (room, cast) = (room.clone(), cast.clone());
                self.effects.push(Effect::Tell { room, cast });
                asker.prepare(Ok(()));
            }
            Call::Go {
                room,
                user,
                step,
                asker,
            } => asker.prepare(self.go(room, user, *step)?),
            Call::Put {
                key,
                value,
                ttl,
                asker,
            } => asker.prepare(self.put(key, value, *ttl)?),
            Call::GiveUp { room, to } => self.give_up(room, *to)?,
            Call::Tidy(rooms) => {
                self.staged.untidy.append(rooms);
                self.staged.tidy = true;
            }
        }
        Ok(())
    }

    /// Writes where the rooms stand. Nothing is left but to end the transaction.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        for room in self.rooms.values_mut() {
            let held = room.span.head.offset - room.span.trimmed.offset;
            let excess = held.saturating_sub(u64::from(room.retention.count));
            if excess >= DROPPED_AT_ONCE {
                let to = room.span.trimmed.offset + excess.min(SLICE as u64);
                room.span.trimmed = room.position_at(&mut self.tables.log, to)?;
                if self.tables.log.delete(room.row, to, SLICE)? == SLICE {
                    self.staged.untidy.push(room.name.clone());
                }
            }
            self.tables.rooms.update(room, self.now.monotonic)?;
        }
        Ok(())
    }

    /// Has everything happen in memory: the disk has it.
    pub(super) fn apply(self) -> Staged {
        let memory = &self.shared.memory;
        let ring_max = self.shared.limits.ring_max;
        for (name, room) in self.rooms {
            let (row, trimmed) = (room.row, room.span.trimmed);
            memory.rooms.find(&name, |room| {
                room.anchor(OnDisk { row, trimmed }, ring_max);
            });
        }
        for effect in self.effects {
            match effect {
                Effect::Take {
                    publication,
                    history,
                } => {
                    let name = publication.room.clone();
                    let take = |room: &mut Room| {
                        room.take(publication, history, self.now);
                    };
                    memory.rooms.find(&name, take);
                }
                Effect::Tell { room, cast } => {
                    memory.rooms.find(&room, |room| room.relay(cast));
                }
                Effect::Advance { room, user, to } => {
                    memory
                        .rooms
                        .find(&room, |room| room.cursors().set(&user, to));
                }
            }
        }
        let now = self.now.monotonic;
        let mut kept = memory.kept.lock();
        for (key, (value, ttl)) in self.kept {
            kept.insert(key, value, now, ttl);
        }
        drop(kept);
        self.staged
    }

    fn publish(
        &mut self,
        name: &RoomName,
        draft: &Draft,
        terms: Terms,
    ) -> Result<Result<Published, EngineError>, Fault> {
        let mut room = self.room(name)?;
        let position = Position {
            epoch: room.span.head.epoch,
            offset: room.span.head.offset + 1,
            id: new_id(self.now.wall, self.ids),
        };
        if let Some(answer) = self.use_key(&room, draft, position, terms.key_window)? {
            return Ok(answer);
        }
        if room.retention != terms.history {
            // What has ended under the terms that held until now does not come back under longer ones.
            let log = &mut self.tables.log;
            let ended = room.ended(log, self.now.monotonic, u64::MAX)?;
            room.span.trimmed = room.position_at(log, ended)?;
            room.retention = terms.history;
            self.staged.untidy.push(name.clone());
        }
        let publication = Arc::new(Publication {
            room: name.clone(),
            position,
            event: draft.event.clone(),
            data: draft.data.clone(),
            user: draft.user.clone(),
            tag: draft.tag.clone(),
            sent_at: self.now.wall,
        });
        room.span.head = position;
        if terms.history.count == 0 {
            room.span.trimmed = position;
        } else {
            let kept = Kept {
                at: self.now.monotonic,
                publication: Arc::clone(&publication),
            };
            self.tables.log.insert(room.row, &kept)?;
        }
        self.rooms.insert(name.clone(), room);
        self.effects.push(Effect::Take {
            publication,
            history: terms.history,
        });
        Ok(Ok(Published {
            position,
            duplicate: false,
            level: Level::Disk,
        }))
    }

    /// Notes that the draft's key stands for this position, or answers what it stands for already.
    fn use_key(
        &mut self,
        room: &RoomRow,
        draft: &Draft,
        position: Position,
        window: Duration,
    ) -> Result<Option<Result<Published, EngineError>>, Fault> {
        let Some(key) = &draft.key else {
            return Ok(None);
        };
        let name = key_name(draft.user.as_deref(), &key.0);
        let content = draft.content();
        let new = UsedKey {
            offset: position.offset,
            id: position.id,
            content,
            ends: self.now.monotonic.saturating_add(window),
        };
        let keys = &mut self.tables.keys;
        let has_place = self.staged.keys < self.shared.limits.keys_max;
        // Most keys are new, and then there is nothing to be looked up.
        if has_place && keys.add(room.row, &name, new)? {
            self.staged.keys += 1;
            return Ok(None);
        }
        match keys.get(room.row, &name)? {
            Some(used) if self.now.monotonic < used.ends => {
                let position = Position {
                    offset: used.offset,
                    id: used.id,
                    ..position
                };
                let seen = Seen {
                    position,
                    content: used.content,
                };
                Ok(Some(seen.answer(content, Level::Disk)))
            }
            Some(_) => {
                keys.put(room.row, &name, new)?;
                Ok(None)
            }
            None => {
                let why = EngineError::Full("the store remembers no more keys");
                Ok(Some(Err(why)))
            }
        }
    }

    fn go(
        &mut self,
        name: &RoomName,
        user: &str,
        step: Step,
    ) -> Result<Result<Position, EngineError>, Fault> {
        let room = self.room(name)?;
        let place = (room.row, user.into());
        let rooms = &self.shared.memory.rooms;
        let (in_memory, count) = rooms
            .find(name, |room| (room.cursor(user), room.cursors().len()))
            .unwrap_or_default();
        let cursor = self.cursors.get(&place).copied().or(in_memory);
        let new = self.cursors.keys().filter(|(row, _)| *row == room.row);
        if cursor.is_none() && count + new.count() >= self.shared.memory.limits.cursors_max {
            let why = EngineError::Full("this room keeps no more cursors");
            return Ok(Err(why));
        }
        let stands = step.from(cursor, room.span.head.epoch);
        if cursor != Some(stands) {
            self.tables.cursors.put(room.row, user, stands)?;
            self.cursors.insert(place, stands);
            self.effects.push(Effect::Advance {
                room: name.clone(),
                user: user.into(),
                to: stands,
            });
        }
        Ok(Ok(stands))
    }

    fn put(
        &mut self,
        key: &Arc<str>,
        value: &Bytes,
        ttl: Duration,
    ) -> Result<Result<bool, EngineError>, Fault> {
        let now = self.now.monotonic;
        let mut kept = self.shared.memory.kept.lock();
        if kept.get(key, now).is_some() || self.kept.contains_key(key) {
            return Ok(Ok(false));
        }
        kept.expire(now);
        if kept.len() + self.kept.len() >= self.shared.memory.limits.kept_max {
            return Ok(Err(EngineError::Full("no more values can be kept")));
        }
        drop(kept);
        let ends = now.saturating_add(ttl);
        self.tables.kept.put(key, value, ends)?;
        self.kept.insert(Arc::clone(key), (value.clone(), ttl));
        Ok(Ok(true))
    }

    fn give_up(&mut self, name: &RoomName, to: u64) -> Result<(), Fault> {
        if self.shared.stored(name).is_none() {
            return Ok(());
        }
        let mut room = self.room(name)?;
        if room.span.trimmed.offset < to && to <= room.span.head.offset {
            room.span.trimmed = room.position_at(&mut self.tables.log, to)?;
            self.rooms.insert(name.clone(), room);
            self.staged.untidy.push(name.clone());
        }
        Ok(())
    }

    /// The room as this batch has left it. One that no disk has gets its place on this one.
    fn room(&mut self, name: &RoomName) -> Result<RoomRow, Fault> {
        if let Some(room) = self.rooms.get(name) {
            return Ok(room.clone());
        }
        if let Some(room) = self.shared.stored(name) {
            return Ok(room);
        }
        let now = self.now.monotonic;
        let rooms = &self.shared.memory.rooms;
        match rooms.find(name, |room| room.belongings(now)) {
            Some(belongings) => self.move_in(name, belongings),
            None => Err(Fault::Other(format!("room {name} is forgotten"))),
        }
    }

    fn move_in(&mut self, name: &RoomName, belongings: Belongings) -> Result<RoomRow, Fault> {
        let Belongings {
            span,
            retention,
            kept,
            keys,
            cursors,
        } = belongings;
        let room = RoomRow {
            row: self.tables.rooms.insert(name)?,
            name: name.clone(),
            span,
            retention,
        };
        for kept in &kept {
            self.tables.log.insert(room.row, kept)?;
        }
        for ((user, key), seen, ends) in keys {
            let used = UsedKey {
                offset: seen.position.offset,
                id: seen.position.id,
                content: seen.content,
                ends,
            };
            let name = key_name(user.as_deref(), &key);
            self.tables.keys.put(room.row, &name, used)?;
            self.staged.keys += 1;
        }
        for (user, at) in cursors {
            self.tables.cursors.put(room.row, &user, at)?;
        }
        self.rooms.insert(name.clone(), room.clone());
        Ok(room)
    }
}
