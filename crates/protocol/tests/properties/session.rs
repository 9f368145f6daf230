//! A session under random events, watched by a small model of its driver.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::Value;
use tautline_protocol::model::{
    Action, Actions, ConnectionId, Identity, NodeId, Pattern, Retention, RoomName, RoomRule, Rules,
    Timestamp,
};
use tautline_protocol::server::{Ask, Denied, Now, Output, Reply, Session, Settings};
use tautline_protocol::wire::ErrorCode;

/// What can happen to a connection.
#[derive(Debug, Clone)]
enum Event {
    Text(String),
    Binary,
    TooBig,
    Traffic,
    Wait(u64),
    /// Whatever is asked is answered, well or badly.
    Answer(Outcome),
    /// An answer of some kind, asked for or not.
    StrayVerdict,
    StrayReply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    Bad,
}

/// What the session waits for.
#[derive(Debug)]
enum Awaited {
    Verdict,
    Reply(Ask),
}

const AUTH: &str = r#"{"type":"auth","token":"dev-token"}"#;

fn any_text() -> impl Strategy<Value = String> {
    let room = "a|b|c|d|closed";
    prop_oneof![
        4 => Just(AUTH.to_owned()),
        6 => room.prop_map(|room| format!(r#"{{"type":"join","roomId":"{room}","requestId":1}}"#)),
        3 => room.prop_map(|room| format!(r#"{{"type":"leave","roomId":"{room}"}}"#)),
        4 => prop::collection::vec(room, 0..5).prop_map(|topics| {
            format!(r#"{{"type":"subscribe","payload":{{"topics":{topics:?}}}}}"#)
        }),
        2 => room.prop_map(|topic| {
            format!(r#"{{"type":"unsubscribe","payload":{{"topic":"{topic}"}}}}"#)
        }),
        3 => room.prop_map(|room| format!(r#"{{"type":"chat","roomId":"{room}","text":"x"}}"#)),
        2 => Just(r#"{"type":"request","method":"echo","requestId":1}"#.to_owned()),
        2 => Just(r#"{"type":"ping"}"#.to_owned()),
        1 => ".{0,20}",
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        40 => any_text().prop_map(Event::Text),
        40 => Just(Event::Answer(Outcome::Good)),
        5 => Just(Event::Answer(Outcome::Bad)),
        10 => Just(Event::Traffic),
        8 => (0_u64..15_000).prop_map(Event::Wait),
        2 => Just(Event::StrayVerdict),
        2 => Just(Event::StrayReply),
        1 => Just(Event::Binary),
        1 => Just(Event::TooBig),
    ]
}

fn rule(rooms: &str, everyone: Actions) -> RoomRule {
    RoomRule {
        history: Retention {
            count: 10,
            age: Duration::from_mins(1),
        },
        presence: true,
        everyone,
        ..RoomRule::of(Pattern::parse(rooms).unwrap())
    }
}

fn identity() -> Identity {
    Identity {
        user: Arc::from("ann"),
        name: Arc::from("Ann"),
        expires_at: Some(Timestamp(120_000)),
        grants: Arc::new([]),
    }
}

/// Drives a session as a server would, and checks every output.
struct Driver {
    session: Session,
    started: Instant,
    at: Instant,
    awaited: Option<Awaited>,
    joined: HashSet<RoomName>,
    followed: HashSet<RoomName>,
    is_closed: bool,
}

impl Driver {
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and there is no other way to get one"
    )]
    fn new(seed: u64) -> Self {
        let started = Instant::now();
        let settings = Settings {
            rooms_max: 3,
            echo: true,
            rules: Rules::new(vec![
                rule("closed", Actions::NONE),
                rule("d", Actions::NONE.with(Action::Join)),
                rule("*", Actions::ALL),
            ]),
            ..Settings::default()
        };
        let connection = ConnectionId {
            node: NodeId(1),
            shard: 0,
            slot: 0,
            serial: 0,
        };
        let now = Now {
            at: started,
            wall: Timestamp(0),
        };
        Self {
            session: Session::new(now, connection, Arc::new(settings), seed),
            started,
            at: started,
            awaited: None,
            joined: HashSet::new(),
            followed: HashSet::new(),
            is_closed: false,
        }
    }

    fn now(&self) -> Now {
        let passed = self.at - self.started;
        Now {
            at: self.at,
            wall: Timestamp(u64::try_from(passed.as_millis()).unwrap()),
        }
    }

    fn feed(&mut self, event: Event) {
        let now = self.now();
        match event {
            Event::Text(_) | Event::Binary | Event::TooBig if self.session.is_waiting() => {}
            Event::Text(text) => {
                self.session.handle_traffic(now);
                self.session.handle_text(now, &text);
            }
            Event::Binary => self.session.handle_binary(now),
            Event::TooBig => self.session.handle_too_big(now),
            Event::Traffic => self.session.handle_traffic(now),
            Event::Wait(ms) => self.wait(Duration::from_millis(ms)),
            Event::Answer(outcome) => self.answer(now, outcome),
            Event::StrayVerdict if matches!(self.awaited, Some(Awaited::Verdict)) => {}
            Event::StrayVerdict => {
                self.session.handle_verdict(now, Err(Denied::Wrong));
                assert!(
                    self.session.poll().is_none(),
                    "a stray verdict had an effect"
                );
            }
            Event::StrayReply if matches!(self.awaited, Some(Awaited::Reply(_))) => {}
            Event::StrayReply => {
                self.session.handle_reply(now, Reply::Left);
                assert!(self.session.poll().is_none(), "a stray reply had an effect");
            }
        }
        self.drain();
        self.check();
    }

    fn wait(&mut self, interval: Duration) {
        let end = self.at + interval;
        while let Some(due) = self.session.next_timeout().filter(|due| *due <= end) {
            self.at = due;
            self.session.handle_timeout(self.now());
            self.drain();
            let next = self.session.next_timeout();
            assert!(
                next.is_none_or(|next| next > due),
                "a timeout that does not pass"
            );
        }
        self.at = end;
    }

    fn answer(&mut self, now: Now, outcome: Outcome) {
        let is_good = outcome == Outcome::Good;
        let ask = match self.awaited.take() {
            None => return,
            Some(Awaited::Verdict) => {
                let verdict = is_good.then(identity).ok_or(Denied::Wrong);
                self.session.handle_verdict(now, verdict);
                return;
            }
            Some(Awaited::Reply(ask)) => ask,
        };
        let reply = match ask {
            _ if !is_good => Reply::Failed {
                code: ErrorCode::Unavailable,
                message: "try again".to_owned(),
            },
            Ask::Join { room } => {
                assert!(self.joined.insert(room), "a room was joined twice");
                Reply::Joined
            }
            Ask::History { room } => {
                assert!(self.joined.contains(&room), "read without being a member");
                assert!(!self.followed.contains(&room), "read behind what is live");
                assert_ne!(room.as_str(), "d", "read without permission");
                Reply::History(Vec::new())
            }
            Ask::Leave { room } => {
                assert!(self.joined.remove(&room), "a room was left twice");
                self.followed.remove(&room);
                Reply::Left
            }
            Ask::Publish { room, .. } => {
                assert!(
                    self.joined.contains(&room),
                    "published without being a member"
                );
                assert_ne!(room.as_str(), "d", "published without permission");
                Reply::Published
            }
        };
        self.session.handle_reply(now, reply);
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            assert!(!self.is_closed, "{output:?} after the close");
            match output {
                Output::Send(bytes) | Output::SendHistory(bytes) => {
                    assert!(self.session.identity().is_some(), "spoke to a stranger");
                    let message: Value = serde_json::from_slice(&bytes).unwrap();
                    assert!(message["type"].is_string());
                }
                Output::Ping | Output::Refused(_) => {}
                Output::Verify(_) => self.expect(Awaited::Verdict),
                Output::Ask(ask) => self.expect(Awaited::Reply(ask)),
                Output::Follow(room) => {
                    assert!(self.joined.contains(&room), "followed without a join");
                    assert!(self.followed.insert(room), "followed twice");
                }
                Output::Close(close) => {
                    assert!((1..=123).contains(&close.reason.len()));
                    self.is_closed = true;
                    self.awaited = None;
                }
            }
        }
    }

    fn expect(&mut self, awaited: Awaited) {
        assert!(self.awaited.is_none(), "two things are asked at a time");
        self.awaited = Some(awaited);
    }

    fn check(&self) {
        assert_eq!(self.session.is_waiting(), self.awaited.is_some());
        if self.is_closed {
            assert_eq!(self.session.next_timeout(), None);
            return;
        }
        let rooms: HashSet<RoomName> = self.session.rooms().iter().cloned().collect();
        assert_eq!(
            rooms.len(),
            self.session.rooms().len(),
            "a room is listed twice"
        );
        assert_eq!(rooms, self.joined);
        assert!(rooms.len() <= 3 && !rooms.contains("closed"));
        if self.awaited.is_none() {
            assert_eq!(rooms, self.followed, "a joined room is not followed");
        }
        assert!(self.session.identity().is_some() || rooms.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_keeps_its_promises(seed: u64, is_known: bool, events in prop::collection::vec(any_event(), 0..60)) {
        let mut driver = Driver::new(seed);
        if is_known {
            driver.session.handle_identity(driver.now(), identity());
            driver.drain();
        } else {
            driver.feed(Event::Text(AUTH.to_owned()));
        }
        for event in events {
            driver.feed(event);
        }
    }

    #[test]
    fn a_frame_while_waiting_ends_the_session(text in any_text(), known in any_text()) {
        let mut driver = Driver::new(0);
        driver.session.handle_text(driver.now(), AUTH);
        driver.session.handle_text(driver.now(), &text);
        driver.session.handle_text(driver.now(), &known);
        let outputs: Vec<Output> = std::iter::from_fn(|| driver.session.poll()).filter(|output| !matches!(output, Output::Refused(_))).collect();
        prop_assert!(matches!(&outputs[..], [Output::Verify(_), Output::Close(close)] if close.code.number() == 1011));
    }
}
