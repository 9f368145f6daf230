//! Cursors, and values that end by themselves.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::{Epoch, Position};

use super::Subject;
use super::given::{keep, publish, room, unique};

const LONG: Duration = Duration::from_hours(1);

pub(super) async fn a_cursor_never_goes_back(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let positions = publish(&*engine, &room, 5, keep(100)).await;
    assert_eq!(engine.cursor(&room, "ann").await, Ok(None));
    for (to, stands) in [(2, 2), (4, 4), (3, 4), (4, 4), (5, 5), (0, 5)] {
        let (to, stands) = (positions[to], positions[stands]);
        assert_eq!(engine.advance(&room, "ann", to).await, Ok(stands));
        assert_eq!(engine.cursor(&room, "ann").await, Ok(Some(stands)));
    }
}

pub(super) async fn a_cursor_begins_once(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let positions = publish(&*engine, &room, 3, keep(100)).await;
    for (at, stands) in [(2, 2), (3, 2), (1, 2)] {
        let (at, stands) = (positions[at], positions[stands]);
        assert_eq!(engine.begin(&room, "ann", at).await, Ok(stands));
    }
    let (first, second) = (
        engine.begin(&room, "bob", positions[1]),
        engine.begin(&room, "bob", positions[3]),
    );
    assert_eq!(
        second.await,
        Ok(positions[1]),
        "both asked before either was answered"
    );
    assert_eq!(first.await, Ok(positions[1]));
}

pub(super) async fn cursors_belong_to_a_user_and_a_room(subject: &dyn Subject) {
    let (engine, ours, other) = (subject.engine(), room(), room());
    let positions = publish(&*engine, &ours, 2, keep(100)).await;
    let (first, second) = (positions[1], positions[2]);
    engine.advance(&ours, "ann", second).await.unwrap();
    engine.advance(&ours, "bob", first).await.unwrap();
    assert_eq!(engine.cursor(&ours, "ann").await, Ok(Some(second)));
    assert_eq!(engine.cursor(&ours, "bob").await, Ok(Some(first)));
    assert_eq!(engine.cursor(&ours, "eve").await, Ok(None));
    assert_eq!(engine.cursor(&other, "ann").await, Ok(None));
}

pub(super) async fn a_cursor_of_another_epoch_yields(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let current = *publish(&*engine, &room, 2, keep(100)).await.last().unwrap();
    let old = Position {
        epoch: Epoch(current.epoch.0 ^ 1),
        offset: 1_000,
        ..current
    };
    assert_eq!(engine.advance(&room, "ann", old).await, Ok(old));
    assert_eq!(engine.advance(&room, "ann", current).await, Ok(current));
    assert_eq!(engine.advance(&room, "ann", old).await, Ok(current));
}

pub(super) async fn a_kept_value_is_not_replaced(subject: &dyn Subject) {
    let (engine, key) = (subject.engine(), unique("ticket"));
    assert_eq!(engine.get(&key).await, Ok(None));
    let (first, second) = (Bytes::from_static(b"\0one"), Bytes::from_static(b"two"));
    assert_eq!(
        engine.put_if_absent(&key, first.clone(), LONG).await,
        Ok(true)
    );
    assert_eq!(engine.put_if_absent(&key, second, LONG).await, Ok(false));
    assert_eq!(engine.get(&key).await, Ok(Some(first)));
}

pub(super) async fn one_of_many_keeps_a_value(subject: &dyn Subject) {
    let engine = subject.engine();
    for _ in 0..20 {
        let key = unique("ticket");
        let attempts: Vec<_> = (0..4)
            .map(|_| {
                let (engine, key) = (Arc::clone(&engine), key.clone());
                tokio::spawn(async move {
                    let value = Bytes::from_static(b"used");
                    engine.put_if_absent(&key, value, LONG).await.unwrap()
                })
            })
            .collect();
        let mut kept = 0;
        for attempt in attempts {
            kept += u32::from(attempt.await.unwrap());
        }
        assert_eq!(kept, 1);
    }
}

pub(super) async fn kept_values_end(subject: &dyn Subject) {
    let (engine, key, moment) = (subject.engine(), unique("ticket"), subject.moment());
    let (first, second) = (Bytes::from_static(b"one"), Bytes::from_static(b"two"));
    engine
        .put_if_absent(&key, first.clone(), moment * 4)
        .await
        .unwrap();
    subject.advance(moment).await;
    assert_eq!(engine.get(&key).await, Ok(Some(first)));
    subject.advance(moment * 5).await;
    assert_eq!(engine.get(&key).await, Ok(None));
    assert_eq!(
        engine.put_if_absent(&key, second.clone(), LONG).await,
        Ok(true)
    );
    assert_eq!(engine.get(&key).await, Ok(Some(second)));
}
