//! Who is present, for as long as their node is.

use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::Member;

use super::Subject;
use super::ear::Ear;
use super::given::{member, node, room};
use crate::{EngineError, MemberChange};

const LONG: Duration = Duration::from_hours(1);

pub(super) async fn entering_and_leaving_are_idempotent(subject: &dyn Subject) {
    let (engine, room, node) = (subject.engine(), room(), node());
    engine.renew(node, LONG).await.unwrap();
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    let (ann, ann_too) = (member(node, 1, "ann"), member(node, 2, "ann"));
    assert_eq!(engine.leave(&room, ann.connection).await, Ok(0));
    for _ in 0..2 {
        assert_eq!(engine.enter(&room, ann.clone()).await, Ok(1));
    }
    assert_eq!(engine.enter(&room, ann_too.clone()).await, Ok(2));
    for _ in 0..2 {
        assert_eq!(engine.leave(&room, ann.connection).await, Ok(1));
    }
    assert_eq!(engine.members(&room).await, Ok(vec![ann_too.clone()]));
    assert_eq!(ear.members().await, (MemberChange::Joined(ann.clone()), 1));
    assert_eq!(ear.members().await, (MemberChange::Joined(ann_too), 2));
    assert_eq!(ear.members().await, (MemberChange::Left(ann), 1));
}

pub(super) async fn members_are_in_the_order_in_which_they_came(subject: &dyn Subject) {
    let (engine, room, node) = (subject.engine(), room(), node());
    engine.renew(node, LONG).await.unwrap();
    let mut expected = Vec::new();
    for slot in (0..20).rev() {
        let member = member(node, slot, "ann");
        engine.enter(&room, member.clone()).await.unwrap();
        expected.push(member);
    }
    let early = expected.remove(3);
    engine.leave(&room, early.connection).await.unwrap();
    engine.enter(&room, early.clone()).await.unwrap();
    expected.push(early);
    assert_eq!(engine.members(&room).await, Ok(expected));
}

pub(super) async fn what_a_member_shows_changes_and_is_told(subject: &dyn Subject) {
    let (engine, room, node) = (subject.engine(), room(), node());
    engine.renew(node, LONG).await.unwrap();
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    let (ann, bob) = (member(node, 1, "ann"), member(node, 2, "bob"));
    let away = Member {
        state: Some(Bytes::from_static(br#""away""#)),
        ..ann.clone()
    };
    for member in [&ann, &bob, &away, &away] {
        engine.enter(&room, member.clone()).await.unwrap();
    }
    engine.leave(&room, ann.connection).await.unwrap();
    assert_eq!(ear.members().await, (MemberChange::Joined(ann), 1));
    assert_eq!(ear.members().await, (MemberChange::Joined(bob), 2));
    assert_eq!(
        ear.members().await,
        (MemberChange::Changed(away.clone()), 2)
    );
    assert_eq!(ear.members().await, (MemberChange::Left(away), 1));
}

pub(super) async fn everyone_who_watches_hears_who_comes_and_goes(subject: &dyn Subject) {
    let (engine, room, node) = (subject.engine(), room(), node());
    engine.renew(node, LONG).await.unwrap();
    let (mut near, _) = Ear::watch(&*engine, &room).await;
    let (mut far, _) = Ear::watch(&*engine, &room).await;
    let (ann, bob) = (member(node, 1, "ann"), member(node, 2, "bob"));
    engine.enter(&room, ann.clone()).await.unwrap();
    engine.enter(&room, bob.clone()).await.unwrap();
    engine.leave(&room, ann.connection).await.unwrap();
    for ear in [&mut near, &mut far] {
        assert_eq!(ear.members().await, (MemberChange::Joined(ann.clone()), 1));
        assert_eq!(ear.members().await, (MemberChange::Joined(bob.clone()), 2));
        assert_eq!(ear.members().await, (MemberChange::Left(ann.clone()), 1));
    }
}

pub(super) async fn a_lease_that_ends_takes_its_members_away(subject: &dyn Subject) {
    let (engine, room, moment) = (subject.engine(), room(), subject.moment());
    let (lost, alive) = (node(), node());
    engine.renew(lost, moment * 4).await.unwrap();
    engine.renew(alive, LONG).await.unwrap();
    let (ann, bob) = (member(lost, 1, "ann"), member(alive, 2, "bob"));
    engine.enter(&room, ann.clone()).await.unwrap();
    engine.enter(&room, bob.clone()).await.unwrap();
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    subject.advance(moment).await;
    assert_eq!(
        engine.members(&room).await,
        Ok(vec![ann.clone(), bob.clone()])
    );
    subject.advance(moment * 5).await;
    assert_eq!(ear.members().await, (MemberChange::Left(ann), 1));
    assert_eq!(engine.members(&room).await, Ok(vec![bob]));
}

pub(super) async fn a_renewed_lease_keeps_its_members(subject: &dyn Subject) {
    let (engine, room, moment) = (subject.engine(), room(), subject.moment());
    let node = node();
    engine.renew(node, moment * 4).await.unwrap();
    let ann = member(node, 1, "ann");
    engine.enter(&room, ann.clone()).await.unwrap();
    for _ in 0..3 {
        subject.advance(moment * 2).await;
        engine.renew(node, moment * 4).await.unwrap();
    }
    assert_eq!(engine.members(&room).await, Ok(vec![ann.clone()]));
    subject.advance(moment * 6).await;
    assert_eq!(engine.members(&room).await, Ok(vec![]));
    engine.renew(node, moment * 4).await.unwrap();
    assert_eq!(engine.enter(&room, ann).await, Ok(1));
}

pub(super) async fn without_a_lease_nobody_enters(subject: &dyn Subject) {
    let (engine, room, node) = (subject.engine(), room(), node());
    let answer = engine.enter(&room, member(node, 1, "ann")).await;
    assert!(
        matches!(answer, Err(EngineError::Unavailable(_))),
        "{answer:?}"
    );
    assert_eq!(engine.members(&room).await, Ok(vec![]));
}

pub(super) async fn who_is_lost_and_comes_back_was_never_away(subject: &dyn Subject) {
    let (engine, room, moment) = (subject.engine(), room(), subject.moment());
    let node = node();
    engine.renew(node, LONG).await.unwrap();
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    let ann = Member {
        state: Some(Bytes::from_static(br#""away""#)),
        ..member(node, 1, "ann")
    };
    let bob = member(node, 2, "bob");
    engine.enter(&room, ann.clone()).await.unwrap();
    let lost = engine.lose(&room, ann.connection, moment * 4).await;
    assert_eq!(lost, Ok(1));
    assert_eq!(engine.members(&room).await, Ok(vec![ann.clone()]));
    assert_eq!(engine.enter(&room, bob.clone()).await, Ok(2));
    let back = member(node, 3, "ann");
    assert_eq!(engine.enter(&room, back.clone()).await, Ok(2));
    let back = Member {
        state: ann.state.clone(),
        ..back
    };
    assert_eq!(
        engine.members(&room).await,
        Ok(vec![back.clone(), bob.clone()])
    );
    subject.advance(moment * 6).await;
    engine.leave(&room, back.connection).await.unwrap();
    let was = ann.connection;
    assert_eq!(ear.members().await, (MemberChange::Joined(ann), 1));
    assert_eq!(ear.members().await, (MemberChange::Joined(bob), 2));
    let member = back.clone();
    assert_eq!(
        ear.members().await,
        (MemberChange::Returned { member, was }, 2)
    );
    assert_eq!(ear.members().await, (MemberChange::Left(back), 1));
}

pub(super) async fn who_is_lost_for_too_long_has_left(subject: &dyn Subject) {
    let (engine, room, moment) = (subject.engine(), room(), subject.moment());
    let node = node();
    engine.renew(node, LONG).await.unwrap();
    let (ann, too) = (member(node, 1, "ann"), member(node, 2, "ann"));
    for member in [&ann, &too] {
        engine.enter(&room, member.clone()).await.unwrap();
    }
    for member in [&ann, &too] {
        let lost = engine.lose(&room, member.connection, moment * 4).await;
        assert_eq!(lost, Ok(2));
    }
    // One of two is back, and one is not.
    let back = member(node, 3, "ann");
    engine.enter(&room, back.clone()).await.unwrap();
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    subject.advance(moment).await;
    assert_eq!(
        engine.members(&room).await,
        Ok(vec![back.clone(), too.clone()])
    );
    subject.advance(moment * 5).await;
    assert_eq!(ear.members().await, (MemberChange::Left(too), 1));
    assert_eq!(engine.members(&room).await, Ok(vec![back]));
}

pub(super) async fn without_a_grace_who_is_lost_has_left(subject: &dyn Subject) {
    let (engine, room, node) = (subject.engine(), room(), node());
    engine.renew(node, LONG).await.unwrap();
    let ann = member(node, 1, "ann");
    let lose = |grace| engine.lose(&room, ann.connection, grace);
    assert_eq!(lose(LONG).await, Ok(0), "it is no member");
    engine.enter(&room, ann.clone()).await.unwrap();
    assert_eq!(lose(Duration::ZERO).await, Ok(0));
    assert_eq!(engine.members(&room).await, Ok(vec![]));
}

pub(super) async fn who_is_lost_may_leave_and_ends_with_its_node(subject: &dyn Subject) {
    let (engine, room, moment) = (subject.engine(), room(), subject.moment());
    let node = node();
    engine.renew(node, moment * 4).await.unwrap();
    let (ann, bob) = (member(node, 1, "ann"), member(node, 2, "bob"));
    for member in [&ann, &bob] {
        engine.enter(&room, member.clone()).await.unwrap();
        engine.lose(&room, member.connection, LONG).await.unwrap();
    }
    assert_eq!(engine.leave(&room, ann.connection).await, Ok(1));
    subject.advance(moment * 6).await;
    assert_eq!(engine.members(&room).await, Ok(vec![]));
}
