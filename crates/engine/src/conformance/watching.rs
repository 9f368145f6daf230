//! Whoever watches hears everything, or hears of a gap.

use std::sync::Arc;

use super::Subject;
use super::ear::Ear;
use super::given::{after, draft, keep, publish, room};
use super::order::assert_chained;
use crate::Event;

pub(super) async fn watch_answers_the_head_and_misses_nothing_after_it(subject: &dyn Subject) {
    const PUBLICATIONS: u32 = 300;
    let (engine, room) = (subject.engine(), room());
    let publisher = {
        let (engine, room) = (Arc::clone(&engine), room.clone());
        tokio::spawn(async move { publish(&*engine, &room, PUBLICATIONS, keep(0)).await })
    };
    let mut ears = Vec::new();
    for _ in 0..50 {
        ears.push(Ear::watch(&*engine, &room).await);
        tokio::task::yield_now().await;
    }
    let end = *publisher.await.unwrap().last().unwrap();
    for (ear, head) in &mut ears {
        let count = usize::try_from(end.offset - head.offset).unwrap();
        assert_chained(*head, &ear.publications(count).await);
    }
}

pub(super) async fn watching_twice_hears_once(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let (mut ear, head) = Ear::watch(&*engine, &room).await;
    assert_eq!(engine.watch(ear.listener, &room).await, Ok(head));
    publish(&*engine, &room, 2, keep(0)).await;
    assert_chained(head, &ear.publications(2).await);
}

pub(super) async fn an_unwatched_room_is_silent(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    let (mut other, start) = Ear::watch(&*engine, &room).await;
    engine.unwatch(ear.listener, &room);
    publish(&*engine, &room, 2, keep(0)).await;
    let head = engine.watch(ear.listener, &room).await.unwrap();
    assert_eq!(head.offset, 2);
    publish(&*engine, &room, 1, keep(0)).await;
    assert_chained(head, &ear.publications(1).await);
    assert_chained(start, &other.publications(3).await);
}

pub(super) async fn a_full_inbox_becomes_a_gap_that_a_read_closes(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let mut ear = Ear::attach(&*engine, 4);
    let mut head = engine.watch(ear.listener, &room).await.unwrap();
    publish(&*engine, &room, 20, keep(100)).await;
    loop {
        match ear.next().await {
            Event::Published {
                publication,
                previous,
                at: _,
            } => {
                assert_eq!(previous, head.id, "heard past a gap");
                head = publication.position;
            }
            Event::Gap { room: lost } => {
                assert_eq!(lost, room);
                break;
            }
            other => panic!("expected a publication or a gap, heard {other:?}"),
        }
    }
    assert!(head.offset < 20);
    let page = after(&*engine, &room, head).await;
    assert_eq!((page.more, page.missing), (false, None));
    let first = page.publications.first().unwrap().position;
    assert_eq!(first.offset, head.offset + 1);
    assert_eq!(page.publications.last().unwrap().position.offset, 20);
}

pub(super) async fn a_full_inbox_holds_nobody_up(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let full = Ear::attach(&*engine, 1);
    engine.watch(full.listener, &room).await.unwrap();
    let (mut ear, head) = Ear::watch(&*engine, &room).await;
    for number in 0..20 {
        engine
            .publish(&room, draft(&number.to_string()), keep(0))
            .await
            .unwrap();
    }
    assert_chained(head, &ear.publications(20).await);
}
