//! A session of v2 under random events, watched by a small model of its driver.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tautline_protocol::model::{
    Action, Actions, ConnectionId, Epoch, Gap, GapReason, Identity, Member, NodeId, Pattern,
    Position, RoomName, RoomRule, Rules, Timestamp,
};
use tautline_protocol::server::v2::{
    Accepted, Ask, Begin, Entered, Figures, Outcome, Output, Past, Placed, Reply, Session, Ticket,
};
use tautline_protocol::server::{Denied, Now, Settings};
use tautline_protocol::wire::v2::{
    ClientMessage, Encoding, Envelope, Level, Missing, Restored, ServerMessage,
};
use tautline_protocol::wire::{Close, CloseCode, ErrorCode};

/// What can happen to a connection.
#[derive(Debug, Clone)]
enum Event {
    /// A message: its type and its payload.
    Say(&'static str, Value),
    Garbage(Vec<u8>),
    WrongKind,
    TooBig,
    Traffic,
    Wait(u64),
    /// The token that waits is checked, and is right, wrong, or allows less.
    Verdict(Proof),
    /// One of the asks that wait is answered, well or badly.
    Answer(Index, bool),
    /// One of the calls that wait is answered, well or badly.
    Outcome(Index, bool),
    /// One of the requests that wait is canceled.
    Cancel(Index),
    /// An answer of another kind than was asked for.
    Confusion(Index),
    /// An answer that nobody waits for.
    Stray,
    End,
}

#[derive(Debug, Clone, Copy)]
enum Proof {
    Right,
    Lesser,
    SomebodyElse,
    Wrong,
}

const ROOMS_MAX: usize = 3;
const IN_FLIGHT_MAX: usize = 4;
const REQUESTS_MAX: usize = 3;
/// The room that only the better token allows.
const GRANTED: &str = "d";
/// The room that nobody may join.
const CLOSED: &str = "closed";

fn any_room() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => Just("a"),
        4 => prop::sample::select(&["b", "c", GRANTED, "quiet", CLOSED][..]),
    ]
}

fn any_hello() -> impl Strategy<Value = Event> {
    let wanted = (any_room(), any::<bool>()).prop_map(|(room, since)| {
        let since = since.then(|| json!({ "epoch": "0000000000000001", "offset": 3, "id": "00000000-0000-0000-0000-000000000003" }));
        json!({ "room": room, "since": since, "presence": 1 })
    });
    prop::collection::vec(wanted, 0..4).prop_map(|rooms| {
        let client = json!({ "name": "test", "version": "1" });
        let hello =
            json!({ "token": "dev-token", "client": client, "producer": "p", "rooms": rooms });
        Event::Say("hello", hello)
    })
}

fn any_message() -> impl Strategy<Value = Event> {
    let in_room = |kind, rest: Value| {
        any_room().prop_map(move |room| {
            let mut payload = rest.clone();
            payload["room"] = json!(room);
            Event::Say(kind, payload)
        })
    };
    let publish = json!({ "event": "e", "data": { "n": 1 }, "key": "p:1" });
    let ack = json!({ "epoch": "0000000000000001", "offset": 7 });
    prop_oneof![
        1 => any_hello(),
        2 => Just(Event::Say("refresh", json!({ "token": "dev-token" }))),
        6 => in_room("join", json!({ "last": 5, "presence": "here" })),
        3 => in_room("leave", json!({})),
        8 => in_room("publish", publish),
        3 => in_room("cast", json!({ "event": "e", "data": 1 })),
        6 => in_room("ack", ack),
        2 => in_room("history", json!({ "limit": 10 })),
        1 => in_room("history", json!({ "limit": 10, "before": 1, "after": null })),
        2 => in_room("members", json!({})),
        2 => in_room("presence", json!({ "state": { "typing": true } })),
        2 => Just(Event::Say("request", json!({ "method": "echo", "data": 1 }))),
        1 => Just(Event::Say("request", json!({ "method": "other" }))),
        6 => Just(Event::Say("request", json!({ "method": "wait", "data": 1 }))),
        2 => Just(Event::Say("ping", json!({}))),
        2 => Just(Event::Say("pong", json!({}))),
        1 => Just(Event::Say("join", json!({ "room": "no room" }))),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let proof = prop_oneof![
        6 => Just(Proof::Right),
        2 => Just(Proof::Lesser),
        1 => Just(Proof::SomebodyElse),
        1 => Just(Proof::Wrong),
    ];
    prop_oneof![
        60 => any_message(),
        20 => proof.prop_map(Event::Verdict),
        50 => (any::<Index>(), prop::bool::weighted(0.8)).prop_map(|(at, good)| Event::Answer(at, good)),
        5 => (any::<Index>(), prop::bool::weighted(0.8)).prop_map(|(at, good)| Event::Outcome(at, good)),
        3 => any::<Index>().prop_map(Event::Cancel),
        10 => Just(Event::Traffic),
        8 => (0_u64..15_000).prop_map(Event::Wait),
        3 => ".{0,8}".prop_map(|text| Event::Garbage(text.into_bytes())),
        3 => Just(Event::Stray),
        1 => any::<Index>().prop_map(Event::Confusion),
        1 => Just(Event::WrongKind),
        1 => Just(Event::TooBig),
        1 => Just(Event::End),
    ]
}

fn rule(rooms: &str, everyone: Actions, presence: bool) -> RoomRule {
    RoomRule {
        presence,
        everyone,
        ..RoomRule::of(Pattern::parse(rooms).unwrap())
    }
}

fn identity(user: &str, grants: bool) -> Identity {
    let grant = tautline_protocol::model::Grant {
        rooms: Pattern::parse(GRANTED).unwrap(),
        actions: Actions::ALL,
    };
    Identity {
        user: Arc::from(user),
        name: Arc::from(user),
        expires_at: Some(Timestamp(120_000)),
        grants: grants.then_some(grant).into_iter().collect(),
    }
}

fn position(offset: u64) -> Position {
    let mut position = Position::start(Epoch(1));
    position.offset = offset;
    position
}

/// Drives a session as a server would, and checks every output.
struct Driver {
    session: Session,
    encoding: Encoding,
    started: Instant,
    at: Instant,
    /// The commands that are not answered, with their types, in their order.
    unanswered: VecDeque<(u64, String)>,
    commands: u64,
    is_verifying: bool,
    asked: Vec<(Ticket, Ask)>,
    /// The calls that wait, and the requests that they are for.
    called: Vec<(Ticket, u64)>,
    /// The request that is being canceled.
    canceling: Option<u64>,
    used: HashSet<Ticket>,
    joined: HashSet<RoomName>,
    /// Rooms whose opening message is out, by how often.
    opened: HashMap<RoomName, usize>,
    bye: Option<CloseCode>,
    is_welcome: bool,
    is_closed: bool,
}

impl Driver {
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and there is no other way to get one"
    )]
    fn new(seed: u64, encoding: Encoding) -> Self {
        let started = Instant::now();
        let settings = Settings {
            rooms_max: ROOMS_MAX,
            echo: true,
            rules: Rules::new(vec![
                rule(CLOSED, Actions::NONE, true),
                rule(GRANTED, Actions::NONE, true),
                rule("quiet", Actions::ALL, false),
                rule("b", Actions::NONE.with(Action::Join), true),
                rule("*", Actions::ALL, true),
            ]),
            v2: Figures {
                in_flight_max: IN_FLIGHT_MAX,
                requests_max: REQUESTS_MAX,
                ..Figures::default()
            },
            ..Settings::default()
        };
        let accepted = Accepted {
            connection: ConnectionId {
                node: NodeId(1),
                shard: 0,
                slot: 0,
                serial: 0,
            },
            encoding,
            seed,
            first_window: Duration::from_secs(1),
        };
        let now = Now {
            at: started,
            wall: Timestamp(0),
        };
        Self {
            session: Session::new(now, accepted, Arc::new(settings)),
            encoding,
            started,
            at: started,
            unanswered: VecDeque::new(),
            commands: 0,
            is_verifying: false,
            asked: Vec::new(),
            called: Vec::new(),
            canceling: None,
            used: HashSet::new(),
            joined: HashSet::new(),
            opened: HashMap::new(),
            bye: None,
            is_welcome: false,
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
        let is_kept_back = self.session.is_waiting();
        match event {
            Event::Say(..)
            | Event::Cancel(_)
            | Event::Garbage(_)
            | Event::WrongKind
            | Event::TooBig
                if is_kept_back => {}
            Event::Say(kind, payload) => self.say(kind, &payload),
            Event::Garbage(mut bytes) => {
                // By chance it could be a message with an id; behind this byte nothing is.
                let never = match self.encoding {
                    Encoding::Json => b'!',
                    Encoding::MessagePack => 0xc1,
                };
                bytes.insert(0, never);
                self.session.handle_traffic();
                self.hand_in(&bytes);
            }
            Event::WrongKind if self.encoding == Encoding::Json => {
                self.session.handle_binary(now, b"{}");
            }
            Event::WrongKind => self.session.handle_text(now, "{}"),
            Event::TooBig => self.session.handle_too_big(),
            Event::Traffic => self.session.handle_traffic(),
            Event::Wait(ms) => self.wait(Duration::from_millis(ms)),
            Event::Verdict(proof) => {
                if std::mem::take(&mut self.is_verifying) {
                    self.session.handle_verdict(now, verdict(proof));
                }
            }
            Event::Answer(at, is_good) => self.answer(at, is_good),
            Event::Outcome(at, is_good) => self.outcome(at, is_good),
            Event::Cancel(at) => self.cancel(at),
            Event::Confusion(at) => {
                if !self.asked.is_empty() {
                    let (ticket, ask) = self.asked.remove(at.index(self.asked.len()));
                    let reply = if matches!(ask, Ask::Publish { .. }) {
                        Reply::Left
                    } else {
                        Reply::Published(placed())
                    };
                    self.session.handle_reply(now, ticket, reply);
                }
            }
            Event::Stray => self.stray(now),
            Event::End => self
                .session
                .handle_end(Close::new(CloseCode::GoingAway), None),
        }
        self.drain();
        self.check();
    }

    fn say(&mut self, kind: &str, payload: &Value) {
        self.commands += 1;
        let text = json!({ "type": kind, "payload": payload, "requestId": self.commands });
        let text = text.to_string();
        let bytes = match Envelope::<ClientMessage<'_>>::decode(Encoding::Json, text.as_bytes()) {
            Ok(message) => message.encode(self.encoding),
            // What is no message cannot be written in the other encoding.
            Err(_) if self.encoding == Encoding::MessagePack => return,
            Err(_) => text.into_bytes(),
        };
        if !self.is_closed {
            self.unanswered.push_back((self.commands, kind.to_owned()));
        }
        self.session.handle_traffic();
        self.hand_in(&bytes);
    }

    fn hand_in(&mut self, bytes: &[u8]) {
        let now = self.now();
        match (self.encoding, std::str::from_utf8(bytes)) {
            (Encoding::MessagePack, _) => self.session.handle_binary(now, bytes),
            (Encoding::Json, Ok(text)) => self.session.handle_text(now, text),
            // The codec lets no such text through.
            (Encoding::Json, Err(_)) => {}
        }
    }

    fn wait(&mut self, interval: Duration) {
        let end = self.at + interval;
        while let Some(due) = self.session.next_timeout().filter(|due| *due <= end) {
            self.at = self.at.max(due);
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

    fn answer(&mut self, at: Index, is_good: bool) {
        if !self.asked.is_empty() {
            let (ticket, ask) = self.asked.remove(at.index(self.asked.len()));
            self.reply(ticket, ask, is_good);
        }
    }

    fn reply(&mut self, ticket: Ticket, ask: Ask, is_good: bool) {
        let failed = Reply::Failed {
            code: ErrorCode::Unavailable,
            message: "try again".to_owned(),
        };
        let reply = match ask {
            Ask::Leave { room } => {
                self.joined.remove(&room);
                Reply::Left
            }
            Ask::Publish { .. } if !is_good => Reply::TooOften {
                wait: Duration::from_millis(5),
            },
            _ if !is_good => failed,
            Ask::Join {
                room,
                begin,
                bytes_max,
                ..
            } => {
                self.joined.insert(room);
                Reply::Joined(Box::new(entered(begin, bytes_max)))
            }
            Ask::Publish { .. } => Reply::Published(placed()),
            Ask::Cast { .. } => Reply::Relayed,
            Ask::Ack { .. } => Reply::Acked,
            Ask::History { .. } => Reply::History(Box::new(Past {
                position: position(9),
                messages: Vec::new(),
                more: false,
            })),
            Ask::Members { .. } => Reply::Members(vec![member(1), member(2), member(1)]),
            Ask::Presence { .. } => Reply::PresenceSet,
        };
        self.session.handle_reply(self.now(), ticket, reply);
    }

    fn outcome(&mut self, at: Index, is_good: bool) {
        if self.called.is_empty() {
            return;
        }
        let (ticket, _) = self.called.remove(at.index(self.called.len()));
        let outcome = if is_good {
            Outcome::Answered(Bytes::from_static(b"1"))
        } else {
            Outcome::Failed {
                code: ErrorCode::Unavailable,
                message: "try again".into(),
            }
        };
        self.session.handle_outcome(self.now(), ticket, &outcome);
    }

    fn cancel(&mut self, at: Index) {
        if self.called.is_empty() {
            return;
        }
        let (ticket, request) = self.called[at.index(self.called.len())];
        let text = json!({ "type": "cancel", "requestId": request }).to_string();
        let message: Envelope<ClientMessage<'_>> =
            Envelope::decode(Encoding::Json, text.as_bytes()).unwrap();
        self.canceling = Some(request);
        self.session.handle_traffic();
        self.hand_in(&message.encode(self.encoding));
        self.drain();
        self.canceling = None;
        let is_called = self.called.iter().any(|(called, _)| *called == ticket);
        assert!(self.is_closed || !is_called, "it goes on");
    }

    /// What nobody waits for has no effect.
    fn stray(&mut self, now: Now) {
        if !self.is_verifying {
            self.session.handle_verdict(now, Err(Denied::Wrong));
        }
        let known: Vec<Ticket> = self.asked.iter().map(|(ticket, _)| *ticket).collect();
        for ticket in self.used.iter().filter(|ticket| !known.contains(ticket)) {
            self.session.handle_reply(now, *ticket, Reply::Left);
        }
        let is_called = |ticket: &&Ticket| self.called.iter().any(|(called, _)| called == *ticket);
        for ticket in self.used.iter().filter(|ticket| !is_called(ticket)) {
            let outcome = Outcome::Answered(Bytes::from_static(b"1"));
            self.session.handle_outcome(now, *ticket, &outcome);
        }
        assert!(self.session.poll().is_none(), "a stray had an effect");
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            assert!(!self.is_closed, "{output:?} after the close");
            match output {
                Output::Send(bytes) => self.heard(&bytes),
                Output::Refused(_) => {}
                Output::Verify(_) => {
                    assert!(!self.is_verifying, "two tokens at a time");
                    self.is_verifying = true;
                }
                Output::Ask(ticket, ask) => self.take(ticket, ask),
                Output::Call(ticket, _) => {
                    assert!(self.used.insert(ticket), "a ticket was used twice");
                    self.called.push((ticket, self.commands));
                    assert!(self.called.len() <= REQUESTS_MAX);
                }
                Output::Cancel(ticket) => {
                    let at = self.called.iter().position(|(called, _)| *called == ticket);
                    let (_, request) = self.called.remove(at.expect("it was called"));
                    if self.canceling == Some(request) {
                        self.unanswered.retain(|(it, _)| *it != request);
                    }
                }
                Output::Follow { room, .. } => {
                    assert!(self.joined.contains(&room), "followed without a join");
                    let opened = self.opened.get_mut(&room).filter(|times| **times > 0);
                    *opened.expect("followed before it was opened") -= 1;
                }
                Output::Close(bye, close) => {
                    self.heard(&bye);
                    assert!((1..=123).contains(&close.reason.len()));
                    assert_eq!(self.bye, Some(close.code), "no bye before the close");
                    self.is_closed = true;
                    self.is_verifying = false;
                    self.asked.clear();
                    self.called.clear();
                }
            }
        }
    }

    fn take(&mut self, ticket: Ticket, ask: Ask) {
        assert!(self.used.insert(ticket), "a ticket was used twice");
        match &ask {
            Ask::Join { room, .. } => assert_ne!(room.as_str(), CLOSED),
            Ask::Leave { room } | Ask::Presence { room, .. } => {
                assert!(self.joined.contains(room), "{ask:?} of no member");
            }
            Ask::Ack { room, .. } => {
                let acks = |(_, ask): &(Ticket, Ask)| matches!(ask, Ask::Ack { room: it, .. } if it == room);
                assert!(!self.asked.iter().any(acks), "two acks of a room");
            }
            Ask::Publish { room, .. } | Ask::Cast { room, .. } => {
                assert_ne!(room.as_str(), "b", "published without permission");
            }
            Ask::History { .. } | Ask::Members { .. } => {}
        }
        self.asked.push((ticket, ask));
        let is_ack = |ask: &Ask| matches!(ask, Ask::Ack { .. });
        let acks = self.asked.iter().filter(|(_, ask)| is_ack(ask)).count();
        // What a new token forbids is left beside what the client has asked for.
        let is_free = |ask: &Ask| is_ack(ask) || matches!(ask, Ask::Leave { .. });
        let bound = self.asked.iter().filter(|(_, ask)| !is_free(ask)).count();
        assert!(
            acks <= ROOMS_MAX && bound <= IN_FLIGHT_MAX,
            "{:?}",
            self.asked
        );
    }

    fn heard(&mut self, bytes: &[u8]) {
        let Envelope { message, request } =
            Envelope::<ServerMessage<'_>>::decode(self.encoding, bytes).unwrap();
        if let ServerMessage::Bye(bye) = &message {
            self.bye = Some(bye.code);
        } else if let ServerMessage::Welcome(welcome) = &message {
            assert!(!std::mem::replace(&mut self.is_welcome, true));
            for room in &welcome.rooms {
                if let Restored::Joined(joined) = room {
                    self.open(&joined.room, joined.recovered, joined.gap);
                }
            }
        } else if let ServerMessage::Joined(joined) = &message {
            self.open(&joined.room, joined.recovered, joined.gap);
        }
        let is_bye = matches!(message, ServerMessage::Bye(_)) && self.bye.is_some();
        let is_ping = matches!(message, ServerMessage::Ping(_));
        assert!(
            self.is_welcome || is_bye || is_ping,
            "{message:?} for a stranger"
        );
        if let Some(request) = request {
            self.answered(request.as_json().parse().unwrap(), &message);
        }
    }

    fn open(&mut self, room: &RoomName, recovered: bool, gap: Option<Missing>) {
        assert!(!(recovered && gap.is_some()), "recovered with a gap");
        *self.opened.entry(room.clone()).or_default() += 1;
    }

    /// Each command is answered once, and in the order of the commands.
    fn answered(&mut self, request: u64, message: &ServerMessage<'_>) {
        let at = self.unanswered.iter().position(|(it, _)| *it == request);
        let at = at.expect("answered twice, or never asked");
        let is_at_once = |kind: &str| matches!(kind, "ping" | "request" | "cast" | "ack" | "pong");
        let is_request = self.unanswered[at].1 == "request";
        if !is_request && !matches!(message, ServerMessage::Pong(_)) {
            let earlier: Vec<_> = self.unanswered.range(..at).collect();
            let in_order = earlier.iter().all(|(_, kind)| is_at_once(kind));
            assert!(in_order, "{request} before {earlier:?}");
        }
        self.unanswered.remove(at);
    }

    fn check(&self) {
        if self.is_closed {
            assert_eq!(self.session.next_timeout(), None);
            assert!(!self.session.is_waiting());
            return;
        }
        let rooms: HashSet<RoomName> = self.session.rooms().iter().cloned().collect();
        assert_eq!(
            rooms.len(),
            self.session.rooms().len(),
            "a room is listed twice"
        );
        // Of a room that the new token does not allow, leaving is asked and not yet done.
        assert!(rooms.is_subset(&self.joined));
        assert!(rooms.len() <= ROOMS_MAX && !rooms.contains(CLOSED));
        assert!(self.session.identity().is_some() || rooms.is_empty());
        if self.asked.is_empty() && !self.is_verifying {
            assert!(!self.session.is_waiting(), "it waits for nothing");
        }
    }

    /// Everything that is awaited comes, and well.
    fn finish(&mut self) {
        while !self.is_closed && (self.is_verifying || !self.asked.is_empty()) {
            self.feed(Event::Verdict(Proof::Right));
            if !self.asked.is_empty() {
                let (ticket, ask) = self.asked.remove(0);
                self.reply(ticket, ask, true);
                self.drain();
            }
        }
        for (ticket, _) in std::mem::take(&mut self.called) {
            let outcome = Outcome::Answered(Bytes::from_static(b"1"));
            self.session.handle_outcome(self.now(), ticket, &outcome);
            self.drain();
        }
        if self.is_closed {
            return;
        }
        let silent = |kind: &str| matches!(kind, "cast" | "ack" | "pong");
        let left: Vec<_> = self
            .unanswered
            .iter()
            .filter(|(_, kind)| !silent(kind))
            .collect();
        assert!(left.is_empty(), "never answered: {left:?}");
        assert!(
            self.opened.values().all(|times| *times == 0),
            "never followed"
        );
    }
}

fn verdict(proof: Proof) -> Result<Identity, Denied> {
    match proof {
        Proof::Right => Ok(identity("ann", true)),
        Proof::Lesser => Ok(identity("ann", false)),
        Proof::SomebodyElse => Ok(identity("bob", true)),
        Proof::Wrong => Err(Denied::Wrong),
    }
}

fn placed() -> Placed {
    Placed {
        position: position(9),
        duplicate: false,
        level: Level::Memory,
    }
}

fn member(user: u32) -> Member {
    Member {
        connection: ConnectionId {
            node: NodeId(1),
            shard: 0,
            slot: user,
            serial: 0,
        },
        user: user.to_string().into(),
        name: Arc::from("Someone"),
        state: Some(Bytes::from_static(b"1")),
    }
}

/// Half of those who come back have missed something.
fn entered(begin: Begin, bytes_max: usize) -> Entered {
    let missing = Gap {
        from: 4,
        until: position(9),
        reason: GapReason::Evicted,
    };
    let gap = matches!(begin, Begin::Since(_)) && bytes_max.is_multiple_of(2);
    Entered {
        position: position(9),
        messages: Vec::new(),
        more: false,
        members: Some(vec![member(1)]),
        gap: gap.then_some(missing),
    }
}

fn any_encoding() -> impl Strategy<Value = Encoding> {
    prop_oneof![Just(Encoding::Json), Just(Encoding::MessagePack)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_keeps_its_promises(seed: u64, encoding in any_encoding(), first in any_hello(), events in prop::collection::vec(any_event(), 0..120)) {
        let mut driver = Driver::new(seed, encoding);
        driver.feed(first);
        for event in events {
            driver.feed(event);
        }
        driver.finish();
    }

    #[test]
    fn a_stranger_who_does_not_greet_is_ended(encoding in any_encoding(), event in any_message(), then in any_message()) {
        let mut driver = Driver::new(0, encoding);
        let is_hello = matches!(event, Event::Say("hello", _));
        driver.feed(event);
        driver.feed(then);
        prop_assert!(is_hello || driver.is_closed || encoding == Encoding::MessagePack);
    }

    #[test]
    fn a_frame_while_waiting_ends_the_session(encoding in any_encoding(), hello in any_hello()) {
        let mut driver = Driver::new(0, encoding);
        driver.feed(hello);
        prop_assert!(driver.session.is_waiting());
        driver.say("ping", &json!({}));
        driver.drain();
        prop_assert_eq!(driver.bye, Some(CloseCode::ServerError));
    }
}
