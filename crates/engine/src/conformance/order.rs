//! One room, one order.

use std::sync::Arc;

use bytes::Bytes;
use tautline_protocol::model::{Position, PublicationId};
use tokio::sync::Barrier;

use super::Subject;
use super::ear::{Ear, Heard};
use super::given::{draft, keep, last, offsets, publish, room};
use crate::{Draft, Range};

pub(super) async fn offsets_are_contiguous_from_one(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let positions = publish(&*engine, &room, 10, keep(100)).await;
    let start = *positions.first().unwrap();
    assert_eq!(start, Position::start(start.epoch));
    for (position, offset) in positions.iter().zip(0..) {
        assert_eq!((position.epoch, position.offset), (start.epoch, offset));
    }
    assert_eq!(
        engine.head(&room).await.as_ref(),
        Ok(positions.last().unwrap())
    );
}

pub(super) async fn each_event_has_the_id_of_the_one_before(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let (mut ear, head) = Ear::watch(&*engine, &room).await;
    publish(&*engine, &room, 10, keep(100)).await;
    assert_chained(head, &ear.publications(10).await);
}

pub(super) async fn without_history_the_order_goes_on(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let (mut ear, head) = Ear::watch(&*engine, &room).await;
    let positions = publish(&*engine, &room, 10, keep(0)).await;
    assert_chained(head, &ear.publications(10).await);
    let page = last(&*engine, &room).await;
    assert_eq!((page.publications, page.more), (vec![], false));
    assert_eq!(page.head, *positions.last().unwrap());
}

pub(super) async fn a_publication_arrives_as_it_was_published(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    let by_user = Draft {
        tag: Some("tag 1".into()),
        data: Bytes::from_static("{\"text\": \"smørrebrød\",\n \"n\": 1.0}".as_bytes()),
        ..draft("")
    };
    let by_backend = Draft {
        user: None,
        ..draft("x")
    };
    for draft in [by_user, by_backend] {
        let published = engine
            .publish(&room, draft.clone(), keep(100))
            .await
            .unwrap();
        assert!(!published.duplicate);
        let heard = ear.publication().await.publication;
        assert_eq!((&heard.room, heard.position), (&room, published.position));
        assert_eq!((&heard.event, &heard.data), (&draft.event, &draft.data));
        assert_eq!((&heard.user, &heard.tag), (&draft.user, &draft.tag));
        assert_eq!(
            last(&*engine, &room).await.publications.last(),
            Some(&heard)
        );
    }
}

pub(super) async fn calls_take_their_place_before_they_are_awaited(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let answers: Vec<_> = (0..10)
        .map(|number| engine.publish(&room, draft(&number.to_string()), keep(100)))
        .collect();
    for (answer, offset) in answers.into_iter().rev().zip((1..=10).rev()) {
        assert_eq!(answer.await.unwrap().position.offset, offset);
    }
}

pub(super) async fn many_publishers_have_one_order_on_all_listeners(subject: &dyn Subject) {
    const PUBLISHERS: usize = 8;
    const EACH: u32 = 500;
    let (engine, room) = (subject.engine(), room());
    let mut ears = Vec::new();
    for _ in 0..3 {
        ears.push(Ear::watch(&*engine, &room).await);
    }
    // All at once, so that they meet in the engine.
    let start = Arc::new(Barrier::new(PUBLISHERS));
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|_| {
            let (engine, room, start) = (Arc::clone(&engine), room.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                publish(&*engine, &room, EACH, keep(10_000)).await
            })
        })
        .collect();
    let mut own_orders = Vec::new();
    for publisher in publishers {
        own_orders.push(publisher.await.unwrap().split_off(1));
    }
    assert!(
        own_orders
            .iter()
            .all(|order| order.is_sorted_by_key(|position| position.offset))
    );
    let mut orders = Vec::new();
    for (ear, head) in &mut ears {
        let heard = ear.publications(PUBLISHERS * EACH as usize).await;
        assert_chained(*head, &heard);
        orders.push(heard);
    }
    assert!(orders.windows(2).all(|pair| pair.first() == pair.last()));
    let page = last(&*engine, &room).await;
    let heard = orders.pop().unwrap();
    assert_eq!(
        page.publications,
        heard
            .into_iter()
            .map(|heard| heard.publication)
            .collect::<Vec<_>>()
    );
    let mut told: Vec<_> = own_orders.concat();
    told.sort_by_key(|position| position.offset);
    let recorded = page
        .publications
        .iter()
        .map(|publication| publication.position);
    assert!(
        told.into_iter().eq(recorded),
        "publishers were told other positions"
    );
}

pub(super) async fn position_record_and_event_are_one(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    let publisher = {
        let (engine, room) = (Arc::clone(&engine), room.clone());
        tokio::spawn(async move { publish(&*engine, &room, 200, keep(1_000)).await })
    };
    let mut heard_all = Vec::new();
    for _ in 0..200 {
        let heard = ear.publication().await.publication;
        let offset = heard.position.offset + 1;
        let page = engine
            .read(&room, Range::Before { offset, limit: 1 })
            .await
            .unwrap();
        assert!(page.head.offset >= heard.position.offset);
        assert_eq!(
            page.publications,
            [Arc::clone(&heard)],
            "heard before it was recorded"
        );
        heard_all.push(heard.position);
    }
    assert_eq!(publisher.await.unwrap().split_off(1), heard_all);
}

pub(super) async fn rooms_are_apart(subject: &dyn Subject) {
    let (engine, ours, other) = (subject.engine(), room(), room());
    let (mut ear, _) = Ear::watch(&*engine, &ours).await;
    publish(&*engine, &other, 3, keep(100)).await;
    publish(&*engine, &ours, 1, keep(100)).await;
    let heard = ear.publication().await.publication;
    assert_eq!((&heard.room, heard.position.offset), (&ours, 1));
    assert_eq!(
        offsets(&last(&*engine, &other).await.publications),
        [1, 2, 3]
    );
}

/// Asserts that what was heard follows `head` without a gap, and says so itself.
pub(super) fn assert_chained(head: Position, heard: &[Heard]) {
    let mut before = head;
    for Heard {
        publication,
        previous,
    } in heard
    {
        let position = publication.position;
        assert_eq!(position.epoch, before.epoch);
        assert_eq!(position.offset, before.offset + 1);
        assert_eq!(*previous, before.id, "at offset {}", position.offset);
        assert_ne!(position.id, before.id);
        assert_ne!(position.id, PublicationId::default());
        before = position;
    }
}
