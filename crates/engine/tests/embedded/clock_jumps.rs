//! The machine's clock is set: nothing ends early, nothing changes its place, and what has ended is told.

use std::collections::HashSet;
use std::time::Duration;

use tautline_engine::{Engine, EngineError};
use tautline_protocol::model::Timestamp;

use crate::disk::{Disk, after, durable, keyed, last, offsets, publish, room};

/// What the clock of a new disk shows.
const PRESENT: Timestamp = Timestamp(1_800_000_000_000);
const TEN_YEARS: u64 = 10 * 366 * 24 * 3600 * 1000;
/// Days before, years after, and the year 1970.
const JUMPS: [Timestamp; 3] = [
    Timestamp(PRESENT.0 - 3 * 24 * 3600 * 1000),
    Timestamp(PRESENT.0 + TEN_YEARS),
    Timestamp(0),
];

#[tokio::test]
async fn while_it_runs_a_jump_ends_nothing_and_breaks_no_order() {
    let (disk, room) = (Disk::new(), room("room"));
    let engine = disk.open();
    let first = publish(&engine, &room, 1, durable(100)).await[0];
    let place = async |data: &str| {
        let published = engine
            .publish(&room, keyed(data, "a:1"), durable(100))
            .await;
        published.map(|published| (published.position.offset, published.duplicate))
    };
    assert_eq!(place("x").await, Ok((2, false)));
    for (jumps, wall) in (1..).zip(JUMPS) {
        disk.clock.jump(wall);
        publish(&engine, &room, 2, durable(100)).await;
        let rest = after(&engine, &room, first).await;
        let expected: Vec<u64> = (2..=2 + 2 * jumps).collect();
        assert_eq!((offsets(&rest), rest.missing), (expected, None));
        assert_eq!(place("x").await, Ok((2, true)));
        assert_eq!(place("y").await, Err(EngineError::Conflict));
    }
    let page = last(&engine, &room).await;
    let ids: HashSet<_> = page.publications.iter().map(|it| it.position.id).collect();
    assert_eq!(ids.len(), page.publications.len());
    // What ends does so after the time that has passed, whatever it is called.
    disk.clock.advance(Duration::from_mins(10));
    assert_eq!(place("y").await, Ok((9, false)));
    disk.clock.advance(Duration::from_hours(1));
    assert_eq!(last(&engine, &room).await.publications, []);
}

#[tokio::test]
async fn a_clock_that_was_set_back_before_a_restart_ends_nothing_early() {
    let (disk, room) = (Disk::new(), room("room"));
    disk.clock.advance(Duration::from_hours(2));
    let positions = publish(&disk.open(), &room, 3, durable(9)).await;
    disk.clock.jump(PRESENT);
    let engine = disk.open();
    assert_eq!(offsets(&last(&engine, &room).await), [1, 2, 3]);
    publish(&engine, &room, 1, durable(9)).await;
    let rest = after(&engine, &room, positions[0]).await;
    assert_eq!((offsets(&rest), rest.missing), (vec![2, 3, 4], None));
    disk.clock.advance(Duration::from_hours(1));
    assert_eq!(last(&engine, &room).await.publications, []);
}

#[tokio::test]
async fn what_a_clock_set_forward_ends_over_a_restart_is_told_and_the_room_goes_on() {
    let (disk, room) = (Disk::new(), room("room"));
    let positions = publish(&disk.open(), &room, 3, durable(9)).await;
    disk.clock.jump(Timestamp(PRESENT.0 + TEN_YEARS));
    let engine = disk.open();
    let rest = after(&engine, &room, positions[0]).await;
    assert_eq!(rest.missing.map(|missing| missing.last), Some(positions[2]));
    assert_eq!(after(&engine, &room, positions[2]).await.missing, None);
    assert_eq!(publish(&engine, &room, 1, durable(9)).await[0].offset, 4);
    drop(engine);
    // Set right again, the store does not go back: what it holds is younger than the clock.
    disk.clock.jump(PRESENT);
    let engine = disk.open();
    assert_eq!(offsets(&last(&engine, &room).await), [4]);
    assert_eq!(publish(&engine, &room, 1, durable(9)).await[0].offset, 5);
}
