//! Backups, and what becomes of them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tautline_engine::embedded::{
    EmbeddedEngine, StoreError, backup, compact, restore, stats, survey,
};
use tautline_engine::{Engine, Keep, MissingReason};
use tautline_protocol::model::Position;

use crate::disk::{Disk, after, change, durable, keyed, last, offsets, publish, room, sweep};

fn file(disk: &Disk) -> PathBuf {
    disk.directory().join("copy.db")
}

/// The store of a backup in a place of its own.
fn restored(from: &Disk) -> (Disk, EmbeddedEngine) {
    let disk = Disk::new();
    restore(&file(from), disk.directory()).unwrap();
    let engine = disk.open();
    (disk, engine)
}

#[tokio::test]
async fn a_backup_has_what_was_answered_before_it_and_is_whole() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = Arc::new(disk.open());
    let before = publish(&engine, &room, 100, durable(1_000)).await;
    let publisher = {
        let (engine, room) = (Arc::clone(&engine), room.clone());
        tokio::spawn(async move { publish(&engine, &room, 500, durable(1_000)).await })
    };
    let (from, to) = (disk.directory().to_owned(), file(&disk));
    let copied = tokio::task::spawn_blocking(move || backup(&from, &to));
    copied.await.unwrap().unwrap();
    publisher.await.unwrap();
    let page = last(&engine, &room).await;
    let (_copy, copy) = restored(&disk);
    let copied = last(&copy, &room).await;
    assert!(copied.publications.len() >= before.len());
    for (ours, theirs) in page.publications.iter().zip(&copied.publications) {
        assert_eq!(
            (ours.position.id, &ours.data),
            (theirs.position.id, &theirs.data)
        );
        assert_eq!(ours.position.offset, theirs.position.offset);
    }
}

#[tokio::test]
async fn whoever_saw_more_than_was_restored_is_told() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    let before = publish(&engine, &room, 5, durable(1_000)).await;
    engine.advance(&room, "ann", before[2]).await.unwrap();
    let draft = keyed("x", "a:1");
    let first = engine.publish(&room, draft.clone(), durable(1_000)).await;
    backup(disk.directory(), &file(&disk)).unwrap();
    let lost = publish(&engine, &room, 5, durable(1_000)).await;
    let (_copy, copy) = restored(&disk);
    assert_eq!(copy.head(&room).await.unwrap().offset, 6);
    for position in before.iter().chain(&lost) {
        let page = after(&copy, &room, *position).await;
        let missing = page.missing.unwrap();
        assert_eq!(missing.reason, MissingReason::EpochChanged);
        assert_eq!(offsets(&page), [1, 2, 3, 4, 5, 6]);
    }
    let epoch = copy.head(&room).await.unwrap().epoch;
    let cursor = Position { epoch, ..before[2] };
    assert_eq!(copy.cursor(&room, "ann").await, Ok(Some(cursor)));
    let rest = after(&copy, &room, cursor).await;
    assert_eq!((offsets(&rest), rest.missing), (vec![4, 5, 6], None));
    let again = copy.publish(&room, draft, durable(1_000)).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.position.id, first.unwrap().position.id);
}

#[tokio::test]
async fn a_backup_overwrites_nothing_and_neither_does_restoring_one() {
    let (disk, room) = (Disk::new(), room("room"));
    publish(&disk.open(), &room, 3, durable(9)).await;
    backup(disk.directory(), &file(&disk)).unwrap();
    let again = backup(disk.directory(), &file(&disk));
    assert!(matches!(again, Err(StoreError::Taken(_))), "{again:?}");
    let over = restore(&file(&disk), disk.directory());
    assert!(matches!(over, Err(StoreError::Taken(_))), "{over:?}");
    let other = Disk::new();
    fs::create_dir(other.directory()).unwrap();
    fs::write(other.directory().join("store.db-wal"), "left over").unwrap();
    let over = restore(&file(&disk), other.directory());
    assert!(matches!(over, Err(StoreError::Taken(_))), "{over:?}");
}

#[tokio::test]
async fn what_is_damaged_is_neither_a_backup_nor_restored() {
    let (disk, room) = (Disk::new(), room("room"));
    publish(&disk.open(), &room, 3, durable(9)).await;
    backup(disk.directory(), &file(&disk)).unwrap();
    let damage = "UPDATE log SET user = 'bob' WHERE off = 2";
    change(&file(&disk), damage);
    let other = Disk::new();
    let refused = restore(&file(&disk), other.directory());
    assert!(
        matches!(refused, Err(StoreError::Damaged { .. })),
        "{refused:?}"
    );
    assert!(!other.database().exists());
    fs::remove_file(file(&disk)).unwrap();
    change(&disk.database(), damage);
    let refused = backup(disk.directory(), &file(&disk));
    assert!(
        matches!(refused, Err(StoreError::Damaged { .. })),
        "{refused:?}"
    );
    assert!(!file(&disk).exists());
}

#[tokio::test]
async fn a_survey_counts_what_is_there_and_finds_what_is_damaged() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    let positions = publish(&engine, &room, 3, durable(9)).await;
    engine
        .publish(&room, keyed("x", "a:1"), durable(9))
        .await
        .unwrap();
    engine.advance(&room, "ann", positions[0]).await.unwrap();
    let found = survey(disk.directory()).unwrap();
    assert_eq!(found.faults, Vec::<String>::new());
    assert_eq!(Ok(found.stats), stats(disk.directory()).map_err(drop));
    let counts = (
        found.stats.rooms,
        found.stats.publications,
        found.stats.keys,
        found.stats.cursors,
    );
    assert_eq!(counts, (1, 4, 1, 1));
    drop(engine);
    for (damage, says) in [
        (
            "UPDATE log SET at = at + 1 WHERE off = 2",
            "publication 2 of room room",
        ),
        ("UPDATE keys SET off = 7", "a key of room 1"),
        ("UPDATE cursors SET off = 7", "a cursor of room 1"),
        ("UPDATE rooms SET head = 7", "row 1 of the rooms"),
        ("DELETE FROM log WHERE off = 4", "not there"),
    ] {
        let copy = Disk::new();
        fs::create_dir(copy.directory()).unwrap();
        fs::copy(disk.database(), copy.database()).unwrap();
        change(&copy.database(), damage);
        let faults = survey(copy.directory()).unwrap().faults;
        assert!(
            faults.iter().any(|fault| fault.contains(says)),
            "{damage}: {faults:?}"
        );
    }
}

#[tokio::test]
async fn a_store_that_is_not_in_use_can_be_compacted() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    let large = "x".repeat(20_000);
    for _ in 0..100 {
        let draft = crate::disk::draft(&large);
        engine.publish(&room, draft, durable(100)).await.unwrap();
    }
    publish(&engine, &room, 200, durable(100)).await;
    sweep(&engine).await;
    let page = last(&engine, &room).await;
    let in_use = compact(disk.directory());
    assert!(matches!(in_use, Err(StoreError::Locked(_))), "{in_use:?}");
    drop(engine);
    let (before, after) = compact(disk.directory()).unwrap();
    assert!(after < before && after < 200_000, "{before} {after}");
    assert_eq!(last(&disk.open(), &room).await, page);
    disk.clock.advance(Duration::from_secs(1));
    assert_eq!(
        survey(disk.directory()).unwrap().faults,
        Vec::<String>::new()
    );
}
