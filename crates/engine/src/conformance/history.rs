//! What a room keeps of its past, and how it is read.

use tautline_protocol::model::Retention;

use super::Subject;
use super::ear::Ear;
use super::given::{after, keep, last, offsets, publish, room};
use crate::{Range, Terms};

pub(super) async fn a_new_room_is_empty(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let head = engine.head(&room).await.unwrap();
    for range in [
        Range::Last { limit: 10 },
        Range::Before {
            offset: 5,
            limit: 10,
        },
        Range::After {
            position: head,
            limit: 10,
        },
    ] {
        let page = engine.read(&room, range).await.unwrap();
        assert_eq!((page.publications, page.head), (vec![], head), "{range:?}");
        assert_eq!((page.more, page.missing), (false, None), "{range:?}");
    }
}

pub(super) async fn history_is_bounded_by_count(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    publish(&*engine, &room, 3, keep(3)).await;
    assert_eq!(
        offsets(&last(&*engine, &room).await.publications),
        [1, 2, 3]
    );
    publish(&*engine, &room, 7, keep(3)).await;
    assert_eq!(
        offsets(&last(&*engine, &room).await.publications),
        [8, 9, 10]
    );
}

pub(super) async fn history_is_bounded_by_age(subject: &dyn Subject) {
    let (engine, room, moment) = (subject.engine(), room(), subject.moment());
    let terms = Terms {
        history: Retention {
            count: 100,
            age: moment * 6,
        },
        ..keep(100)
    };
    publish(&*engine, &room, 2, terms).await;
    subject.advance(moment * 4).await;
    publish(&*engine, &room, 2, terms).await;
    assert_eq!(
        offsets(&last(&*engine, &room).await.publications),
        [1, 2, 3, 4]
    );
    subject.advance(moment * 4).await;
    assert_eq!(offsets(&last(&*engine, &room).await.publications), [3, 4]);
    subject.advance(moment * 4).await;
    let page = last(&*engine, &room).await;
    assert_eq!((page.publications, page.head.offset), (vec![], 4));
}

pub(super) async fn history_shrinks_with_its_terms(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    publish(&*engine, &room, 5, keep(5)).await;
    publish(&*engine, &room, 1, keep(2)).await;
    assert_eq!(offsets(&last(&*engine, &room).await.publications), [5, 6]);
    publish(&*engine, &room, 1, keep(0)).await;
    assert_eq!(last(&*engine, &room).await.publications, []);
}

pub(super) async fn last_pages_hold_the_newest(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    publish(&*engine, &room, 7, keep(5)).await;
    let expected = [
        (0, vec![], true),
        (1, vec![7], true),
        (4, vec![4, 5, 6, 7], true),
        (5, vec![3, 4, 5, 6, 7], false),
        (u32::MAX, vec![3, 4, 5, 6, 7], false),
    ];
    for (limit, page_offsets, more) in expected {
        let page = engine.read(&room, Range::Last { limit }).await.unwrap();
        assert_eq!(offsets(&page.publications), page_offsets, "last {limit}");
        assert_eq!((page.more, page.missing), (more, None), "last {limit}");
        assert_eq!(page.head.offset, 7);
    }
}

pub(super) async fn before_pages_walk_back(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    publish(&*engine, &room, 7, keep(5)).await;
    let expected = [
        (8, 2, vec![6, 7], true),
        (6, 2, vec![4, 5], true),
        (4, 2, vec![3], false),
        (5, 2, vec![3, 4], false),
        (3, 2, vec![], false),
        (1, 2, vec![], false),
        (0, 2, vec![], false),
        (100, 2, vec![6, 7], true),
        (u64::MAX, u32::MAX, vec![3, 4, 5, 6, 7], false),
    ];
    for (offset, limit, page_offsets, more) in expected {
        let range = Range::Before { offset, limit };
        let page = engine.read(&room, range).await.unwrap();
        assert_eq!(offsets(&page.publications), page_offsets, "{range:?}");
        assert_eq!((page.more, page.missing), (more, None), "{range:?}");
    }
}

pub(super) async fn after_pages_walk_on(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let positions = publish(&*engine, &room, 7, keep(100)).await;
    let mut position = *positions.first().unwrap();
    for (page_offsets, more) in [
        (vec![1, 2, 3], true),
        (vec![4, 5, 6], true),
        (vec![7], false),
        (vec![], false),
    ] {
        let range = Range::After { position, limit: 3 };
        let page = engine.read(&room, range).await.unwrap();
        assert_eq!(offsets(&page.publications), page_offsets, "{range:?}");
        assert_eq!((page.more, page.missing), (more, None), "{range:?}");
        if let Some(newest) = page.publications.last() {
            position = newest.position;
        }
    }
    assert_eq!(position, *positions.last().unwrap());
}

pub(super) async fn heads_outlive_trimming(subject: &dyn Subject) {
    let (engine, moment) = (subject.engine(), subject.moment());
    let short = Terms {
        history: Retention {
            count: 100,
            age: moment * 2,
        },
        ..keep(100)
    };
    for terms in [keep(0), short] {
        let room = room();
        let positions = publish(&*engine, &room, 3, terms).await;
        subject.advance(moment * 3).await;
        assert_eq!(last(&*engine, &room).await.publications, []);
        let head = *positions.last().unwrap();
        assert_eq!(engine.head(&room).await, Ok(head));
        let (mut ear, watched) = Ear::watch(&*engine, &room).await;
        assert_eq!(watched, head);
        assert_eq!(after(&*engine, &room, head).await.missing, None);
        publish(&*engine, &room, 1, terms).await;
        super::order::assert_chained(head, &ear.publications(1).await);
    }
}
