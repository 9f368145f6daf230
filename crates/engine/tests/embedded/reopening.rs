//! What was answered is there after a restart.

use std::time::Duration;

use tautline_engine::embedded::StoreError;
use tautline_engine::{Engine, EngineError, Keep, Level, Terms};
use tautline_protocol::model::{Epoch, Position};

use crate::disk::{Disk, after, draft, durable, keyed, last, offsets, publish, room};

const LONG: Duration = Duration::from_hours(2);

#[tokio::test]
async fn publications_and_positions_outlive_a_restart() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    let positions = publish(&engine, &room, 5, durable(100)).await;
    let page = last(&engine, &room).await;
    drop(engine);
    let engine = disk.open();
    assert_eq!(engine.head(&room).await.as_ref(), Ok(&positions[4]));
    assert_eq!(last(&engine, &room).await, page);
    let rest = after(&engine, &room, positions[1]).await;
    assert_eq!((offsets(&rest), rest.missing), (vec![3, 4, 5], None));
    let next = publish(&engine, &room, 1, durable(100)).await;
    assert_eq!(next[0].offset, 6);
    assert_eq!(next[0].epoch, positions[0].epoch);
}

#[tokio::test]
async fn heads_and_what_was_trimmed_last_outlive_a_restart() {
    for count in [0, 3] {
        let (disk, room) = (Disk::new(), room("room"));
        let engine = disk.open();
        let positions = publish(&engine, &room, 100, durable(count)).await;
        drop(engine);
        disk.clock.advance(LONG);
        let engine = disk.open();
        let head = positions[99];
        assert_eq!(last(&engine, &room).await.publications, []);
        assert_eq!(after(&engine, &room, head).await.missing, None);
        assert!(after(&engine, &room, positions[50]).await.missing.is_some());
        assert_eq!(publish(&engine, &room, 1, durable(3)).await[0].offset, 101);
    }
}

#[tokio::test]
async fn keys_outlive_a_restart_until_their_window_ends() {
    let (disk, room) = (Disk::new(), room("room"));
    let publish = async |data: &str| {
        let engine = disk.open();
        let draft = keyed(data, "a:1");
        let answer = engine.publish(&room, draft, durable(0)).await;
        answer.map(|published| (published.position.offset, published.duplicate))
    };
    assert_eq!(publish("x").await, Ok((1, false)));
    assert_eq!(publish("x").await, Ok((1, true)));
    assert_eq!(publish("y").await, Err(EngineError::Conflict));
    disk.clock.advance(Duration::from_mins(10));
    assert_eq!(publish("y").await, Ok((2, false)));
    assert_eq!(publish("y").await, Ok((2, true)));
}

#[tokio::test]
async fn cursors_outlive_a_restart_and_never_go_back() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    let positions = publish(&engine, &room, 3, durable(100)).await;
    engine.advance(&room, "ann", positions[1]).await.unwrap();
    engine.advance(&room, "bob", positions[2]).await.unwrap();
    engine.advance(&room, "bob", positions[0]).await.unwrap();
    drop(engine);
    let engine = disk.open();
    assert_eq!(engine.cursor(&room, "ann").await, Ok(Some(positions[1])));
    assert_eq!(engine.cursor(&room, "bob").await, Ok(Some(positions[2])));
    let stands = engine.advance(&room, "bob", positions[1]).await;
    assert_eq!(stands, Ok(positions[2]));
}

#[tokio::test]
async fn kept_values_outlive_a_restart_until_they_end() {
    let disk = Disk::new();
    let engine = disk.open();
    let long = Duration::from_mins(1);
    engine.put_if_absent("a", "1".into(), long).await.unwrap();
    drop(engine);
    disk.clock.advance(Duration::from_secs(59));
    let engine = disk.open();
    assert_eq!(engine.get("a").await, Ok(Some("1".into())));
    assert_eq!(engine.put_if_absent("a", "2".into(), long).await, Ok(false));
    disk.clock.advance(Duration::from_secs(1));
    assert_eq!(engine.get("a").await, Ok(None));
    assert_eq!(engine.put_if_absent("a", "2".into(), long).await, Ok(true));
}

#[tokio::test]
async fn a_room_of_memory_begins_anew_after_a_restart() {
    let (disk, room) = (Disk::new(), room("room"));
    let memory = Terms {
        level: Level::Memory,
        ..durable(100)
    };
    let engine = disk.open();
    let answer = engine.publish(&room, draft("x"), memory).await.unwrap();
    assert_eq!(answer.level, Level::Memory);
    drop(engine);
    let engine = disk.open();
    let head = engine.head(&room).await.unwrap();
    assert_eq!(head.offset, 0);
    assert_ne!(head.epoch, answer.position.epoch);
}

#[tokio::test]
async fn a_room_that_becomes_durable_takes_all_it_has_to_the_disk() {
    let (disk, room) = (Disk::new(), room("room"));
    let memory = Terms {
        level: Level::Memory,
        ..durable(100)
    };
    let engine = disk.open();
    let before = publish(&engine, &room, 3, memory).await;
    let first = engine.publish(&room, keyed("x", "a:1"), memory).await;
    engine.advance(&room, "ann", before[1]).await.unwrap();
    let durably = engine.publish(&room, draft("y"), durable(100)).await;
    assert_eq!(durably.unwrap().position.offset, 5);
    let page = last(&engine, &room).await;
    assert_eq!(offsets(&page), [1, 2, 3, 4, 5]);
    drop(engine);
    let engine = disk.open();
    assert_eq!(last(&engine, &room).await, page);
    let again = engine.publish(&room, keyed("x", "a:1"), memory).await;
    let again = again.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.position, first.unwrap().position);
    assert_eq!(engine.cursor(&room, "ann").await, Ok(Some(before[1])));
}

#[tokio::test]
async fn a_position_of_another_store_is_another_order() {
    let room = room("room");
    let (ours, other) = (Disk::new(), Disk::new());
    let position = publish(&other.open(), &room, 3, durable(9)).await[2];
    let engine = ours.open();
    publish(&engine, &room, 3, durable(9)).await;
    let missing = after(&engine, &room, position).await.missing;
    assert_eq!(missing.map(|missing| missing.last.offset), Some(0));
    let same_epoch = Position {
        epoch: Epoch(engine.head(&room).await.unwrap().epoch.0),
        ..position
    };
    assert!(after(&engine, &room, same_epoch).await.missing.is_some());
}

#[tokio::test]
async fn a_store_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    publish(&engine, &room, 1, durable(9)).await;
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(disk.directory()), 0o700);
    for entry in std::fs::read_dir(disk.directory()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_store_is_open_once() {
    let disk = Disk::new();
    let engine = disk.open();
    assert!(matches!(disk.try_open(), Err(StoreError::Locked(_))));
    drop(engine);
    disk.open();
}

#[tokio::test]
async fn a_store_that_is_closed_is_one_file() {
    let (disk, room) = (Disk::new(), room("room"));
    for _ in 0..20 {
        publish(&disk.open(), &room, 3, durable(9)).await;
        let names = std::fs::read_dir(disk.directory()).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["store.db", "store.lock"]);
    }
}
