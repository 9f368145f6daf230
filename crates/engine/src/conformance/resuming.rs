//! Whoever comes back with a position is told the truth about what lies after it.

use tautline_protocol::model::{Epoch, Position, PublicationId};

use super::Subject;
use super::given::{after, keep, offsets, publish, room};
use crate::{Missing, MissingReason, Range};

const NOT_AN_ID: PublicationId = PublicationId([7; 16]);

pub(super) async fn after_the_head_nothing_is_missing(subject: &dyn Subject) {
    let engine = subject.engine();
    for count in [0, 2, 100] {
        let room = room();
        let positions = publish(&*engine, &room, 5, keep(count)).await;
        let page = after(&*engine, &room, *positions.last().unwrap()).await;
        assert_eq!(page.publications, []);
        assert_eq!((page.more, page.missing), (false, None));
    }
}

pub(super) async fn after_what_is_kept_nothing_is_missing(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let positions = publish(&*engine, &room, 6, keep(4)).await;
    for position in positions.iter().skip(3) {
        let page = after(&*engine, &room, *position).await;
        let expected: Vec<u64> = (position.offset + 1..=6).collect();
        assert_eq!(offsets(&page.publications), expected);
        assert_eq!((page.more, page.missing), (false, None));
    }
}

pub(super) async fn after_the_last_trimmed_nothing_is_missing(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let positions = publish(&*engine, &room, 6, keep(4)).await;
    let page = after(&*engine, &room, positions[2]).await;
    assert_eq!(offsets(&page.publications), [3, 4, 5, 6]);
    assert_eq!(page.missing, None);
}

pub(super) async fn what_was_evicted_is_told_exactly(subject: &dyn Subject) {
    let engine = subject.engine();
    for (count, kept) in [(4, vec![7, 8, 9, 10]), (0, vec![])] {
        let room = room();
        let positions = publish(&*engine, &room, 10, keep(count)).await;
        let page = after(&*engine, &room, positions[2]).await;
        let lost = Missing {
            from: 3,
            last: positions[10 - count as usize],
            reason: MissingReason::Evicted,
        };
        assert_eq!(page.missing, Some(lost));
        assert_eq!(offsets(&page.publications), kept);
    }
}

pub(super) async fn before_the_first_is_a_position(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let positions = publish(&*engine, &room, 2, keep(2)).await;
    let start = *positions.first().unwrap();
    let page = after(&*engine, &room, start).await;
    assert_eq!(offsets(&page.publications), [1, 2]);
    assert_eq!(page.missing, None);
    publish(&*engine, &room, 2, keep(2)).await;
    let lost = Missing {
        from: 1,
        last: positions[2],
        reason: MissingReason::Evicted,
    };
    let page = after(&*engine, &room, start).await;
    assert_eq!(page.missing, Some(lost));
}

pub(super) async fn another_id_is_another_order(subject: &dyn Subject) {
    let engine = subject.engine();
    for count in [0, 2] {
        let room = room();
        let positions = publish(&*engine, &room, 5, keep(count)).await;
        // The last trimmed, what is kept, and the head: everything whose id is still known.
        for position in positions.iter().skip(5 - count as usize) {
            let (id, trimmed) = (NOT_AN_ID, positions[5 - count as usize]);
            assert_another_order(subject, &room, Position { id, ..*position }, trimmed).await;
        }
    }
}

pub(super) async fn another_epoch_is_another_order(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let positions = publish(&*engine, &room, 5, keep(2)).await;
    let trimmed = positions[3];
    for position in positions {
        let epoch = Epoch(position.epoch.0 ^ 1);
        assert_another_order(subject, &room, Position { epoch, ..position }, trimmed).await;
    }
}

pub(super) async fn beyond_the_head_is_another_order(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let positions = publish(&*engine, &room, 5, keep(100)).await;
    for offset in [6, 1_000, u64::MAX] {
        let position = Position {
            offset,
            ..*positions.last().unwrap()
        };
        assert_another_order(subject, &room, position, positions[0]).await;
    }
}

/// Asserts that the room does not know `position`, and begins anew after the last trimmed one.
async fn assert_another_order(
    subject: &dyn Subject,
    room: &tautline_protocol::model::RoomName,
    position: Position,
    trimmed: Position,
) {
    let range = Range::After { position, limit: 1 };
    let page = subject.engine().read(room, range).await.unwrap();
    let lost = Missing {
        from: 1,
        last: trimmed,
        reason: MissingReason::EpochChanged,
    };
    assert_eq!(page.missing, Some(lost), "{position:?}");
    let kept = page.head.offset - trimmed.offset;
    let expected: Vec<u64> = (kept > 0)
        .then_some(trimmed.offset + 1)
        .into_iter()
        .collect();
    assert_eq!(offsets(&page.publications), expected, "{position:?}");
    assert_eq!(page.more, kept > 1);
    let range = Range::After {
        position: trimmed,
        limit: 1,
    };
    let again = subject.engine().read(room, range).await.unwrap();
    assert_eq!(
        (again.publications, again.missing),
        (page.publications, None)
    );
}
