//! What is on the disk, how much of it, and for how long.

use std::time::Duration;

use rusqlite::Connection;
use tautline_engine::{Engine, EngineError, Keep, Level, Terms, inbox};

use crate::disk::{Disk, draft, durable, keyed, last, offsets, publish, room, sweep};

const LONG: Duration = Duration::from_hours(2);

fn rows(disk: &Disk, table: &str) -> u64 {
    let connection = Connection::open(disk.database()).unwrap();
    let count = format!("SELECT count(*) FROM {table}");
    connection.query_row(&count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_durable_publication_is_answered_as_being_on_the_disk() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    let answer = engine.publish(&room, draft("x"), durable(9)).await.unwrap();
    assert_eq!(answer.level, Level::Disk);
    assert_eq!(rows(&disk, "log"), 1);
}

#[tokio::test]
async fn what_is_too_many_leaves_the_disk_a_little_later() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    publish(&engine, &room, 500, durable(10)).await;
    assert!((10..=60).contains(&rows(&disk, "log")));
    sweep(&engine).await;
    assert_eq!(rows(&disk, "log"), 10);
    assert_eq!(
        offsets(&last(&engine, &room).await),
        (491..=500).collect::<Vec<_>>()
    );
    publish(&engine, &room, 1, durable(0)).await;
    sweep(&engine).await;
    assert_eq!(rows(&disk, "log"), 0);
}

#[tokio::test]
async fn what_is_too_old_leaves_the_disk_with_its_keys_and_values() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    publish(&engine, &room, 700, durable(10_000)).await;
    engine
        .publish(&room, keyed("x", "a:1"), durable(10_000))
        .await
        .unwrap();
    engine.put_if_absent("a", "1".into(), LONG).await.unwrap();
    disk.clock.advance(LONG);
    sweep(&engine).await;
    sweep(&engine).await;
    assert_eq!(rows(&disk, "log"), 0);
    assert_eq!(rows(&disk, "keys"), 0);
    assert_eq!(engine.head(&room).await.unwrap().offset, 701);
}

#[tokio::test]
async fn a_room_that_nobody_uses_and_that_keeps_nothing_is_forgotten() {
    let mut disk = Disk::new();
    disk.limits.stored_room_ttl = LONG;
    let (idle, watched, acked) = (room("idle"), room("watched"), room("acked"));
    let engine = disk.open();
    for room in [&idle, &watched, &acked] {
        publish(&engine, room, 3, durable(0)).await;
    }
    let epoch = engine.head(&idle).await.unwrap().epoch;
    let listener = engine.attach(inbox(9).0);
    let head = engine.watch(listener, &watched).await.unwrap();
    engine.advance(&acked, "ann", head).await.unwrap();
    sweep(&engine).await;
    assert_eq!(rows(&disk, "rooms"), 3);
    disk.clock.advance(LONG);
    sweep(&engine).await;
    assert_eq!(rows(&disk, "rooms"), 2);
    let anew = publish(&engine, &idle, 1, durable(0)).await[0];
    assert_eq!(anew.offset, 1);
    assert_ne!(anew.epoch, epoch);
}

#[tokio::test]
async fn a_room_in_use_has_its_newest_in_memory_and_no_more() {
    let disk = Disk::with_ring(10);
    let room = room("room");
    let engine = disk.open();
    let listener = engine.attach(inbox(9_999).0);
    publish(&engine, &room, 10, durable(1_000)).await;
    let ten = engine.budget().kept();
    publish(&engine, &room, 100, durable(1_000)).await;
    assert!(engine.budget().kept() <= ten + ten / 5);
    assert_eq!(offsets(&last(&engine, &room).await).len(), 110);
    sweep(&engine).await;
    sweep(&engine).await;
    assert_eq!(engine.budget().kept(), 0, "nobody uses it");
    engine.watch(listener, &room).await.unwrap();
    assert_eq!(offsets(&last(&engine, &room).await).len(), 110);
    assert!(engine.budget().kept() >= ten - ten / 5, "read again");
    sweep(&engine).await;
    assert!(engine.budget().kept() >= ten - ten / 5, "somebody uses it");
}

#[tokio::test]
async fn a_full_store_refuses_durable_publications_and_goes_on_by_itself() {
    let mut disk = Disk::new();
    disk.limits.bytes_max = 1 << 20;
    let (durably, memory) = (room("durable"), room("memory"));
    let engine = disk.open();
    let large = "x".repeat(50_000);
    let mut kept = 0;
    let refused = loop {
        match engine.publish(&durably, draft(&large), durable(100)).await {
            Ok(published) => kept = published.position.offset,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, EngineError::Stalled(_)), "{refused:?}");
    assert!(kept > 10);
    assert_eq!(engine.failure(), None);
    assert_eq!(offsets(&last(&engine, &durably).await).len() as u64, kept);
    let terms = Terms {
        level: Level::Memory,
        ..durable(9)
    };
    publish(&engine, &memory, 3, terms).await;
    assert_eq!(engine.take_notices().len(), 1);
    disk.clock.advance(LONG);
    sweep(&engine).await;
    let answer = engine.publish(&durably, draft(&large), durable(100)).await;
    assert_eq!(answer.unwrap().position.offset, kept + 1);
}

#[tokio::test]
async fn a_store_full_of_keys_refuses_rather_than_forgets() {
    let mut disk = Disk::new();
    disk.limits.keys_max = 2;
    let room = room("room");
    let engine = disk.open();
    let publish = async |key| {
        let answer = engine.publish(&room, keyed("x", key), durable(0)).await;
        answer.map(|published| (published.position.offset, published.duplicate))
    };
    assert_eq!(publish("a:1").await, Ok((1, false)));
    assert_eq!(publish("a:2").await, Ok((2, false)));
    assert!(matches!(publish("a:3").await, Err(EngineError::Full(_))));
    assert_eq!(publish("a:1").await, Ok((1, true)));
    disk.clock.advance(Duration::from_mins(10));
    sweep(&engine).await;
    assert_eq!(publish("a:3").await, Ok((3, false)));
}

#[tokio::test]
async fn what_waits_for_the_disk_is_bounded() {
    let mut disk = Disk::new();
    disk.limits.waiting_bytes_max = 10_000;
    let room = room("room");
    let engine = disk.open();
    let large = "x".repeat(1_000);
    let answers: Vec<_> = (0..10_000)
        .map(|_| engine.publish(&room, draft(&large), durable(0)))
        .collect();
    let mut refused = 0;
    let mut offset = 0;
    for answer in answers {
        match answer.await {
            Ok(published) => {
                offset += 1;
                assert_eq!(published.position.offset, offset);
            }
            Err(why) => {
                assert!(matches!(why, EngineError::Stalled(_)), "{why:?}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && offset > 0);
    publish(&engine, &room, 1, durable(0)).await;
}

#[tokio::test]
async fn free_pages_go_back_to_the_file_system() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    let large = "x".repeat(100_000);
    for _ in 0..40 {
        let draft = draft(&large);
        engine.publish(&room, draft, durable(100)).await.unwrap();
    }
    disk.clock.advance(LONG);
    sweep(&engine).await;
    sweep(&engine).await;
    drop(engine);
    assert!(disk.database().metadata().unwrap().len() < 1 << 20);
}
