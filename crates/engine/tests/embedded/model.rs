//! Whatever happens, a durable room answers as one in memory does, over restarts, too.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tautline_engine::embedded::EmbeddedEngine;
use tautline_engine::memory::{ManualClock, MemoryEngine, MemoryLimits};
use tautline_engine::{
    Draft, Engine, EngineError, Key, Level, MissingReason, Page, Published, Range, Terms,
};
use tautline_protocol::model::{
    EventName, Position, PublicationId, Retention, RoomName, Timestamp,
};

use crate::disk::Disk;

const ROOMS: [&str; 3] = ["durable", "durable:2", "later"];

#[derive(Debug, Clone, Copy)]
enum Step {
    Publish {
        room: usize,
        user: u8,
        key: Option<u8>,
        content: u8,
        terms: Terms,
    },
    Wait(Duration),
    Last {
        room: usize,
        limit: u32,
    },
    Before {
        room: usize,
        offset: u64,
        limit: u32,
    },
    After {
        room: usize,
        from: From,
        limit: u32,
    },
    Advance {
        room: usize,
        user: u8,
        offset: u64,
    },
    Sweep,
    Restart,
}

/// A position: one that was answered, or one like it.
#[derive(Debug, Clone, Copy)]
struct From {
    offset: u64,
    other_id: bool,
    other_epoch: bool,
}

fn terms() -> impl Strategy<Value = Terms> {
    let seconds = |range: std::ops::Range<u64>| range.prop_map(Duration::from_secs);
    let level = prop_oneof![Just(Level::Memory), Just(Level::Disk)];
    (0..6_u32, seconds(0..9), seconds(1..9), level).prop_map(|(count, age, key_window, level)| {
        Terms {
            history: Retention { count, age },
            level,
            key_window,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let room = 0..ROOMS.len();
    let limit = 0..7_u32;
    let publish = (room.clone(), 0..2_u8, option::of(0..4_u8), 0..2_u8, terms()).prop_map(
        |(room, user, key, content, terms)| Step::Publish {
            room,
            user,
            key,
            content,
            terms,
        },
    );
    let from = (0..20_u64, 0..8_u8, 0..8_u8).prop_map(|(offset, id, epoch)| From {
        offset,
        other_id: id == 0,
        other_epoch: epoch == 0,
    });
    prop_oneof![
        8 => publish,
        2 => (0..4_u64).prop_map(|by| Step::Wait(Duration::from_secs(by))),
        2 => (room.clone(), limit.clone()).prop_map(|(room, limit)| Step::Last { room, limit }),
        2 => (room.clone(), 0..20_u64, limit.clone())
            .prop_map(|(room, offset, limit)| Step::Before { room, offset, limit }),
        3 => (room.clone(), from, limit)
            .prop_map(|(room, from, limit)| Step::After { room, from, limit }),
        1 => (room, 0..2_u8, 0..20_u64)
            .prop_map(|(room, user, offset)| Step::Advance { room, user, offset }),
        1 => Just(Step::Sweep),
        1 => Just(Step::Restart),
    ]
}

/// What both engines must agree on; epochs and ids are their own.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Published(Result<(u64, bool), EngineError>),
    Page {
        publications: Vec<(u64, Vec<u8>)>,
        head: u64,
        more: bool,
        missing: Option<(u64, u64, MissingReason)>,
    },
    Cursor(u64),
    Nothing,
}

/// An engine, and the positions that it has answered.
struct Side<E> {
    engine: E,
    clock: ManualClock,
    positions: [Vec<Position>; ROOMS.len()],
}

impl<E: Engine> Side<E> {
    fn new(engine: E, clock: ManualClock) -> Self {
        Self {
            engine,
            clock,
            positions: Default::default(),
        }
    }

    async fn position(&self, room: usize, from: From) -> Position {
        let head = self.engine.head(&name(room)).await.unwrap();
        let index = usize::try_from(from.offset).unwrap();
        let mut position = match index.checked_sub(1) {
            None => Position::start(head.epoch),
            Some(index) => self.positions[room]
                .get(index)
                .copied()
                .unwrap_or(Position {
                    offset: from.offset,
                    ..head
                }),
        };
        if from.other_id {
            position.id = PublicationId([7; 16]);
        }
        if from.other_epoch {
            position.epoch.0 ^= 1;
        }
        position
    }

    async fn publish(&mut self, room: usize, draft: Draft, terms: Terms) -> Said {
        let answer = self.engine.publish(&name(room), draft, terms).await;
        if let Ok(Published {
            position,
            duplicate,
            ..
        }) = answer
        {
            let positions = &mut self.positions[room];
            if duplicate {
                let index = usize::try_from(position.offset).unwrap() - 1;
                assert_eq!(positions[index], position);
            } else {
                positions.push(position);
            }
        }
        Said::Published(answer.map(|published| (published.position.offset, published.duplicate)))
    }

    async fn read(&self, room: usize, range: Range) -> Said {
        let Page {
            publications,
            head,
            more,
            missing,
        } = self.engine.read(&name(room), range).await.unwrap();
        for publication in &publications {
            let index = usize::try_from(publication.position.offset).unwrap() - 1;
            assert_eq!(publication.position, self.positions[room][index]);
        }
        let content = publications.iter().map(|publication| {
            let offset = publication.position.offset;
            (offset, publication.data.to_vec())
        });
        Said::Page {
            publications: content.collect(),
            head: head.offset,
            more,
            missing: missing.map(|missing| {
                if let Some(before) = missing.last.offset.checked_sub(1) {
                    let index = usize::try_from(before).unwrap();
                    assert_eq!(missing.last, self.positions[room][index]);
                }
                (missing.from, missing.last.offset, missing.reason)
            }),
        }
    }

    async fn take(&mut self, step: Step) -> Said {
        match step {
            Step::Publish {
                room,
                user,
                key,
                content,
                terms,
            } => {
                let draft = Draft {
                    event: EventName::chat(),
                    data: content.to_string().into(),
                    user: Some(user.to_string().into()),
                    tag: None,
                    key: key.map(|key| Key(key.to_string().into())),
                };
                self.publish(room, draft, terms).await
            }
            Step::Wait(by) => {
                self.clock.advance(by);
                Said::Nothing
            }
            Step::Last { room, limit } => self.read(room, Range::Last { limit }).await,
            Step::Before {
                room,
                offset,
                limit,
            } => self.read(room, Range::Before { offset, limit }).await,
            Step::After { room, from, limit } => {
                let position = self.position(room, from).await;
                self.read(room, Range::After { position, limit }).await
            }
            Step::Advance { room, user, offset } => {
                let from = From {
                    offset,
                    other_id: false,
                    other_epoch: false,
                };
                let to = self.position(room, from).await;
                let user = user.to_string();
                let stands = self.engine.advance(&name(room), &user, to).await.unwrap();
                let cursor = self.engine.cursor(&name(room), &user).await;
                assert_eq!(cursor, Ok(Some(stands)));
                Said::Cursor(stands.offset)
            }
            Step::Sweep | Step::Restart => Said::Nothing,
        }
    }
}

fn name(room: usize) -> RoomName {
    crate::disk::room(ROOMS[room])
}

/// The first two rooms are durable from the beginning, the last only when a step says so.
fn as_durable(mut step: Step, memory: bool) -> Step {
    if let Step::Publish { room, terms, .. } = &mut step {
        terms.level = match (memory, *room) {
            (true, _) => Level::Memory,
            (false, 0 | 1) => Level::Disk,
            (false, _) => terms.level,
        };
    }
    step
}

/// Whether a restart would lose what was never to outlive one.
struct Volatile([bool; ROOMS.len()]);

impl Volatile {
    fn note(&mut self, step: Step, stored: &mut [bool; ROOMS.len()]) {
        match step {
            Step::Publish { room, terms, .. } => {
                stored[room] |= terms.level == Level::Disk;
                self.0[room] = !stored[room];
            }
            Step::Advance { room, .. } => self.0[room] = !stored[room],
            Step::Wait(_)
            | Step::Last { .. }
            | Step::Before { .. }
            | Step::After { .. }
            | Step::Sweep
            | Step::Restart => (),
        }
    }
}

async fn compare(steps: Vec<Step>, ring_max: usize) -> Result<(), TestCaseError> {
    let disk = Disk::with_ring(ring_max);
    let clock = ManualClock::new(Timestamp(1_800_000_000_000));
    let memory = MemoryEngine::new(MemoryLimits::default(), Arc::new(clock.clone()));
    let mut memory = Side::new(memory, clock);
    let mut stored: Side<EmbeddedEngine> = Side::new(disk.open(), disk.clock.clone());
    let mut volatile = Volatile([false; ROOMS.len()]);
    let mut on_disk = [false; ROOMS.len()];
    for step in steps {
        let durably = as_durable(step, false);
        volatile.note(durably, &mut on_disk);
        let in_memory = memory.take(as_durable(step, true)).await;
        let on_disk = stored.take(durably).await;
        prop_assert_eq!(in_memory, on_disk, "{:?}", step);
        match step {
            Step::Sweep => (0..64).for_each(|_| stored.engine.sweep()),
            Step::Restart if !volatile.0.contains(&true) => {
                drop(stored.engine);
                stored.engine = disk.open();
            }
            Step::Restart
            | Step::Publish { .. }
            | Step::Wait(_)
            | Step::Last { .. }
            | Step::Before { .. }
            | Step::After { .. }
            | Step::Advance { .. } => (),
        }
    }
    prop_assert_eq!(stored.engine.take_notices(), Vec::<String>::new());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_durable_room_does_what_one_in_memory_does(
        steps in vec(step(), 1..80),
        ring_max in 0..5_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(steps, ring_max))?;
    }
}
