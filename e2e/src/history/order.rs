//! What all clients, and the log, must agree on: which publication is where in a room. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tautline_protocol::model::{Epoch, Position, PublicationId};

use super::{Entry, Event, Fault, History, Key, Log, Promise, Rewind, Room, Violation};

/// The places of all publications of all rooms, as far as anybody has told of them.
#[derive(Debug)]
pub(super) struct Order<'a> {
    rewinds: &'a [Rewind],
    lives: HashMap<(Room, usize, Epoch), Life>,
    sent: HashSet<(Room, Key)>,
    acknowledged: Vec<Acknowledged>,
}

/// One epoch of a room, within an era.
#[derive(Debug, Default)]
struct Life {
    /// Where clients stood who were told that they have missed nothing.
    recovered: Vec<Position>,
    places: HashMap<u64, (PublicationId, Option<Key>)>,
    /// In each producer's order.
    keys: BTreeMap<Key, u64>,
}

/// A log, by place.
struct Kept<'a> {
    log: &'a Log,
    places: HashMap<u64, Option<Key>>,
}

#[derive(Debug)]
struct Acknowledged {
    room: Room,
    client: String,
    era: usize,
    key: Key,
    position: Position,
}

impl<'a> Order<'a> {
    pub(super) fn new(rewinds: &'a [Rewind]) -> Self {
        Self {
            rewinds,
            lives: HashMap::new(),
            sent: HashSet::new(),
            acknowledged: Vec::new(),
        }
    }

    /// Takes note of where a client says that something is.
    pub(super) fn note(
        &mut self,
        history: &History,
        entry: &Entry,
        violations: &mut Vec<Violation>,
    ) {
        let room = &entry.room;
        let placed = match entry.event {
            Event::Sent(key) => {
                self.sent.insert((Arc::clone(room), key));
                return;
            }
            Event::Published { key, position } => {
                self.acknowledged.push(Acknowledged {
                    room: Arc::clone(room),
                    client: history.client.clone(),
                    era: entry.era,
                    key,
                    position,
                });
                (position, Some(key))
            }
            Event::Delivered { position, key } | Event::Redelivered { position, key } => {
                (position, key)
            }
            Event::Joined {
                since: Some(since),
                recovered: true,
                ..
            } => {
                let life = self.life(room, entry.era, since.epoch);
                life.recovered.push(since);
                return;
            }
            Event::Joined { .. } | Event::Missed(_) | Event::Acked { .. } | Event::Left => return,
        };
        let faults = self.life(room, entry.era, placed.0.epoch).place(placed);
        violations.extend(
            faults
                .into_iter()
                .map(|fault| Violation::of(history, room, fault)),
        );
    }

    /// Takes note of what a room has in the end.
    pub(super) fn note_log(&mut self, log: &Log, violations: &mut Vec<Violation>) {
        let mut faults = Vec::new();
        let mut expected = log.behind.offset + 1;
        for &placed in &log.publications {
            if placed.0.offset != expected {
                faults.push(Fault::LogHole(expected));
            }
            expected = placed.0.offset + 1;
            let era = self.rewinds.len();
            let life = self.life(&log.room, era, placed.0.epoch);
            faults.extend(life.place(placed));
        }
        violations.extend(
            faults
                .into_iter()
                .map(|fault| Violation::of_log(&log.room, fault)),
        );
    }

    fn life(&mut self, room: &Room, era: usize, epoch: Epoch) -> &mut Life {
        let life = (Arc::clone(room), era, epoch);
        self.lives.entry(life).or_default()
    }

    /// What shows only when everything is known: what nobody sent, what is in another order than it was sent
    /// in, and what was acknowledged and is not there.
    pub(super) fn finish(&self, logs: &[Log], violations: &mut Vec<Violation>) {
        for ((room, _, epoch), life) in &self.lives {
            let faults = self.invented(room, *epoch, life);
            let faults = faults.chain(life.disorder(*epoch)).chain(life.strangers());
            violations.extend(faults.map(|fault| Violation::of_log(room, fault)));
        }
        let kept: HashMap<&Room, Kept<'_>> =
            logs.iter().map(|log| (&log.room, Kept::of(log))).collect();
        for told in &self.acknowledged {
            let is_lost = kept
                .get(&told.room)
                .is_some_and(|kept| kept.has_lost(told, self.rewinds.get(told.era)));
            if is_lost {
                violations.push(Violation {
                    room: Arc::clone(&told.room),
                    witness: told.client.clone(),
                    fault: Fault::Lost(told.key, told.position),
                });
            }
        }
    }

    fn invented<'l>(
        &'l self,
        room: &'l Room,
        epoch: Epoch,
        life: &'l Life,
    ) -> impl Iterator<Item = Fault> + 'l {
        let unknown = life.places.iter().filter(|(_, (_, key))| {
            key.is_none_or(|key| !self.sent.contains(&(Arc::clone(room), key)))
        });
        unknown.map(move |(&offset, &(id, _))| Fault::Invented(Position { epoch, offset, id }))
    }
}

impl Life {
    fn place(&mut self, (position, key): (Position, Option<Key>)) -> Vec<Fault> {
        let Position { epoch, offset, id } = position;
        let mut faults = Vec::new();
        let (known_id, known) = *self.places.entry(offset).or_insert((id, key));
        if known_id != id {
            faults.push(Fault::TwoIds { epoch, offset });
        }
        if known != key {
            faults.push(Fault::TwoAtOnePlace {
                position,
                here: key,
                elsewhere: known,
            });
        }
        if let Some(key) = key {
            let first = *self.keys.entry(key).or_insert(offset);
            if first != offset {
                faults.push(Fault::TwoPlaces {
                    key,
                    epoch,
                    first,
                    second: offset,
                });
            }
        }
        faults
    }

    /// Those who recovered from a place that is another publication's. A place that nobody saw cannot be judged.
    fn strangers(&self) -> impl Iterator<Item = Fault> + '_ {
        let is_strange = |since: &&Position| {
            let place = self.places.get(&since.offset);
            place.is_some_and(|(id, _)| *id != since.id)
        };
        let strange = self.recovered.iter().filter(is_strange);
        strange.map(|&since| Fault::RecoveredElsewhere { since })
    }

    /// Neighbors of one producer that are not in its order.
    fn disorder(&self, epoch: Epoch) -> impl Iterator<Item = Fault> + '_ {
        let pairs = self.keys.iter().zip(self.keys.iter().skip(1));
        let wrong = pairs.filter(|((earlier, before), (later, behind))| {
            earlier.producer == later.producer && before > behind
        });
        wrong.map(move |((&earlier, _), (&later, _))| Fault::ProducerOrder {
            earlier,
            later,
            epoch,
        })
    }
}

impl<'a> Kept<'a> {
    fn of(log: &'a Log) -> Self {
        let publications = log.publications.iter();
        let places = publications.map(|(position, key)| (position.offset, *key));
        Self {
            log,
            places: places.collect(),
        }
    }

    /// Whether the log should have it, and does not. What was trimmed cannot be judged, and what an older copy
    /// of the disk does not have may be lost: `rewind` is the end of the era in which it was acknowledged.
    fn has_lost(&self, told: &Acknowledged, rewind: Option<&Rewind>) -> bool {
        let Position { epoch, offset, .. } = told.position;
        let is_durable = self.log.promise == Promise::Durable;
        let copied = rewind.map(|rewind| rewind.heads.get(&told.room));
        match copied {
            None if epoch != self.log.behind.epoch => return is_durable,
            None => {}
            Some(Some(head)) if epoch != head.epoch => return is_durable,
            Some(Some(head)) if offset <= head.offset => {}
            Some(_) => return false,
        }
        let is_trimmed = offset <= self.log.behind.offset;
        !is_trimmed && self.places.get(&offset) != Some(&Some(told.key))
    }
}
