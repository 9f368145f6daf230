//! What is told and not kept, and what an engine says of itself.

use std::sync::Arc;

use bytes::Bytes;
use tautline_protocol::model::EventName;

use super::Subject;
use super::ear::Ear;
use super::given::{draft, keep, last, member, node, publish, room};
use crate::{Cast, EngineError, Event, Level, Recipient, Signal, Terms};

fn cast() -> Cast {
    Cast {
        event: EventName::parse("typing").unwrap(),
        data: Bytes::from_static(b"true"),
        user: Some("ann".into()),
        conflate: Some("ann".into()),
    }
}

pub(super) async fn a_cast_is_heard_and_not_stored(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    engine.relay(&room, cast()).await.unwrap();
    let (mut near, head) = Ear::watch(&*engine, &room).await;
    let (mut far, _) = Ear::watch(&*engine, &room).await;
    engine.relay(&room, cast()).await.unwrap();
    for ear in [&mut near, &mut far] {
        match ear.next().await {
            Event::Cast {
                room: of,
                cast: heard,
            } => assert_eq!((of, &*heard), (room.clone(), &cast())),
            other => panic!("expected a cast, heard {other:?}"),
        }
    }
    let page = last(&*engine, &room).await;
    assert_eq!((page.head, page.publications), (head, vec![]));
}

pub(super) async fn casts_and_publications_of_a_caller_keep_their_order(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let (mut ear, _) = Ear::watch(&*engine, &room).await;
    for _ in 0..5 {
        engine.publish(&room, draft("x"), keep(0)).await.unwrap();
        engine.relay(&room, cast()).await.unwrap();
    }
    for _ in 0..5 {
        ear.publication().await;
        let event = ear.next().await;
        assert!(matches!(event, Event::Cast { .. }), "heard {event:?}");
    }
}

pub(super) async fn a_signal_reaches_every_listener(subject: &dyn Subject) {
    let engine = subject.engine();
    let mut ears = [Ear::attach(&*engine, 4), Ear::attach(&*engine, 4)];
    let connection = member(node(), 1, "ann").connection;
    let signals = [
        Signal::Disconnect(connection),
        Signal::DisconnectUser(Arc::from("ann")),
    ];
    for signal in &signals {
        engine.signal(Recipient::All, signal.clone()).await.unwrap();
    }
    for ear in &mut ears {
        for signal in &signals {
            match ear.next().await {
                Event::Signal(heard) => assert_eq!(heard, *signal),
                other => panic!("expected a signal, heard {other:?}"),
            }
        }
    }
}

pub(super) async fn capabilities_are_true(subject: &dyn Subject) {
    let (engine, room) = (subject.engine(), room());
    let capabilities = engine.capabilities();
    for level in [Level::Memory, Level::Broker, Level::Disk] {
        let terms = Terms { level, ..keep(100) };
        let answer = engine.publish(&room, draft("x"), terms).await;
        if level <= capabilities.level {
            assert!(answer.unwrap().level >= level);
        } else {
            assert!(
                matches!(answer, Err(EngineError::Unsupported(_))),
                "{answer:?}"
            );
        }
    }
    publish(&*engine, &room, 1, keep(100)).await;
    let kept = last(&*engine, &room).await.publications;
    assert_eq!(!kept.is_empty(), capabilities.history);
}
