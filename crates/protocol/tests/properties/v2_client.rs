//! A client of v2 under random events, watched by a small model of its driver.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tautline_protocol::client::{
    ConnectionState, Draft, Ending, EndingKind, Fetch, GapReason, Joining, Line, Output, Program,
    Question, QueueBounds, RoomEvent, Session, Settings, Ticket, TokenFailure,
};
use tautline_protocol::model::{Epoch, EventName, Position, PublicationId, RoomName};
use tautline_protocol::wire::v2::{ClientMessage, Encoding, Envelope, Part, ServerMessage};
use tautline_protocol::wire::{RequestId, Token};

/// What can happen to a client.
#[derive(Debug, Clone)]
enum Event {
    Connect,
    Close,
    Drain(u64),
    RetryNow,
    Wake(u64),
    Join(usize, Option<u64>, bool),
    Leave(usize),
    Publish(usize),
    Ask(usize),
    Cancel(Index),
    Acknowledge(usize, u64),
    Cast(usize),
    Wait(u64),
    Open(Which),
    End(Which, u16),
    Traffic(Which),
    Backlog(Which, usize),
    Garbage(Which),
    /// The server says something of this kind.
    Say(Which, usize),
    /// The server answers one of what waits, well or badly.
    Answer(Index, usize),
    Message(usize, u64),
    Gap(usize, u64, u64, usize),
    Token(usize),
}

/// Which line it happens on.
#[derive(Debug, Clone)]
enum Which {
    /// The last that was opened.
    Newest,
    /// The one that lives.
    Live,
    /// One of those that are over.
    Old(Index),
    /// One that never was.
    Never,
}

const ROOMS: [&str; 3] = ["a", "b", "c"];
const MESSAGES_MAX: usize = 5;
/// A connection that lived so long was a good one.
const STEADY_AFTER: Duration = Duration::from_secs(10);

fn any_which() -> impl Strategy<Value = Which> {
    prop_oneof![
        10 => Just(Which::Newest),
        10 => Just(Which::Live),
        2 => any::<Index>().prop_map(Which::Old),
        1 => Just(Which::Never),
    ]
}

fn any_offset() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0_u64..12, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1)]
}

fn any_wish() -> impl Strategy<Value = Event> {
    let room = 0..ROOMS.len();
    prop_oneof![
        6 => Just(Event::Connect),
        1 => Just(Event::Close),
        1 => (0_u64..8_000).prop_map(Event::Drain),
        2 => Just(Event::RetryNow),
        2 => (0_u64..60_000).prop_map(Event::Wake),
        8 => (room.clone(), prop::option::of(0_u64..9), any::<bool>()).prop_map(|(room, since, last)| Event::Join(room, since, last)),
        3 => room.clone().prop_map(Event::Leave),
        12 => room.clone().prop_map(Event::Publish),
        6 => room.clone().prop_map(Event::Ask),
        2 => any::<Index>().prop_map(Event::Cancel),
        4 => (room.clone(), any_offset()).prop_map(|(room, offset)| Event::Acknowledge(room, offset)),
        2 => room.prop_map(Event::Cast),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let room = 0..ROOMS.len();
    prop_oneof![
        40 => any_wish(),
        15 => prop_oneof![0_u64..300, 0_u64..40_000].prop_map(Event::Wait),
        12 => any_which().prop_map(Event::Open),
        4 => (any_which(), prop::sample::select(&[1000_u16, 1001, 1006, 1008, 1009, 1011, 1013, 4401, 4403][..])).prop_map(|(which, code)| Event::End(which, code)),
        3 => any_which().prop_map(Event::Traffic),
        2 => (any_which(), 0_usize..100_000).prop_map(|(which, bytes)| Event::Backlog(which, bytes)),
        1 => any_which().prop_map(Event::Garbage),
        40 => (any_which(), 0_usize..12).prop_map(|(which, kind)| Event::Say(which, kind)),
        30 => (any::<Index>(), 0_usize..5).prop_map(|(at, how)| Event::Answer(at, how)),
        20 => (room.clone(), any_offset()).prop_map(|(room, offset)| Event::Message(room, offset)),
        5 => (room, any_offset(), any_offset(), 0_usize..4).prop_map(|(room, from, to, reason)| Event::Gap(room, from, to, reason)),
        12 => (0_usize..8).prop_map(Event::Token),
    ]
}

/// A line as a driver knows it.
#[derive(Debug, Default)]
struct Known {
    is_open: bool,
    /// The server has said that it goes away.
    is_going: bool,
    /// The rooms of its `hello`.
    greeted: Vec<String>,
    /// What waits for an answer on it: its number, its type and its room.
    asked: Vec<(u64, &'static str, String)>,
}

/// A room as its application hears it.
#[derive(Debug, Default)]
struct Heard(Option<Position>);

/// Drives a client as a program would, and checks every output.
struct Driver {
    session: Session,
    at: Instant,
    lines: BTreeMap<Line, Known>,
    over: Vec<Line>,
    /// The line that lives, and since when.
    live: Option<(Line, Instant)>,
    fetches: Vec<Fetch>,
    state: ConnectionState,
    /// The attempt that was told last, and whether the count may begin anew.
    attempt: u32,
    is_rested: bool,
    /// What was asked for, and whether it is settled.
    publications: HashMap<Ticket, bool>,
    questions: HashMap<Ticket, bool>,
    rooms: HashMap<RoomName, Heard>,
}

impl Driver {
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and there is no other way to get one"
    )]
    fn new(seed: u64, has_provider: bool) -> Self {
        let program = Program {
            name: "test".into(),
            version: "1".into(),
        };
        let settings = Settings {
            encoding: Encoding::Json,
            queue: QueueBounds {
                messages_max: MESSAGES_MAX,
                ..QueueBounds::default()
            },
            ..Settings::new(program, "producer".into())
        };
        let token = (!has_provider).then(|| Token::new("dev-token"));
        Self {
            session: Session::new(settings, token, has_provider, seed),
            at: Instant::now(),
            lines: BTreeMap::new(),
            over: Vec::new(),
            live: None,
            fetches: Vec::new(),
            state: ConnectionState::Idle,
            attempt: 0,
            is_rested: true,
            publications: HashMap::new(),
            questions: HashMap::new(),
            rooms: HashMap::new(),
        }
    }

    fn feed(&mut self, event: Event) {
        let was_closed = self.is_closed();
        let wakes = matches!(event, Event::Connect);
        if let Event::Connect = event
            && matches!(
                self.state,
                ConnectionState::Idle | ConnectionState::Closed { .. }
            )
        {
            self.is_rested = true;
        }
        self.happen(event);
        let said = self.drain();
        assert!(!was_closed || wakes || said == 0, "said by who is closed");
        assert!(self.session.pending() <= MESSAGES_MAX);
        if self.is_closed() {
            assert_eq!(
                self.session.next_timeout(self.at),
                None,
                "a timer of who is closed"
            );
            assert!(self.lines.is_empty(), "a line of who is closed");
            assert!(self.publications.values().all(|is_settled| *is_settled));
            assert!(self.questions.values().all(|is_settled| *is_settled));
        }
    }

    fn happen(&mut self, event: Event) {
        let at = self.at;
        match event {
            Event::Connect => self.session.connect(at),
            Event::Close => self.session.close(at),
            Event::Drain(ms) => self.session.drain(at, Duration::from_millis(ms)),
            Event::RetryNow => self.session.retry_now(at),
            Event::Wake(ms) => self.session.handle_wake(at, Duration::from_millis(ms)),
            Event::Join(room, since, last) => self.join(room, since, last),
            Event::Leave(at) => {
                let room = room(at);
                self.session.leave(self.at, &room);
            }
            Event::Publish(nth) => self.publish(nth),
            Event::Ask(nth) => self.ask(nth),
            Event::Cancel(index) => self.cancel(index),
            Event::Acknowledge(nth, offset) => {
                self.session
                    .acknowledge(at, &room(nth), position(1, offset));
            }
            Event::Cast(nth) => {
                let cast = (name(), Bytes::from_static(b"1"));
                self.session.cast(at, room(nth), cast, Some("word".into()));
            }
            Event::Wait(ms) => self.wait(Duration::from_millis(ms)),
            Event::Open(which) => {
                let line = self.line(&which);
                let known = self.lines.get_mut(&line);
                let is_new = known.as_ref().is_none_or(|known| !known.is_open);
                if let Some(known) = known {
                    known.is_open = true;
                }
                if is_new {
                    self.session.handle_open(at, line);
                }
            }
            Event::End(which, code) => self.end(&which, code),
            Event::Traffic(which) => self.session.handle_traffic(at, self.line(&which)),
            Event::Backlog(which, bytes) => {
                self.session.handle_backlog(at, self.line(&which), bytes);
            }
            Event::Garbage(which) => {
                let line = self.line(&which);
                if self.lines.get(&line).is_none_or(|known| known.is_open) {
                    self.session.handle_message(at, line, b"{\"type\":1}");
                }
            }
            Event::Say(which, kind) => self.say_something(&which, kind),
            Event::Answer(index, how) => self.answer(index, how),
            Event::Message(nth, offset) => {
                self.say_live("message", &message(nth, offset), None);
            }
            Event::Gap(nth, from, to, reason) => {
                let reasons = ["evicted", "epoch-changed", "limit", "slow-consumer"];
                let epoch = if reason == 1 { 2 } else { 1 };
                let gap = json!({ "room": ROOMS[nth], "from": from, "to": to, "position": place(epoch, to), "reason": reasons[reason] });
                self.say_live("gap", &gap, None);
            }
            Event::Token(how) => self.provide(how),
        }
    }

    fn join(&mut self, nth: usize, since: Option<u64>, last: bool) {
        let since = since.map(|offset| position(1, offset));
        let joining = Joining {
            since,
            last: last.then_some(3),
            presence: None,
        };
        if self.session.join(self.at, room(nth), joining).is_ok() {
            self.rooms.insert(room(nth), Heard(since));
        }
    }

    fn publish(&mut self, nth: usize) {
        let draft = Draft {
            room: room(nth),
            event: name(),
            data: Bytes::from_static(b"{}"),
            key: None,
        };
        if let Ok(ticket) = self.session.publish(self.at, draft) {
            assert_eq!(
                self.publications.insert(ticket, false),
                None,
                "a ticket twice"
            );
        }
    }

    fn ask(&mut self, nth: usize) {
        let question = match nth {
            0 => Question::History {
                room: room(nth),
                part: Part::Newest,
                limit: 1,
            },
            1 => Question::Presence {
                room: room(nth),
                state: Bytes::from_static(b"1"),
            },
            _ => Question::Request {
                method: "echo".into(),
                data: Bytes::from_static(b"1"),
            },
        };
        if let Ok(ticket) = self.session.ask(self.at, question, None) {
            assert_eq!(self.questions.insert(ticket, false), None, "a ticket twice");
        }
    }

    fn cancel(&mut self, index: Index) {
        let mut tickets: Vec<Ticket> = self.questions.keys().copied().collect();
        tickets.retain(|ticket| !self.questions[ticket]);
        tickets.sort_unstable();
        if !tickets.is_empty() {
            let ticket = *index.get(&tickets);
            self.questions.remove(&ticket);
            self.session.cancel(self.at, ticket);
        }
    }

    fn end(&mut self, which: &Which, code: u16) {
        let line = self.line(which);
        let ending = match code {
            1006 => Ending::without_code(EndingKind::Lost, "lost"),
            code => Ending::closed(code, "closed"),
        };
        self.over_with(line);
        self.session.handle_ending(self.at, line, ending);
    }

    fn over_with(&mut self, line: Line) {
        if self.lines.remove(&line).is_some() {
            self.over.push(line);
            self.leave_live(line);
        }
    }

    fn leave_live(&mut self, line: Line) {
        if let Some((_, since)) = self.live.take_if(|(live, _)| *live == line) {
            self.is_rested |= since + STEADY_AFTER <= self.at;
        }
    }

    /// Time passes; what is due on the way happens when it is due.
    fn wait(&mut self, interval: Duration) {
        let end = self.at + interval;
        while let Some(due) = self.session.next_timeout(self.at).filter(|due| *due <= end) {
            self.at = self.at.max(due);
            self.session.handle_timeout(self.at);
            self.drain();
            let next = self.session.next_timeout(self.at);
            assert!(
                next.is_none_or(|next| next > self.at),
                "a timer that does not pass"
            );
        }
        self.at = end;
    }

    fn provide(&mut self, how: usize) {
        let Some(fetch) = self.fetches.pop() else {
            let stale = Ok(Token::new("dev-token"));
            self.session.handle_token(self.at, Fetch(0), stale);
            return;
        };
        let token = match how {
            0 => Err(TokenFailure::Unavailable("later".to_owned())),
            1 if self.publications.len() > 20 => Err(TokenFailure::Denied("no".to_owned())),
            _ => Ok(Token::new("dev-token")),
        };
        self.session.handle_token(self.at, fetch, token);
    }

    fn line(&self, which: &Which) -> Line {
        let newest = self.lines.keys().next_back().copied();
        match which {
            Which::Newest => newest.unwrap_or(Line(0)),
            Which::Live => self.live.map_or(Line(0), |(line, _)| line),
            Which::Old(index) if !self.over.is_empty() => *index.get(&self.over),
            Which::Old(_) | Which::Never => Line(u64::MAX),
        }
    }

    fn say_something(&mut self, which: &Which, kind: usize) {
        let line = self.line(which);
        let greeted = self
            .lines
            .get(&line)
            .map_or_else(Vec::new, |known| known.greeted.clone());
        let (kind, payload) = match kind {
            0..=3 => ("welcome", welcome(line, &greeted, kind)),
            4 => ("ping", json!({})),
            5 => (
                "goaway",
                json!({ "reason": "r", "deadlineMs": 9, "windowMs": 500 }),
            ),
            6 => (
                "bye",
                json!({ "code": 1001, "retry": true, "afterMs": 300 }),
            ),
            7 => ("expiring", json!({ "inMs": 60_000 })),
            8 => ("refreshed", json!({ "tokenTtlMs": 90_000 })),
            9 => (
                "removed",
                json!({ "room": "c", "code": "forbidden", "message": "m" }),
            ),
            10 => ("left", json!({ "room": "a" })),
            _ => ("cast", json!({ "room": "a", "event": "e", "data": 1 })),
        };
        if kind == "goaway" && self.live.is_some_and(|(live, _)| live == line) {
            self.lines.get_mut(&line).expect("it lives").is_going = true;
        }
        self.say(line, kind, &payload, None);
    }

    fn answer(&mut self, index: Index, how: usize) {
        let Some((line, _)) = self.live else {
            return;
        };
        let asked = &mut self.lines.get_mut(&line).expect("it lives").asked;
        if asked.is_empty() {
            return;
        }
        let (number, kind, room) = asked.remove(index.index(asked.len()));
        let codes = ["rate_limited", "unavailable", "forbidden"];
        if let Some(code) = codes.get(how) {
            let error =
                json!({ "code": code, "message": "m", "retryable": how < 2, "retryAfterMs": 200 });
            self.say(line, "error", &error, Some(number));
            return;
        }
        let (kind, payload) = match kind {
            "join" => ("joined", joined(&room, how)),
            "publish" => (
                "published",
                json!({ "epoch": "0000000000000001", "offset": 3, "id": id(3), "duplicate": false, "level": "memory" }),
            ),
            "history" => (
                "history",
                json!({ "room": room, "position": place(1, 3), "messages": [], "more": false }),
            ),
            "presence" => ("presenceSet", json!({ "room": room })),
            "refresh" => ("refreshed", json!({ "tokenTtlMs": 70_000 })),
            _ => ("response", json!({ "data": 1 })),
        };
        self.say(line, kind, &payload, Some(number));
    }

    fn say_live(&mut self, kind: &str, payload: &Value, number: Option<u64>) {
        if let Some((line, _)) = self.live {
            self.say(line, kind, payload, number);
        }
    }

    fn say(&mut self, line: Line, kind: &str, payload: &Value, number: Option<u64>) {
        if self.lines.get(&line).is_some_and(|known| !known.is_open) {
            return;
        }
        let text = json!({ "type": kind, "payload": payload, "requestId": number }).to_string();
        let decoded = Envelope::<ServerMessage<'_>>::decode(Encoding::Json, text.as_bytes());
        decoded.expect("the server says what is a message");
        self.session.handle_message(self.at, line, text.as_bytes());
    }

    /// Does what the session says. How much that was.
    fn drain(&mut self) -> usize {
        let mut said = 0;
        while let Some(output) = self.session.poll() {
            said += 1;
            match output {
                Output::Open { line, .. } => {
                    assert!(!self.over.contains(&line), "opened again");
                    let others: Vec<bool> = self.lines.values().map(|it| it.is_going).collect();
                    assert!(
                        matches!(others[..], [] | [true]),
                        "a line too many: {others:?}"
                    );
                    assert!(self.lines.insert(line, Known::default()).is_none());
                }
                Output::Send { line, message } => self.sent(line, &message),
                Output::Close { line, .. } => {
                    assert!(self.lines.contains_key(&line), "closed what is over");
                    self.over_with(line);
                }
                Output::FetchToken { fetch, .. } => self.fetches.push(fetch),
                Output::State(state) => self.told(state),
                Output::Room(room, event) => self.heard(&room, &event),
                Output::Published(ticket, _) => {
                    let is_settled = self.publications.get_mut(&ticket).expect("it was asked");
                    assert!(!std::mem::replace(is_settled, true), "settled twice");
                }
                Output::Answered(ticket, _) => {
                    let is_settled = self.questions.get_mut(&ticket).expect("it was asked");
                    assert!(!std::mem::replace(is_settled, true), "answered twice");
                }
            }
        }
        said
    }

    fn sent(&mut self, line: Line, message: &[u8]) {
        let known = self
            .lines
            .get_mut(&line)
            .expect("sent on a line that is over");
        assert!(known.is_open, "sent on a line that is not open");
        let envelope = Envelope::<ClientMessage<'_>>::decode(Encoding::Json, message).unwrap();
        let number = envelope.request.as_ref().and_then(RequestId::to_number);
        let (kind, room) = match envelope.message {
            ClientMessage::Hello(hello) => {
                let rooms = hello.rooms.iter().map(|wanted| wanted.room.to_string());
                known.greeted = rooms.collect();
                return;
            }
            ClientMessage::Join(join) => ("join", join.room.to_string()),
            ClientMessage::Publish(publish) => ("publish", publish.room.to_string()),
            ClientMessage::History(read) => ("history", read.room.to_string()),
            ClientMessage::Presence(presence) => ("presence", presence.room.to_string()),
            ClientMessage::Refresh(_) => ("refresh", String::new()),
            ClientMessage::Request(_) => ("request", String::new()),
            ClientMessage::Leave(_)
            | ClientMessage::Cast(_)
            | ClientMessage::Ack(_)
            | ClientMessage::Members(_)
            | ClientMessage::Ping(_)
            | ClientMessage::Pong(_)
            | ClientMessage::Cancel(_) => return,
        };
        let is_new = known.asked.iter().all(|(asked, ..)| Some(*asked) != number);
        assert!(is_new, "asked twice on one line");
        known.asked.push((number.expect("it has one"), kind, room));
    }

    fn told(&mut self, state: ConnectionState) {
        let attempt = match &state {
            ConnectionState::Connecting { attempt }
            | ConnectionState::Reconnecting { attempt, .. } => Some(*attempt),
            ConnectionState::Connected { .. } => {
                let line = self.lines.keys().next_back().copied().expect("it is open");
                if self.live.is_none_or(|(live, _)| live != line) {
                    self.live = Some((line, self.at));
                }
                None
            }
            ConnectionState::Idle | ConnectionState::Closed { .. } => None,
        };
        if let Some(attempt) = attempt {
            let begins_anew = attempt == 1 && self.is_rested;
            assert!(
                attempt >= self.attempt || begins_anew,
                "{attempt} after {}",
                self.attempt
            );
            self.attempt = attempt;
            self.is_rested = false;
        }
        self.state = state;
    }

    /// What is told of a room is the next, or what is missing before it.
    fn heard(&mut self, room: &RoomName, event: &RoomEvent) {
        let Some(Heard(stands)) = self.rooms.get_mut(room) else {
            return;
        };
        match event {
            RoomEvent::Message(publication) => {
                let position = publication.position;
                if let Some(stands) = stands {
                    assert_eq!(stands.epoch, position.epoch);
                    assert_eq!(position.offset - 1, stands.offset, "not the next");
                }
                *stands = Some(position);
            }
            RoomEvent::Gap(gap) => {
                if let Some(stands) = stands
                    && gap.reason != GapReason::EpochChanged
                    && stands.epoch == gap.position.epoch
                {
                    assert_eq!(gap.from - 1, stands.offset, "not what is next");
                    assert!(gap.to >= gap.from, "of nothing");
                }
                *stands = Some(gap.position);
            }
            RoomEvent::Status(_) | RoomEvent::Cast(_) | RoomEvent::Presence(_) => {}
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, ConnectionState::Closed { .. })
    }
}

fn room(nth: usize) -> RoomName {
    RoomName::parse(ROOMS[nth]).unwrap()
}

fn name() -> EventName {
    EventName::parse("e").unwrap()
}

fn id(offset: u64) -> String {
    format!("00000000-0000-0000-0000-{:012x}", offset & 0xffff_ffff)
}

fn position(epoch: u64, offset: u64) -> Position {
    Position {
        epoch: Epoch(epoch),
        offset,
        id: PublicationId::parse(&id(offset)).unwrap(),
    }
}

fn place(epoch: u64, offset: u64) -> Value {
    json!({ "epoch": format!("{epoch:016x}"), "offset": offset, "id": id(offset) })
}

fn message(nth: usize, offset: u64) -> Value {
    let sent_at = "2026-01-02T03:04:05.678Z";
    json!({ "room": ROOMS[nth], "offset": offset, "id": id(offset), "event": "e", "data": 1, "sentAt": sent_at })
}

/// The answer to a join: nothing was missed, or a page, with a gap before it.
fn joined(room: &str, how: usize) -> Value {
    let nth = ROOMS.iter().position(|it| *it == room).expect("a room");
    let mut joined = json!({ "room": room, "position": place(1, 6), "recovered": false, "messages": [], "more": false });
    if how != 3 {
        joined["messages"] = json!([message(nth, 5), message(nth, 6)]);
        joined["gap"] = json!({ "from": 1, "to": 4, "reason": "evicted" });
    }
    joined
}

fn welcome(line: Line, greeted: &[String], how: usize) -> Value {
    let restored = |room: &String| match how {
        1 => {
            json!({ "type": "error", "payload": { "code": "unavailable", "message": "m", "retryable": true } })
        }
        _ => json!({ "type": "joined", "payload": joined(room, how) }),
    };
    let mut rooms: Vec<Value> = greeted.iter().map(restored).collect();
    if how == 2 {
        rooms.pop();
    }
    let rate = json!({ "perSecond": 5, "burst": 4 });
    json!({
        "connection": format!("{:028x}", line.0),
        "user": "ann",
        "serverTime": "2026-01-02T03:04:05.678Z",
        "pingEveryMs": 25_000,
        "limits": { "messageBytes": 4096, "rooms": 9, "publish": rate, "join": rate, "request": rate },
        "retry": { "firstWindowMs": 1000, "capMs": 15_000 },
        "tokenTtlMs": 100_000,
        "rooms": rooms,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_client_keeps_its_promises(seed: u64, has_provider: bool, events in prop::collection::vec(any_event(), 0..150)) {
        let mut driver = Driver::new(seed, has_provider);
        driver.feed(Event::Connect);
        for event in events {
            driver.feed(event);
        }
        driver.feed(Event::Close);
        prop_assert!(driver.is_closed());
    }

    #[test]
    fn an_old_line_is_inert(seed: u64, events in prop::collection::vec(any_event(), 0..80), kind in 0_usize..12, code in 1000_u16..1014) {
        let mut driver = Driver::new(seed, true);
        driver.feed(Event::Connect);
        for event in events {
            driver.feed(event);
        }
        let before = (driver.session.next_timeout(driver.at), driver.session.pending());
        for old in driver.over.clone().into_iter().chain([Line(0), Line(u64::MAX)]) {
            driver.say(old, "welcome", &welcome(old, &[], 0), None);
            driver.session.handle_open(driver.at, old);
            driver.session.handle_traffic(driver.at, old);
            driver.session.handle_backlog(driver.at, old, 1 << 20);
            driver.session.handle_message(driver.at, old, b"garbage");
            driver.session.handle_ending(driver.at, old, Ending::closed(code, ""));
            driver.say_something(&Which::Never, kind);
        }
        prop_assert_eq!(driver.drain(), 0, "an old line had an effect");
        prop_assert_eq!(before, (driver.session.next_timeout(driver.at), driver.session.pending()));
    }
}
