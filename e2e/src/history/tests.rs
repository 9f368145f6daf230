//! Histories that keep every promise, and the same with one thing changed.

use proptest::prelude::*;
use tautline_protocol::model::{Epoch, Position, PublicationId};

use super::model::{CLIENTS, Model, Step};
use super::{Entry, Event, Fault, History, Key, Log, Missed, Promise, Rewind, Verdict, check};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = || 0..CLIENTS;
    let step = prop_oneof![
        6 => client().prop_map(Step::Publish),
        1 => client().prop_map(Step::Retry),
        3 => client().prop_map(Step::Join),
        12 => client().prop_map(Step::Deliver),
        1 => client().prop_map(Step::Cut),
        1 => client().prop_map(Step::Leave),
        1 => Just(Step::Trim),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..300)
}

fn promise() -> impl Strategy<Value = Promise> {
    prop_oneof![Just(Promise::Memory), Just(Promise::Durable)]
}

fn played(promise: Promise, steps: &[Step]) -> (Vec<History>, Vec<Log>) {
    let mut model = Model::new(promise);
    for step in steps {
        model.step(*step);
    }
    model.finish()
}

/// A change that no history may have.
type Change = fn(&mut [Entry]) -> bool;

/// Neighbors in a history that are both deliveries.
fn deliveries(entries: &[Entry]) -> Option<usize> {
    let is_delivery = |entry: &Entry| matches!(entry.event, Event::Delivered { .. });
    let pairs = entries.windows(2);
    pairs
        .enumerate()
        .find(|(_, pair)| pair.iter().all(is_delivery))
        .map(|(at, _)| at)
}

fn drop_one(entries: &mut [Entry]) -> bool {
    deliveries(entries)
        .map(|at| {
            entries[at].event = Event::Acked {
                epoch: Epoch(1),
                offset: 0,
            }
        })
        .is_some()
}

fn swap(entries: &mut [Entry]) -> bool {
    deliveries(entries)
        .map(|at| entries.swap(at, at + 1))
        .is_some()
}

fn repeat(entries: &mut [Entry]) -> bool {
    deliveries(entries)
        .map(|at| entries[at + 1] = entries[at].clone())
        .is_some()
}

fn garble(entries: &mut [Entry]) -> bool {
    entries.iter_mut().any(|entry| {
        let Event::Delivered { key, .. } = &mut entry.event else {
            return false;
        };
        key.take().is_some()
    })
}

fn exchange(entries: &mut [Entry]) -> bool {
    let Some(at) = deliveries(entries) else {
        return false;
    };
    let other = entries[at + 1].event;
    let (Event::Delivered { key, .. }, Event::Delivered { key: other, .. }) =
        (&mut entries[at].event, other)
    else {
        return false;
    };
    *key = other;
    true
}

fn deny_recovery(entries: &mut [Entry]) -> bool {
    entries.iter_mut().any(|entry| {
        let Event::Joined { recovered, .. } = &mut entry.event else {
            return false;
        };
        std::mem::take(recovered)
    })
}

fn hide_a_gap(entries: &mut [Entry]) -> bool {
    entries.iter_mut().any(|entry| {
        let Event::Joined { gap, .. } = &mut entry.event else {
            return false;
        };
        gap.take().is_some()
    })
}

fn claim_recovery(entries: &mut [Entry]) -> bool {
    entries.iter_mut().any(|entry| {
        let Event::Joined {
            gap: Some(_),
            recovered,
            ..
        } = &mut entry.event
        else {
            return false;
        };
        !std::mem::replace(recovered, true)
    })
}

fn move_an_answer(entries: &mut [Entry]) -> bool {
    entries.iter_mut().any(|entry| {
        let Event::Published { position, .. } = &mut entry.event else {
            return false;
        };
        {
            position.offset += 1000;
            true
        }
    })
}

const CHANGES: [(&str, Change); 9] = [
    ("a message is dropped", drop_one),
    ("two messages change places", swap),
    ("a message comes twice", repeat),
    ("a message is garbled", garble),
    ("a message has the words of another", exchange),
    ("a recovery is denied, and no gap is told", deny_recovery),
    ("a gap is hidden", hide_a_gap),
    ("a gap is told, and said to be none", claim_recovery),
    ("an answer names another place", move_an_answer),
];

proptest! {
    #[test]
    fn what_keeps_every_promise_passes(promise in promise(), steps in steps()) {
        let (histories, logs) = played(promise, &steps);
        let verdict = check(&histories, &logs, &[]);
        prop_assert_eq!(verdict.violations, []);
    }

    #[test]
    fn what_is_changed_fails(
        steps in steps(),
        change in prop::sample::select(&CHANGES[..]),
        client in 0..CLIENTS,
    ) {
        // What a room of memory has forgotten, nobody can judge.
        let (mut histories, logs) = played(Promise::Durable, &steps);
        let (what, change) = change;
        if change(&mut histories[client].entries) {
            let verdict = check(&histories, &logs, &[]);
            prop_assert!(!verdict.violations.is_empty(), "{}", what);
        }
    }

    #[test]
    fn what_the_log_has_lost_is_found(steps in steps(), at in any::<prop::sample::Index>()) {
        let (histories, mut logs) = played(Promise::Durable, &steps);
        prop_assume!(!logs[0].publications.is_empty());
        let at = at.index(logs[0].publications.len());
        let (position, key) = logs[0].publications.remove(at);
        let verdict = check(&histories, &logs, &[]);
        let lost = Fault::Lost(key.unwrap(), position);
        prop_assert!(verdict.violations.iter().any(|violation| violation.fault == lost));
    }
}

#[test]
fn every_change_is_made_somewhere_and_found() {
    use Step::{Cut, Deliver, Join, Publish, Trim};
    let missed = [
        Join(0),
        Publish(0),
        Publish(0),
        Deliver(0),
        Cut(0),
        Publish(0),
        Join(0),
        Deliver(0),
    ];
    let gone = [
        Deliver(0),
        Cut(0),
        Publish(0),
        Publish(0),
        Trim,
        Trim,
        Trim,
        Trim,
        Join(0),
        Deliver(0),
    ];
    for (what, change) in CHANGES {
        let (mut histories, logs) = played(Promise::Durable, &[&missed[..], &gone].concat());
        assert_eq!(check(&histories, &logs, &[]).violations, []);
        assert!(change(&mut histories[0].entries), "{what}");
        assert_ne!(check(&histories, &logs, &[]).violations, [], "{what}");
    }
}

const EPOCH: Epoch = Epoch(7);

fn at(offset: u64) -> Position {
    let id = PublicationId([u8::try_from(offset).unwrap(); 16]);
    Position {
        epoch: EPOCH,
        offset,
        id,
    }
}

fn key(sequence: u64) -> Key {
    Key {
        producer: 1,
        sequence,
    }
}

fn sent(sequence: u64) -> Event {
    Event::Sent(key(sequence))
}

fn published(sequence: u64, offset: u64) -> Event {
    Event::Published {
        key: key(sequence),
        position: at(offset),
    }
}

fn delivered(offset: u64) -> Event {
    Event::Delivered {
        position: at(offset),
        key: Some(key(offset)),
    }
}

fn joined(offset: u64) -> Event {
    Event::Joined {
        since: None,
        position: at(offset),
        recovered: false,
        gap: None,
    }
}

fn acked(offset: u64) -> Event {
    Event::Acked {
        epoch: EPOCH,
        offset,
    }
}

fn history(client: &str, events: &[Event]) -> History {
    let entry = |event: &Event| Entry {
        room: "room".into(),
        era: 0,
        event: *event,
    };
    History {
        client: client.to_owned(),
        entries: events.iter().map(entry).collect(),
    }
}

/// What is found in the histories of clients who do these things, one each.
fn faults(clients: &[&[Event]], logs: &[Log]) -> Vec<Fault> {
    let histories: Vec<_> = clients
        .iter()
        .map(|events| history("client", events))
        .collect();
    found(check(&histories, logs, &[]))
}

fn found(verdict: Verdict) -> Vec<Fault> {
    let violations = verdict.violations.into_iter();
    violations.map(|violation| violation.fault).collect()
}

#[test]
fn two_orders_are_found() {
    let publisher = [sent(1), sent(2)];
    let other = Event::Delivered {
        position: at(1),
        key: Some(key(2)),
    };
    let found = faults(
        &[&publisher, &[joined(0), delivered(1)], &[joined(0), other]],
        &[],
    );
    assert_eq!(
        found,
        [Fault::TwoAtOnePlace {
            position: at(1),
            here: Some(key(2)),
            elsewhere: Some(key(1))
        }]
    );

    let mut reused = at(1);
    reused.id = PublicationId([9; 16]);
    let reused = Event::Delivered {
        position: reused,
        key: Some(key(1)),
    };
    let found = faults(
        &[&publisher, &[joined(0), delivered(1)], &[joined(0), reused]],
        &[],
    );
    assert_eq!(
        found,
        [Fault::TwoIds {
            epoch: EPOCH,
            offset: 1
        }]
    );
}

#[test]
fn a_publication_at_two_places_is_found() {
    let found = faults(
        &[&[sent(1), published(1, 1), sent(1), published(1, 2)]],
        &[],
    );
    let twice = Fault::TwoPlaces {
        key: key(1),
        epoch: EPOCH,
        first: 1,
        second: 2,
    };
    assert_eq!(found, [twice]);
}

#[test]
fn a_publication_that_comes_again_at_another_place_came_twice() {
    let again = Event::Delivered {
        position: at(2),
        key: Some(key(1)),
    };
    let found = faults(&[&[sent(1), joined(0), delivered(1), again]], &[]);
    assert!(found.contains(&Fault::Twice(key(1))), "{found:?}");
}

#[test]
fn a_producer_out_of_its_order_is_found() {
    let found = faults(
        &[&[sent(1), sent(2), published(2, 1), published(1, 2)]],
        &[],
    );
    let (earlier, later) = (key(1), key(2));
    assert_eq!(
        found,
        [Fault::ProducerOrder {
            earlier,
            later,
            epoch: EPOCH
        }]
    );
}

#[test]
fn what_a_durable_room_forgets_with_its_epoch_is_lost() {
    let log = |promise| Log {
        room: "room".into(),
        promise,
        behind: Position::start(Epoch(8)),
        publications: Vec::new(),
    };
    let publisher = [sent(1), published(1, 1)];
    assert_eq!(faults(&[&publisher], &[log(Promise::Memory)]), []);
    let found = faults(&[&publisher], &[log(Promise::Durable)]);
    assert_eq!(found, [Fault::Lost(key(1), at(1))]);
}

/// A client's two lives, before and after the server went back to an older copy.
fn two_eras(before: &[Event], behind: &[Event]) -> History {
    let mut whole = history("client", before);
    let mut later = history("client", behind).entries;
    for entry in &mut later {
        entry.era = 1;
    }
    whole.entries.append(&mut later);
    whole
}

/// The server went back to where the room had this many publications.
fn rewind(is_announced: bool, head: u64) -> Rewind {
    Rewind {
        is_announced,
        heads: [("room".into(), at(head))].into(),
    }
}

/// A place that was given again to another publication.
fn again(offset: u64) -> Position {
    Position {
        id: PublicationId([99; 16]),
        ..at(offset)
    }
}

#[test]
fn what_was_acknowledged_before_the_copy_was_made_is_in_it() {
    let publisher = two_eras(&[sent(1), published(1, 1), sent(2), published(2, 2)], &[]);
    let log = Log {
        room: "room".into(),
        promise: Promise::Durable,
        behind: Position::start(EPOCH),
        publications: Vec::new(),
    };
    let (histories, logs) = ([publisher], [log]);
    let lost = |head| found(check(&histories, &logs, &[rewind(true, head)]));
    assert_eq!(lost(0), []);
    assert_eq!(lost(1), [Fault::Lost(key(1), at(1))]);
    assert_eq!(lost(2).len(), 2);
}

#[test]
fn whoever_stood_behind_an_older_copy_is_told() {
    let joins = |since, recovered, gap| Event::Joined {
        since: Some(since),
        position: again(2),
        recovered,
        gap,
    };
    let begins_anew = Missed {
        from: 1,
        to: 0,
        position: Position::start(EPOCH),
    };
    let other = Event::Delivered {
        position: again(2),
        key: Some(key(3)),
    };
    let before = [
        sent(1),
        sent(2),
        sent(3),
        joined(0),
        delivered(1),
        delivered(2),
    ];
    let faults = |behind: &[Event], is_announced| {
        let rewinds = [rewind(is_announced, 1)];
        found(check(&[two_eras(&before, behind)], &[], &rewinds))
    };
    let told = [joins(at(2), false, Some(begins_anew)), delivered(1), other];
    assert_eq!(faults(&told, true), []);
    assert_eq!(faults(&told, false), []);

    let untold = [joins(at(2), true, None)];
    let since = at(2);
    assert_eq!(
        faults(&untold, true),
        [Fault::RecoveredInAnotherEra { since }]
    );
    assert_eq!(faults(&untold, false), [], "nobody knows what is there now");
    let witness = [
        joins(at(2), false, Some(begins_anew)),
        delivered(1),
        other,
        joins(again(2), true, None),
    ];
    assert_eq!(faults(&witness, false), []);
    let stranger = [
        joins(at(2), false, Some(begins_anew)),
        delivered(1),
        other,
        joins(at(2), true, None),
    ];
    assert!(faults(&stranger, false).contains(&Fault::RecoveredElsewhere { since }));
}

#[test]
fn a_member_stands_somewhere() {
    assert_eq!(
        faults(&[&[sent(1), delivered(1)]], &[]),
        [Fault::Stray(at(1))]
    );
    let left = [sent(1), joined(0), Event::Left, delivered(1)];
    assert_eq!(faults(&[&left], &[]), [Fault::Stray(at(1))]);
    let rejoined = |since| Event::Joined {
        since: Some(since),
        position: at(3),
        recovered: true,
        gap: None,
    };
    let strayed = [joined(2), rejoined(at(1))];
    assert_eq!(faults(&[&strayed], &[]), [Fault::Strayed { asked: at(1) }]);
}

#[test]
fn a_gap_says_what_is_missing() {
    let missed = |from, to, goes_on| {
        Event::Missed(Missed {
            from,
            to,
            position: at(goes_on),
        })
    };
    assert_eq!(
        faults(&[&[sent(6), joined(2), missed(3, 5, 5), delivered(6)]], &[]),
        []
    );
    for (from, to, goes_on) in [(4, 5, 5), (3, 5, 6), (3, 2, 2), (2, 5, 5)] {
        let found = faults(&[&[joined(2), missed(from, to, goes_on)]], &[]);
        assert_eq!(
            found,
            [Fault::WrongGap {
                stands: at(2),
                from,
                to
            }]
        );
    }
}

#[test]
fn nobody_recovers_across_epochs_or_without_a_position() {
    let elsewhere = Position {
        epoch: Epoch(8),
        ..at(2)
    };
    let recovered = Event::Joined {
        since: Some(at(2)),
        position: elsewhere,
        recovered: true,
        gap: None,
    };
    let hole = Fault::Hole {
        stands: at(2),
        came: elsewhere,
    };
    assert_eq!(faults(&[&[joined(2), recovered]], &[]), [hole]);
    let nothing = Event::Joined {
        since: None,
        position: at(2),
        recovered: true,
        gap: None,
    };
    assert_eq!(faults(&[&[nothing]], &[]), [Fault::RecoveredNothing]);
}

#[test]
fn a_cursor_is_where_was_acked_and_never_goes_back() {
    assert_eq!(
        faults(
            &[&[
                joined(0),
                acked(4),
                Event::Left,
                joined(4),
                acked(6),
                Event::Left,
                joined(6)
            ]],
            &[]
        ),
        []
    );
    let back = [
        joined(0),
        acked(6),
        Event::Left,
        joined(6),
        Event::Left,
        joined(4),
    ];
    assert_eq!(
        faults(&[&back], &[]),
        [Fault::CursorBack { before: 6, now: 4 }]
    );
    let ahead = [joined(0), acked(4), Event::Left, joined(5)];
    assert_eq!(
        faults(&[&ahead], &[]),
        [Fault::CursorAhead { acked: 4, now: 5 }]
    );
}

#[test]
fn who_remembers_nothing_may_get_it_again_and_nobody_else_may() {
    let again = Event::Redelivered {
        position: at(2),
        key: Some(key(2)),
    };
    let begins = [
        sent(2),
        sent(3),
        joined(1),
        delivered(2),
        again,
        delivered(3),
    ];
    let forgets = [&begins[..], &[joined(1), delivered(2), delivered(3)]].concat();
    assert_eq!(faults(&[&forgets], &[]), []);
    let remembers = Event::Joined {
        since: Some(at(3)),
        position: at(3),
        recovered: true,
        gap: None,
    };
    let found = faults(&[&[&begins[..], &[remembers, delivered(2)]].concat()], &[]);
    assert!(found.contains(&Fault::Twice(key(2))), "{found:?}");
}

#[test]
fn an_ack_that_comes_late_is_still_one() {
    let late = [joined(0), acked(9), joined(4), acked(6), joined(9)];
    assert_eq!(faults(&[&late], &[]), []);
    let ahead = [&late[..], &[joined(10)]].concat();
    assert_eq!(
        faults(&[&ahead], &[]),
        [Fault::CursorAhead { acked: 9, now: 10 }]
    );
}

#[test]
fn what_is_found_is_told_in_words() {
    let found = check(
        &[history("ann", &[sent(3), joined(1), delivered(3)])],
        &[],
        &[],
    )
    .violations;
    let zeros = "0000000000000007";
    let [one, three] = [
        "01010101-0101-0101-0101-010101010101",
        "03030303-0303-0303-0303-030303030303",
    ];
    let words = format!(
        "room, ann: behind {zeros}:1:{one} came {zeros}:3:{three}, and nothing was said of what is between"
    );
    assert_eq!(found[0].to_string(), words);
}
