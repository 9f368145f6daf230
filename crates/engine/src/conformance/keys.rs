//! A publication with a key happens once.

use std::sync::Arc;
use std::time::Duration;

use tautline_protocol::model::EventName;

use super::Subject;
use super::ear::Ear;
use super::given::{after, draft, keep, keyed, last, offsets, publish, room};
use crate::{Draft, EngineError, Terms};

pub(super) async fn the_same_key_has_the_same_position(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let first = engine
        .publish(&room, keyed("x", "a:1"), keep(100))
        .await
        .unwrap();
    let other = engine
        .publish(&room, keyed("x", "a:2"), keep(100))
        .await
        .unwrap();
    let again = engine
        .publish(&room, keyed("x", "a:1"), keep(100))
        .await
        .unwrap();
    assert!(!first.duplicate && !other.duplicate && again.duplicate);
    assert_eq!(again.position, first.position);
    assert_eq!(again.level, first.level);
    assert_eq!(other.position.offset, 2);
    assert_eq!(engine.head(&room).await, Ok(other.position));
}

pub(super) async fn a_duplicate_is_told_once(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    for data in ["x", "x", "x"] {
        engine
            .publish(&room, keyed(data, "a:1"), keep(100))
            .await
            .unwrap();
    }
    engine
        .publish(&room, draft("end"), keep(100))
        .await
        .unwrap();
    let heard = ear.publications(2).await;
    assert_eq!(heard.first().unwrap().publication.data, draft("x").data);
    assert_eq!(heard.last().unwrap().publication.data, draft("end").data);
    assert_eq!(offsets(&last(&*engine, &room).await.publications), [1, 2]);
}

pub(super) async fn attempts_at_the_same_time_have_one_place(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    for round in 1..=20 {
        let attempts: Vec<_> = (0..4)
            .map(|_| {
                let (engine, room) = (Arc::clone(&engine), room.clone());
                let draft = keyed("x", &format!("a:{round}"));
                tokio::spawn(async move { engine.publish(&room, draft, keep(100)).await.unwrap() })
            })
            .collect();
        let mut firsts = 0;
        for attempt in attempts {
            let published = attempt.await.unwrap();
            assert_eq!(published.position.offset, round);
            firsts += u32::from(!published.duplicate);
        }
        assert_eq!(firsts, 1);
    }
}

pub(super) async fn each_user_has_keys_of_their_own(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    for (user, offset) in [(Some("ann"), 1), (Some("bob"), 2), (None, 3), (Some(""), 4)] {
        for duplicate in [false, true] {
            let draft = Draft {
                user: user.map(Into::into),
                ..keyed(user.unwrap_or("backend"), "a:1")
            };
            let published = engine.publish(&room, draft, keep(100)).await.unwrap();
            assert_eq!(published.position.offset, offset);
            assert_eq!(published.duplicate, duplicate);
        }
    }
}

pub(super) async fn each_room_has_keys_of_its_own(subject: &dyn Subject) {
    let engine = subject.engine();
    for room in [room(), room()] {
        let published = engine
            .publish(&room, keyed("x", "a:1"), keep(100))
            .await
            .unwrap();
        assert!(!published.duplicate);
    }
}

pub(super) async fn other_content_is_a_conflict(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let first = engine
        .publish(&room, keyed("x", "a:1"), keep(100))
        .await
        .unwrap();
    let other_event = Draft {
        event: EventName::parse("other").unwrap(),
        ..keyed("x", "a:1")
    };
    for other in [keyed("y", "a:1"), other_event] {
        let answer = engine.publish(&room, other, keep(100)).await;
        assert_eq!(answer, Err(EngineError::Conflict));
    }
    assert_eq!(engine.head(&room).await, Ok(first.position));
    let again = engine
        .publish(&room, keyed("x", "a:1"), keep(100))
        .await
        .unwrap();
    assert!(
        again.duplicate,
        "a conflict must not replace what the key stands for"
    );
}

pub(super) async fn another_tag_is_not_other_content(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    for (tag, duplicate) in [("first attempt", false), ("second attempt", true)] {
        let draft = Draft {
            tag: Some(tag.into()),
            ..keyed("x", "a:1")
        };
        let published = engine.publish(&room, draft, keep(100)).await.unwrap();
        assert_eq!(published.duplicate, duplicate);
    }
}

pub(super) async fn keys_outlive_trimming(subject: &dyn Subject) {
    let engine = subject.engine();
    for count in [0, 1] {
        let room = room();
        let first = engine
            .publish(&room, keyed("x", "a:1"), keep(count))
            .await
            .unwrap();
        publish(&*engine, &room, 5, keep(count)).await;
        let again = engine
            .publish(&room, keyed("x", "a:1"), keep(count))
            .await
            .unwrap();
        assert!(again.duplicate);
        assert_eq!(again.position, first.position);
        assert_eq!(engine.head(&room).await.unwrap().offset, 6);
    }
}

pub(super) async fn keys_end_after_their_window(subject: &dyn Subject) {
    let (engine, room, moment) = (subject.engine(), room(), subject.moment());
    let terms = Terms {
        key_window: moment * 4,
        ..keep(100)
    };
    let first = engine
        .publish(&room, keyed("x", "a:1"), terms)
        .await
        .unwrap();
    subject.advance(moment).await;
    assert!(
        engine
            .publish(&room, keyed("x", "a:1"), terms)
            .await
            .unwrap()
            .duplicate
    );
    subject.advance(moment * 5).await;
    let anew = engine
        .publish(&room, keyed("y", "a:1"), terms)
        .await
        .unwrap();
    assert!(!anew.duplicate);
    assert_eq!(
        after(&*engine, &room, first.position)
            .await
            .publications
            .len(),
        1
    );
    let long = Terms {
        key_window: Duration::MAX,
        ..terms
    };
    for duplicate in [false, true] {
        let published = engine
            .publish(&room, keyed("x", "a:2"), long)
            .await
            .unwrap();
        assert_eq!(published.duplicate, duplicate);
    }
}
