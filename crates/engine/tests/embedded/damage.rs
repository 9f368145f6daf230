//! A damaged file: nothing wrong is handed out, and what is lost is told.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use tautline_engine::embedded::{EmbeddedEngine, StoreError};
use tautline_engine::{Engine, EngineError, Keep, MissingReason, Range};
use tautline_protocol::model::{Position, Publication, RoomName};

use crate::disk::{
    Disk, after, change, draft, durable, keyed, last, offsets, publish, room, sweep,
};

const EACH: usize = 60;

/// What was answered: each room's positions, from the one before the first, and what was published there.
struct Told(Vec<(RoomName, Vec<Position>)>);

fn data(room: &RoomName, offset: u64) -> String {
    format!("publication {offset} of {room} {}", "x".repeat(200))
}

async fn fill(engine: &EmbeddedEngine) -> Told {
    let mut told = Vec::new();
    for room in ["one", "two", "three"].map(room) {
        let mut positions = vec![engine.head(&room).await.unwrap()];
        for number in 1..=EACH {
            let draft = keyed(&data(&room, number as u64), &format!("a:{number}"));
            let published = engine.publish(&room, draft, durable(1_000)).await.unwrap();
            positions.push(published.position);
        }
        let middle = positions[EACH / 2];
        engine.advance(&room, "ann", middle).await.unwrap();
        told.push((room, positions));
    }
    Told(told)
}

fn flip_bit(path: &Path, bit: u64) {
    let mut file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(bit / 8)).unwrap();
    file.read_exact(&mut byte).unwrap();
    byte[0] ^= 1 << (bit % 8);
    file.seek(SeekFrom::Start(bit / 8)).unwrap();
    file.write_all(&byte).unwrap();
}

fn is_true(publication: &Publication, told: &[Position]) -> bool {
    let Position { offset, .. } = publication.position;
    let expected = draft(&data(&publication.room, offset));
    publication.position == told[usize::try_from(offset).unwrap()]
        && publication.data == expected.data
        && publication.event == expected.event
        && publication.user == expected.user
}

/// Reads all there is from everywhere. Whether everything is there.
async fn assert_honest(engine: &EmbeddedEngine, told: &Told, bit: u64) -> bool {
    let mut whole = true;
    for (room, positions) in &told.0 {
        for position in positions {
            let range = Range::After {
                position: *position,
                limit: 1_000,
            };
            match engine.read(room, range).await {
                Ok(page) => {
                    assert!(page.publications.iter().all(|it| is_true(it, positions)));
                    let begin = page
                        .missing
                        .map_or(position.offset, |missing| missing.last.offset);
                    let expected: Vec<u64> = (begin + 1..=EACH as u64).collect();
                    assert_eq!(offsets(&page), expected, "bit {bit}: {position:?} {page:?}");
                    whole &= page.missing.is_none();
                }
                Err(EngineError::Corrupt(_)) => whole = false,
                Err(other) => panic!("{other:?}"),
            }
        }
        for position in &positions[1..] {
            let number = position.offset;
            let again = keyed(&data(room, number), &format!("a:{number}"));
            match engine.publish(room, again, durable(1_000)).await {
                Ok(published) => {
                    assert!(published.duplicate);
                    assert_eq!(published.position, *position);
                }
                Err(EngineError::Corrupt(_)) => whole = false,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    whole
}

/// So many bits are flipped, one at a time, as `FLIPS` says.
#[tokio::test]
async fn a_flipped_bit_is_never_handed_out() {
    let disk = Disk::new();
    let told = fill(&disk.open()).await;
    let intact = fs::read(disk.database()).unwrap();
    let mut found = [0, 0, 0];
    let flips: u64 = std::env::var("FLIPS").map_or(50, |flips| flips.parse().unwrap());
    for step in 0..flips {
        fs::write(disk.database(), &intact).unwrap();
        let bits = intact.len() as u64 * 8;
        // One bit of each part, another one in each run.
        let chance = uuid::Uuid::now_v7().as_u128() % u128::from(bits / flips);
        let bit = bits / flips * step + u64::try_from(chance).unwrap();
        flip_bit(&disk.database(), bit);
        let outcome = match disk.try_open() {
            Ok(engine) => usize::from(assert_honest(&engine, &told, bit).await),
            Err(error) => {
                assert!(!error.fix().is_empty());
                2
            }
        };
        found[outcome] += 1;
    }
    let [gaps, harmless, refused] = found;
    // Most of the file are publications; some of it is free space, and some what the rest hangs on.
    assert!(gaps > 0 && harmless > 0 && refused > 0, "{found:?}");
}

#[tokio::test]
async fn a_damaged_publication_is_given_up_with_what_came_before_it() {
    let (disk, room) = (Disk::new(), room("room"));
    let positions = publish(&disk.open(), &room, 9, durable(100)).await;
    change(
        &disk.database(),
        "UPDATE log SET data = CAST('wrong' AS BLOB) WHERE off = 4",
    );
    let engine = disk.open();
    let page = after(&engine, &room, positions[1]).await;
    assert_eq!(offsets(&page), [5, 6, 7, 8, 9]);
    let missing = page.missing.unwrap();
    assert_eq!((missing.from, missing.last.offset), (3, 4));
    assert_eq!(missing.reason, MissingReason::Evicted);
    let rest = after(&engine, &room, missing.last).await;
    assert_eq!((offsets(&rest), rest.missing), (vec![5, 6, 7, 8, 9], None));
    assert_eq!(offsets(&last(&engine, &room).await), [5, 6, 7, 8, 9]);
    let rest = after(&engine, &room, positions[5]).await;
    assert_eq!((offsets(&rest), rest.missing), (vec![7, 8, 9], None));
    let notices = engine.take_notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].starts_with("publication 4 of room room does not match"));
    sweep(&engine).await;
    drop(engine);
    let engine = disk.open();
    assert_eq!(offsets(&last(&engine, &room).await), [5, 6, 7, 8, 9]);
    assert_eq!(engine.take_notices(), Vec::<String>::new(), "it is gone");
    publish(&engine, &room, 1, durable(100)).await;
    let rest = after(&engine, &room, positions[4]).await;
    assert_eq!((offsets(&rest), rest.missing), (vec![6, 7, 8, 9, 10], None));
}

#[tokio::test]
async fn each_field_of_a_publication_is_checked() {
    for change_of in [
        "id = randomblob(16)",
        "at = at + 1",
        "sent_at = sent_at + 1",
        "event = 'other'",
        "user = 'bob'",
        "user = NULL",
        "tag = 'other'",
        "crc = crc + 1",
        "room = 2",
    ] {
        let (disk, room) = (Disk::new(), room("room"));
        publish(&disk.open(), &room, 3, durable(100)).await;
        change(
            &disk.database(),
            &format!("UPDATE log SET {change_of} WHERE off = 2"),
        );
        let engine = disk.open();
        assert_eq!(offsets(&last(&engine, &room).await), [3], "{change_of}");
    }
}

#[tokio::test]
async fn what_the_rest_hangs_on_is_checked_when_the_store_is_opened() {
    let room = room("room");
    for damage in [
        "UPDATE rooms SET head = head - 1",
        "UPDATE rooms SET epoch = epoch + 1",
        "UPDATE rooms SET name = 'other'",
        "UPDATE keys SET name = x'00'",
        "UPDATE keys SET off = off + 1",
        "UPDATE cursors SET off = off + 1",
        "UPDATE kept SET value = x'00'",
        "DELETE FROM log WHERE off = 3",
        "DELETE FROM log WHERE off = 1",
        "DELETE FROM rooms",
    ] {
        let disk = Disk::new();
        let engine = disk.open();
        let positions = publish(&engine, &room, 2, durable(9)).await;
        engine
            .publish(&room, keyed("x", "a:1"), durable(9))
            .await
            .unwrap();
        engine.advance(&room, "ann", positions[1]).await.unwrap();
        sweep(&engine).await;
        drop(engine);
        change(&disk.database(), damage);
        let refused = disk.try_open();
        assert!(
            matches!(refused, Err(StoreError::Damaged { .. })),
            "{damage}: {refused:?}"
        );
    }
}

#[test]
fn what_is_no_store_of_this_version_is_not_opened() {
    let disk = Disk::new();
    drop(disk.open());
    change(&disk.database(), "PRAGMA user_version = 2");
    assert!(matches!(disk.try_open(), Err(StoreError::Newer { .. })));
    change(&disk.database(), "PRAGMA application_id = 7");
    assert!(matches!(disk.try_open(), Err(StoreError::Foreign(_))));
    fs::write(disk.database(), "a note that somebody has put here").unwrap();
    assert!(matches!(disk.try_open(), Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn a_lost_end_is_found_by_positions() {
    let disk = Disk::new();
    let engine = disk.open();
    let told = fill(&engine).await;
    let log = disk.directory().join("store.db-wal");
    let whole = fs::read(&log).unwrap();
    let database = fs::read(disk.database()).unwrap();
    drop(engine);
    let mut shortest = EACH;
    for part in 1..8 {
        let disk = Disk::new();
        fs::create_dir(disk.directory()).unwrap();
        fs::write(disk.database(), &database).unwrap();
        let end = whole.len() * part / 8;
        fs::write(disk.directory().join("store.db-wal"), &whole[..end]).unwrap();
        let engine = disk.open();
        let (room, positions) = &told.0[2];
        let head = engine.head(room).await.unwrap().offset;
        let head = usize::try_from(head).unwrap();
        shortest = shortest.min(head);
        if head == 0 {
            continue;
        }
        // The lost offsets are used again, by others.
        let others = publish(&engine, room, 100, durable(1_000)).await;
        assert_eq!(others[0].offset, head as u64 + 1);
        for position in &positions[head + 1..] {
            let missing = after(&engine, room, *position).await.missing.unwrap();
            assert_eq!(missing.reason, MissingReason::EpochChanged);
        }
        let rest = after(&engine, room, positions[head]).await;
        assert_eq!((rest.missing, rest.publications.len()), (None, 100));
    }
    assert!(shortest < EACH, "nothing was lost");
}
