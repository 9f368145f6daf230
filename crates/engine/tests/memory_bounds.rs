//! The memory engine's own facts: its bounds, and the rooms that it forgets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use tautline_engine::memory::{ManualClock, MemoryEngine, MemoryLimits};
use tautline_engine::{
    Draft, Engine, EngineError, Event, Keep, Key, Level, Listener, Members, Range, Terms, inbox,
};
use tautline_protocol::model::{
    ConnectionId, EventName, Member, NodeId, Position, Retention, RoomName, Timestamp,
};

const NODE: NodeId = NodeId(1);
const LONG: Duration = Duration::from_hours(10);

fn engine(limits: MemoryLimits) -> (MemoryEngine, ManualClock) {
    let clock = ManualClock::new(Timestamp(1_800_000_000_000));
    (MemoryEngine::new(limits, Arc::new(clock.clone())), clock)
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

fn draft(key: Option<&str>) -> Draft {
    Draft {
        event: EventName::chat(),
        data: "1".into(),
        user: None,
        tag: None,
        key: key.map(|key| Key(key.into())),
    }
}

fn terms(count: u32) -> Terms {
    Terms {
        history: Retention {
            count,
            age: Duration::from_mins(5),
        },
        level: Level::Memory,
        key_window: Duration::from_mins(5),
    }
}

fn member(slot: u32) -> Member {
    Member {
        connection: ConnectionId {
            node: NODE,
            shard: 0,
            slot,
            serial: 0,
        },
        user: "ann".into(),
        name: "Ann".into(),
        state: None,
    }
}

/// Calls `sweep` until every room has been visited.
fn sweep(engine: &MemoryEngine) {
    for _ in 0..64 {
        engine.sweep();
    }
}

/// Whether the room is forgotten when it has been idle for long after `using` it.
async fn is_forgotten_after(using: impl AsyncFnOnce(&MemoryEngine, &RoomName)) -> bool {
    let (engine, clock) = engine(MemoryLimits::default());
    let room = room("room");
    engine.renew(NODE, LONG).await.unwrap();
    engine.publish(&room, draft(None), terms(0)).await.unwrap();
    let epoch = engine.head(&room).await.unwrap().epoch;
    using(&engine, &room).await;
    sweep(&engine);
    clock.advance(Duration::from_mins(10));
    sweep(&engine);
    engine.head(&room).await.unwrap().epoch != epoch
}

#[tokio::test]
async fn an_idle_room_is_forgotten_and_begins_a_new_epoch() {
    assert!(is_forgotten_after(async |_, _| {}).await);
}

#[tokio::test]
async fn a_room_in_which_nothing_happened_is_forgotten_when_it_is_left() {
    let limits = MemoryLimits {
        rooms_max: 1,
        ..MemoryLimits::default()
    };
    let (engine, _) = engine(limits);
    engine.renew(NODE, LONG).await.unwrap();
    let listener = engine.attach(inbox(1).0);
    let (one, other) = (room("one"), room("other"));
    let head = engine.watch(listener, &one).await.unwrap();
    engine.enter(&one, member(1)).await.unwrap();
    engine.unwatch(listener, &one);
    assert!(engine.watch(listener, &other).await.is_err());
    engine.leave(&one, member(1).connection).await.unwrap();
    engine.watch(listener, &other).await.unwrap();
    engine.unwatch(listener, &other);
    assert_eq!(engine.watch(listener, &one).await, Ok(head), "as it was");
    engine.publish(&one, draft(None), terms(0)).await.unwrap();
    engine.unwatch(listener, &one);
    assert!(engine.watch(listener, &other).await.is_err());
}

#[tokio::test]
async fn a_room_that_is_used_or_keeps_something_is_not_forgotten() {
    let watched = async |engine: &MemoryEngine, room: &RoomName| {
        let listener = engine.attach(inbox(1).0);
        engine.watch(listener, room).await.unwrap();
    };
    let entered = async |engine: &MemoryEngine, room: &RoomName| {
        engine.enter(room, member(1)).await.unwrap();
    };
    let acknowledged = async |engine: &MemoryEngine, room: &RoomName| {
        let head = engine.head(room).await.unwrap();
        engine.advance(room, "ann", head).await.unwrap();
    };
    let long = Terms {
        history: Retention {
            count: 1,
            age: LONG,
        },
        ..terms(0)
    };
    let kept = async |engine: &MemoryEngine, room: &RoomName| {
        engine.publish(room, draft(None), long).await.unwrap();
    };
    let keyed = async |engine: &MemoryEngine, room: &RoomName| {
        let terms = Terms {
            key_window: LONG,
            ..terms(0)
        };
        let draft = draft(Some("a:1"));
        engine.publish(room, draft, terms).await.unwrap();
    };
    assert!(!is_forgotten_after(watched).await);
    assert!(!is_forgotten_after(entered).await);
    assert!(!is_forgotten_after(acknowledged).await);
    assert!(!is_forgotten_after(kept).await);
    assert!(!is_forgotten_after(keyed).await);
}

#[tokio::test]
async fn a_room_is_remembered_for_a_while_after_it_was_left() {
    let (engine, clock) = engine(MemoryLimits::default());
    let room = room("room");
    let listener = engine.attach(inbox(1).0);
    engine.watch(listener, &room).await.unwrap();
    engine.publish(&room, draft(None), terms(0)).await.unwrap();
    let head = engine.head(&room).await.unwrap();
    clock.advance(LONG);
    sweep(&engine);
    engine.unwatch(listener, &room);
    clock.advance(Duration::from_mins(9));
    sweep(&engine);
    assert_eq!(engine.head(&room).await, Ok(head));
}

#[tokio::test]
async fn rooms_are_bounded_and_make_place_when_they_are_forgotten() {
    let (engine, clock) = engine(MemoryLimits {
        rooms_max: 2,
        ..MemoryLimits::default()
    });
    engine.head(&room("a")).await.unwrap();
    engine.head(&room("b")).await.unwrap();
    let refused = engine.publish(&room("c"), draft(None), terms(0)).await;
    assert_eq!(refused, Err(EngineError::Full("there are too many rooms")));
    engine.head(&room("b")).await.unwrap();
    clock.advance(Duration::from_mins(10));
    sweep(&engine);
    engine
        .publish(&room("c"), draft(None), terms(0))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_room_full_of_keys_refuses_rather_than_forgets() {
    let (engine, clock) = engine(MemoryLimits {
        keys_max: 2,
        ..MemoryLimits::default()
    });
    let room = room("room");
    let publish = async |key| {
        let answer = engine.publish(&room, draft(key), terms(0)).await;
        answer.map(|published| (published.position.offset, published.duplicate))
    };
    assert_eq!(publish(Some("a:1")).await, Ok((1, false)));
    assert_eq!(publish(Some("a:2")).await, Ok((2, false)));
    assert!(matches!(
        publish(Some("a:3")).await,
        Err(EngineError::Full(_))
    ));
    assert_eq!(publish(Some("a:1")).await, Ok((1, true)));
    assert_eq!(publish(None).await, Ok((3, false)));
    clock.advance(Duration::from_mins(5));
    assert_eq!(publish(Some("a:3")).await, Ok((4, false)));
}

#[tokio::test]
async fn members_cursors_nodes_and_kept_values_are_bounded() {
    let (engine, _) = engine(MemoryLimits {
        members_max: 1,
        cursors_max: 1,
        nodes_max: 1,
        kept_max: 1,
        ..MemoryLimits::default()
    });
    let room = room("room");
    let head = engine.head(&room).await.unwrap();
    let full = |answer: Option<EngineError>| matches!(answer, Some(EngineError::Full(_)));

    engine.renew(NODE, LONG).await.unwrap();
    engine.renew(NODE, LONG).await.unwrap();
    assert!(full(engine.renew(NodeId(2), LONG).await.err()));

    engine.enter(&room, member(1)).await.unwrap();
    engine.enter(&room, member(1)).await.unwrap();
    assert!(full(engine.enter(&room, member(2)).await.err()));

    engine.advance(&room, "ann", head).await.unwrap();
    engine.advance(&room, "ann", head).await.unwrap();
    assert!(full(engine.advance(&room, "bob", head).await.err()));

    assert_eq!(engine.put_if_absent("a", "1".into(), LONG).await, Ok(true));
    assert_eq!(engine.put_if_absent("a", "1".into(), LONG).await, Ok(false));
    assert!(full(
        engine.put_if_absent("b", "1".into(), LONG).await.err()
    ));
}

#[tokio::test]
async fn a_listener_that_was_not_attached_is_refused() {
    let (engine, _) = engine(MemoryLimits::default());
    let answer = engine.watch(Listener(0), &room("room")).await;
    assert!(matches!(answer, Err(EngineError::Unsupported(_))));
}

#[tokio::test]
async fn publications_carry_the_clocks_time_and_ids_in_its_order() {
    let (engine, clock) = engine(MemoryLimits::default());
    let room = room("room");
    for _ in 0..3 {
        engine.publish(&room, draft(None), terms(9)).await.unwrap();
        engine.publish(&room, draft(None), terms(9)).await.unwrap();
        clock.advance(Duration::from_millis(1));
    }
    let page = engine.read(&room, Range::Last { limit: 9 }).await.unwrap();
    let sent: Vec<_> = page.publications.iter().map(|it| it.sent_at.0).collect();
    assert_eq!(
        sent.iter().map(|at| at - sent[0]).collect::<Vec<_>>(),
        [0, 0, 1, 1, 2, 2]
    );
    let ids: Vec<_> = page
        .publications
        .iter()
        .map(|it| it.position.id.0)
        .collect();
    assert!(
        ids.is_sorted() && ids.iter().all(|id| id[6] >> 4 == 7),
        "{ids:?}"
    );
    for (id, at) in ids.iter().zip(sent) {
        assert_eq!(id[..6], at.to_be_bytes()[2..]);
    }
}

#[tokio::test]
async fn a_shard_that_does_not_listen_costs_a_gap_and_nothing_more() {
    let (engine, _) = engine(MemoryLimits::default());
    let room = room("room");
    let (inbox, mut events) = inbox(2);
    let listener = engine.attach(inbox);
    let Position { offset: 0, .. } = engine.watch(listener, &room).await.unwrap() else {
        panic!("a new room begins at 0");
    };
    for _ in 0..10_000 {
        engine.publish(&room, draft(None), terms(0)).await.unwrap();
    }
    let mut heard = Vec::new();
    events.receive(&mut heard, 10).await;
    assert_eq!(heard.len(), 3);
    assert!(matches!(heard.last(), Some(Event::Gap { .. })));
}

#[tokio::test]
async fn rooms_keep_so_much_history_together_and_none_takes_from_another() {
    let history_bytes_max = 10_000;
    let (engine, clock) = engine(MemoryLimits {
        history_bytes_max,
        ..MemoryLimits::default()
    });
    let kept = async |name: &str| {
        let range = Range::Last { limit: 1000 };
        let page = engine.read(&room(name), range).await.unwrap();
        page.publications.len()
    };
    let (first, late) = (room("first"), room("late"));
    for _ in 0..1000 {
        let published = engine.publish(&first, draft(None), terms(1000)).await;
        published.unwrap();
    }
    let place = kept("first").await;
    assert!((10..1000).contains(&place), "{place}");
    assert!(engine.budget().kept() <= history_bytes_max);
    for _ in 0..100 {
        engine
            .publish(&late, draft(None), terms(1000))
            .await
            .unwrap();
    }
    assert_eq!((kept("first").await, kept("late").await), (place, 0));
    let start = Position::start(engine.head(&late).await.unwrap().epoch);
    let range = Range::After {
        position: start,
        limit: 1000,
    };
    let missing = engine.read(&late, range).await.unwrap().missing.unwrap();
    assert_eq!(
        (missing.from, missing.last.offset),
        (1, 100),
        "what is not kept is told"
    );

    clock.advance(Duration::from_mins(5));
    sweep(&engine);
    assert_eq!(engine.budget().kept(), 0);
    engine
        .publish(&late, draft(None), terms(1000))
        .await
        .unwrap();
    assert_eq!(kept("late").await, 1);
}

#[tokio::test]
async fn who_is_lost_and_may_be_back_is_bounded_and_keeps_its_place() {
    let (engine, clock) = engine(MemoryLimits {
        members_max: 2,
        lost_max: 1,
        ..MemoryLimits::default()
    });
    let room = room("room");
    engine.renew(NODE, LONG).await.unwrap();
    for slot in [1, 2] {
        engine.enter(&room, member(slot)).await.unwrap();
    }
    let grace = Duration::from_secs(5);
    let lose = |slot| engine.lose(&room, member(slot).connection, grace);
    assert_eq!(lose(1).await, Ok(2));
    assert_eq!(lose(2).await, Ok(1), "nobody waits for one more");
    engine.enter(&room, member(2)).await.unwrap();
    assert_eq!(engine.enter(&room, member(3)).await, Ok(2), "it is back");
    // The place is free when the time of the one before is over, whether it is back or not.
    assert_eq!(lose(2).await, Ok(1));
    clock.advance(grace);
    engine.sweep();
    assert_eq!(lose(3).await, Ok(1));
    clock.advance(grace);
    engine.sweep();
    assert_eq!(engine.members(&room).await, Ok(vec![]));
}
