//! The room against a naive model of it, over arbitrary sequences of operations.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tautline_protocol::model::{
    Epoch, EventName, Position, PublicationId, Retention, RoomName, Timestamp,
};

use super::Budget;
use super::clock::Now;
use super::room::{Room, Stamp};
use crate::{
    Draft, EngineError, Event, Key, Level, Listener, Missing, MissingReason, Page, Published,
    Range, Terms, inbox,
};

const KEYS_MAX: usize = 3;
const EPOCH: Epoch = Epoch(7);

#[derive(Debug, Clone, Copy)]
enum Step {
    Publish {
        user: u8,
        key: Option<u8>,
        content: u8,
        terms: Terms,
    },
    Wait(Duration),
    Read(Range),
    /// After the position of what was published at this offset.
    Resume {
        offset: u64,
        limit: u32,
    },
}

fn seconds(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_secs)
}

fn terms() -> impl Strategy<Value = Terms> {
    (0..6_u32, seconds(0..9), seconds(1..9)).prop_map(|(count, age, key_window)| Terms {
        history: Retention { count, age },
        level: Level::Memory,
        key_window,
    })
}

fn position() -> impl Strategy<Value = Position> {
    (6..8_u64, 0..12_u64, 0..12_u8).prop_map(|(epoch, offset, id)| Position {
        epoch: Epoch(epoch),
        offset,
        id: PublicationId([id; 16]),
    })
}

fn step() -> impl Strategy<Value = Step> {
    let publish =
        (0..2_u8, option::of(0..4_u8), 0..2_u8, terms()).prop_map(|(user, key, content, terms)| {
            Step::Publish {
                user,
                key,
                content,
                terms,
            }
        });
    let limit = 0..5_u32;
    let range = prop_oneof![
        limit.clone().prop_map(|limit| Range::Last { limit }),
        (0..20_u64, limit.clone()).prop_map(|(offset, limit)| Range::Before { offset, limit }),
        (position(), limit.clone()).prop_map(|(position, limit)| Range::After { position, limit }),
    ];
    prop_oneof![
        5 => publish,
        2 => seconds(0..4).prop_map(Step::Wait),
        2 => range.prop_map(Step::Read),
        2 => (0..20_u64, limit).prop_map(|(offset, limit)| Step::Resume { offset, limit }),
    ]
}

/// Remembers everything and trims nothing: it only counts what is gone.
#[derive(Debug, Default)]
struct Model {
    published: Vec<Record>,
    keys: Vec<UsedKey>,
    trimmed: usize,
    history: Option<Retention>,
    now: Duration,
}

#[derive(Debug, Clone)]
struct Record {
    position: Position,
    data: Bytes,
    at: Duration,
}

#[derive(Debug)]
struct UsedKey {
    name: (u8, u8),
    content: u8,
    position: Position,
    end: Duration,
}

impl Model {
    fn position_at(&self, offset: usize) -> Position {
        match offset.checked_sub(1) {
            None => Position::start(EPOCH),
            Some(index) => self.published[index].position,
        }
    }

    fn head(&self) -> Position {
        self.position_at(self.published.len())
    }

    fn trim(&mut self) {
        let Some(Retention { count, age }) = self.history else {
            return;
        };
        let excess = self.published.len().saturating_sub(count as usize);
        self.trimmed = self.trimmed.max(excess);
        while let Some(oldest) = self.published.get(self.trimmed)
            && oldest.at + age <= self.now
        {
            self.trimmed += 1;
        }
    }

    fn publish(
        &mut self,
        name: Option<(u8, u8)>,
        content: u8,
        terms: Terms,
    ) -> Result<Published, EngineError> {
        self.trim();
        let now = self.now;
        self.keys.retain(|used| used.end > now);
        if let Some(used) = self.keys.iter().find(|used| Some(used.name) == name) {
            return if used.content == content {
                Ok(answer(used.position, true))
            } else {
                Err(EngineError::Conflict)
            };
        }
        if name.is_some() && self.keys.len() == KEYS_MAX {
            return Err(EngineError::Full("this room remembers no more keys"));
        }
        let offset = self.published.len() as u64 + 1;
        let position = Position {
            epoch: EPOCH,
            offset,
            id: id_of(offset),
        };
        let end = now + terms.key_window;
        self.keys.extend(name.map(|name| UsedKey {
            name,
            content,
            position,
            end,
        }));
        let data = data_of(content);
        self.published.push(Record {
            position,
            data,
            at: now,
        });
        self.history = Some(terms.history);
        self.trim();
        Ok(answer(position, false))
    }

    /// The offsets of the page, whether there is more, and what is missing.
    fn read(&mut self, range: Range) -> (Vec<u64>, bool, Option<Missing>) {
        self.trim();
        let kept = self.trimmed as u64 + 1..=self.published.len() as u64;
        match range {
            Range::Last { limit } => newest(kept.collect(), limit),
            Range::Before { offset, limit } => {
                newest(kept.filter(|other| *other < offset).collect(), limit)
            }
            Range::After { position, limit } => {
                let missing = self.missing(position);
                let mut page: Vec<u64> = kept
                    .filter(|other| missing.is_some() || *other > position.offset)
                    .collect();
                let more = page.len() > limit as usize;
                page.truncate(limit as usize);
                (page, more, missing)
            }
        }
    }

    fn missing(&self, position: Position) -> Option<Missing> {
        let trimmed = self.trimmed as u64;
        let known = position.offset < trimmed
            || position.offset <= self.head().offset
                && position == self.position_at(usize::try_from(position.offset).unwrap());
        let (from, reason) = if position.epoch != EPOCH || !known {
            (1, MissingReason::EpochChanged)
        } else if position.offset < trimmed {
            (position.offset + 1, MissingReason::Evicted)
        } else {
            return None;
        };
        Some(Missing {
            from,
            last: self.position_at(self.trimmed),
            reason,
        })
    }
}

fn newest(mut offsets: Vec<u64>, limit: u32) -> (Vec<u64>, bool, Option<Missing>) {
    let older = offsets.len().saturating_sub(limit as usize);
    (offsets.split_off(older), older > 0, None)
}

fn answer(position: Position, duplicate: bool) -> Published {
    Published {
        position,
        duplicate,
        level: Level::Memory,
    }
}

fn id_of(offset: u64) -> PublicationId {
    PublicationId([u8::try_from(offset).unwrap(); 16])
}

fn data_of(content: u8) -> Bytes {
    Bytes::from(content.to_string())
}

/// Takes one step in both, and compares what they answer.
fn take(step: Step, model: &mut Model, room: &mut Room) -> Result<(), TestCaseError> {
    match step {
        Step::Wait(by) => model.now += by,
        Step::Publish {
            user,
            key,
            content,
            terms,
        } => {
            let draft = Draft {
                event: EventName::chat(),
                data: data_of(content),
                user: Some(user.to_string().into()),
                tag: None,
                key: key.map(|key| Key(key.to_string().into())),
            };
            let now = Now {
                wall: Timestamp(0),
                monotonic: model.now,
                at: Instant::now(),
            };
            let id = id_of(model.head().offset + 1);
            let answer = room.publish(draft, terms, Stamp { id, now }, KEYS_MAX);
            let name = key.map(|key| (user, key));
            prop_assert_eq!(answer, model.publish(name, content, terms));
        }
        Step::Read(range) => compare_pages(range, model, room)?,
        Step::Resume { offset, limit } => {
            let offset = usize::try_from(offset).unwrap();
            let position = model.position_at(offset.min(model.published.len()));
            compare_pages(Range::After { position, limit }, model, room)?;
        }
    }
    prop_assert_eq!(room.head(), model.head());
    Ok(())
}

fn compare_pages(range: Range, model: &mut Model, room: &mut Room) -> Result<(), TestCaseError> {
    let Page {
        publications,
        head,
        more,
        missing,
    } = room.read(range, model.now);
    let (offsets, more_in_model, missing_in_model) = model.read(range);
    prop_assert_eq!((more, missing), (more_in_model, missing_in_model));
    prop_assert_eq!(head, model.head());
    prop_assert_eq!(publications.len(), offsets.len());
    for (publication, offset) in publications.iter().zip(offsets) {
        let record = &model.published[usize::try_from(offset).unwrap() - 1];
        prop_assert_eq!(publication.position, record.position);
        prop_assert_eq!(&publication.data, &record.data);
    }
    Ok(())
}

/// What the room told its watcher: positions, each with the id before it.
fn told(mut events: crate::Events) -> Vec<(Position, PublicationId)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let mut heard = Vec::new();
    runtime.unwrap().block_on(events.receive(&mut heard, 1_000));
    let position = |event| match event {
        Event::Published {
            publication,
            previous,
            at: _,
        } => (publication.position, previous),
        Event::Cast { .. } | Event::Members { .. } | Event::Gap { .. } | Event::Signal(_) => {
            panic!("the room told {event:?}")
        }
    };
    heard.into_iter().map(position).collect()
}

proptest! {
    #[test]
    fn a_room_does_what_a_naive_model_does(steps in vec(step(), 1..60)) {
        let mut model = Model::default();
        let mut room = Room::new(
            RoomName::parse("room").unwrap(),
            EPOCH,
            Arc::new(Budget::new(usize::MAX)),
        );
        let (inbox, events) = inbox(1_000);
        room.watch(Listener(0), &inbox);
        for step in steps {
            take(step, &mut model, &mut room)?;
        }
        // The room and this test are all who could tell more.
        drop((room, inbox));
        let expected: Vec<_> = (1..=model.published.len())
            .map(|offset| (model.position_at(offset), model.position_at(offset - 1).id))
            .collect();
        prop_assert_eq!(told(events), expected);
    }
}
