//! An application with its client: does what people do, and drives the session.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tautline_protocol::client::{
    ConnectionState, Draft, Fetch, Joining, Line, Output, Program as Name, Question, QueueBounds,
    RoomEvent, Session, Settings, Ticket, TokenFailure,
};
use tautline_protocol::model::{EventName, Position, RoomName};
use tautline_protocol::wire::Token;
use tautline_protocol::wire::v2::{ClientMessage, Part};

use crate::desk::token;
use crate::dice::Dice;
use crate::link::{Frame, Link, Wire};
use crate::plan::{Faults, Plan};
use crate::world::{Happening, World};

/// An application with its client.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) session: Session,
    pub(crate) user: Arc<str>,
    /// Counts its restarts.
    pub(crate) life: u32,
    pub(crate) asleep_until: Option<Instant>,
    /// It was told or refused what closes it for good, or has closed itself.
    pub(crate) is_excused: bool,
    /// The rooms that it wants to be in.
    pub(crate) wants: BTreeSet<RoomName>,
    /// What it has handled of each.
    pub(crate) saved: HashMap<RoomName, Position>,
    pub(crate) asked: Vec<Ticket>,
    pub(crate) state: ConnectionState,
}

impl Program {
    pub(crate) fn new(plan: &Plan, nth: usize, dice: &mut Dice) -> Self {
        let user = if plan.is_one_user { 0 } else { nth };
        Self {
            session: session(plan, (nth, 0), dice),
            user: format!("user{user}").into(),
            life: 0,
            asleep_until: None,
            is_excused: false,
            wants: BTreeSet::new(),
            saved: HashMap::new(),
            asked: Vec::new(),
            state: ConnectionState::Idle,
        }
    }
}

fn session(plan: &Plan, (nth, life): (usize, u32), dice: &mut Dice) -> Session {
    let program = Name {
        name: "pair".into(),
        version: "1".into(),
    };
    let producer = format!("p{nth}-{life}").into();
    let settings = Settings {
        encoding: plan.encoding,
        queue: QueueBounds {
            ttl: plan.ttl,
            ..QueueBounds::default()
        },
        ..Settings::new(program, producer)
    };
    Session::new(settings, None, true, dice.seed())
}

impl World {
    /// A program does something, if things still happen.
    pub(crate) fn act(&mut self, nth: usize) {
        if !self.is_busy {
            self.begin_anew(nth);
            return;
        }
        let wait = self.dice.between(Duration::ZERO, self.plan.act_every * 2);
        self.set(wait, Happening::Act(nth));
        if self.programs[nth].asleep_until.is_some() {
            return;
        }
        if matches!(
            self.programs[nth].state,
            ConnectionState::Idle | ConnectionState::Closed { .. }
        ) {
            self.begin_anew(nth);
            return;
        }
        let is_calm = self.plan.faults == Faults::Drains;
        match self.dice.below(if is_calm { 25 } else { 30 }) {
            0..=13 => self.publish(nth),
            14..=16 => self.join_one(nth),
            17 => self.leave_one(nth),
            18..=19 => self.cast(nth),
            20..=22 => self.ask_something(nth),
            23 => self.cancel(nth),
            24 => self.publish_many(nth),
            25 => self.programs[nth].session.retry_now(self.at),
            26 if self.plan.faults == Faults::All => self.sleep(nth),
            27 if self.dice.is(0.5) => self.close(nth),
            28 if self.dice.is(0.5) => self.drain_program(nth),
            29 if self.plan.faults == Faults::All => self.restart_program(nth),
            _ => {}
        }
        self.obey(nth);
    }

    /// Connects, if it is closed, and joins what it wants to be in.
    pub(crate) fn begin_anew(&mut self, nth: usize) {
        if let ConnectionState::Closed { cause } = &self.programs[nth].state {
            assert!(
                self.programs[nth].is_excused,
                "p{nth} is closed without a reason: {cause:?}"
            );
        } else if self.programs[nth].state != ConnectionState::Idle {
            return;
        }
        self.note(|_| format!("p{nth} connects"));
        self.programs[nth].is_excused = false;
        self.programs[nth].session.connect(self.at);
        if self.programs[nth].wants.is_empty() {
            self.programs[nth].wants = self.plan.rooms.iter().map(|it| it.name.clone()).collect();
        }
        for room in self.programs[nth].wants.clone() {
            self.join(nth, &room);
        }
        self.obey(nth);
    }

    fn join(&mut self, nth: usize, room: &RoomName) {
        let since = self.programs[nth].saved.get(room).copied();
        let since = since.filter(|_| self.dice.is(0.8));
        let joining = Joining {
            since,
            last: self.dice.is(0.5).then_some(5),
            presence: None,
        };
        let joined = self.programs[nth]
            .session
            .join(self.at, room.clone(), joining);
        if joined.is_ok() {
            self.note(|_| format!("p{nth} joins {room} since {since:?}"));
            self.programs[nth].wants.insert(room.clone());
            self.judge.joins(nth, room, since);
        }
    }

    fn join_one(&mut self, nth: usize) {
        let room = self.any_room();
        self.join(nth, &room);
    }

    fn leave_one(&mut self, nth: usize) {
        let room = self.any_room();
        let at = self.at;
        let program = &mut self.programs[nth];
        program.wants.remove(&room);
        program.session.leave(at, &room);
        self.judge.leaves(nth, &room);
    }

    fn any_room(&mut self) -> RoomName {
        let at = self.dice.index(self.plan.rooms.len());
        self.plan.rooms[at].name.clone()
    }

    fn publish_many(&mut self, nth: usize) {
        for _ in 0..6 {
            self.publish(nth);
        }
    }

    fn publish(&mut self, nth: usize) {
        let room = self.any_room();
        let word = self.number();
        let (life, at) = (self.programs[nth].life, self.at);
        let draft = Draft {
            room: room.clone(),
            event: EventName::parse("said").expect("a name"),
            data: Bytes::from(format!("{{\"n\":{word}}}")),
            key: self.dice.is(0.2).then(|| format!("key-{word}").into()),
        };
        let published = self.programs[nth].session.publish(at, draft);
        self.note(|_| format!("p{nth} publishes {word} in {room}: {published:?}"));
        match published {
            Ok(ticket) => {
                let until = at + self.plan.ttl;
                self.judge
                    .publishes((nth, life, ticket), room, (word, until));
            }
            Err(refusal) => self.judge.refuses_publication(word, &refusal),
        }
    }

    fn cast(&mut self, nth: usize) {
        let room = self.any_room();
        let cast = (
            EventName::parse("moved").expect("a name"),
            Bytes::from_static(b"1"),
        );
        let conflate = self.dice.is(0.5).then(|| "mouse".into());
        let at = self.at;
        self.programs[nth].session.cast(at, room, cast, conflate);
    }

    fn ask_something(&mut self, nth: usize) {
        let room = self.any_room();
        let method = self.dice.pick(&["echo", "wait", "wait"]);
        let question = match self.dice.below(4) {
            0 => Question::History {
                room,
                part: Part::Newest,
                limit: 3,
            },
            1 => Question::Members { room },
            _ => Question::Request {
                method: method.into(),
                data: Bytes::from_static(b"{\"ms\":10}"),
            },
        };
        let at = self.at;
        let program = &mut self.programs[nth];
        if let Ok(ticket) = program.session.ask(at, question, None) {
            program.asked.push(ticket);
            self.judge.asks((nth, self.programs[nth].life, ticket));
        }
    }

    fn cancel(&mut self, nth: usize) {
        let at = self.at;
        if let Some(ticket) = self.programs[nth].asked.pop() {
            self.programs[nth].session.cancel(at, ticket);
            self.judge.cancels((nth, self.programs[nth].life, ticket));
        }
    }

    fn sleep(&mut self, nth: usize) {
        let asleep = Duration::from_millis(u64::from(self.dice.pick(&[500_u32, 8_000, 60_000])));
        self.note(|_| format!("p{nth} sleeps for {asleep:?}"));
        self.programs[nth].asleep_until = Some(self.at + asleep);
        self.set(asleep, Happening::Wake(nth, asleep));
    }

    fn close(&mut self, nth: usize) {
        self.note(|_| format!("p{nth} closes"));
        self.programs[nth].is_excused = true;
        self.programs[nth].session.close(self.at);
        self.obey(nth);
    }

    fn drain_program(&mut self, nth: usize) {
        self.note(|_| format!("p{nth} drains"));
        self.programs[nth].is_excused = true;
        let patience = self.dice.within(10_000);
        self.programs[nth].session.drain(self.at, patience);
        self.obey(nth);
    }

    /// The process is gone, and another one begins: with what was saved, or without.
    fn restart_program(&mut self, nth: usize) {
        self.note(|_| format!("p{nth} restarts"));
        self.programs[nth].life += 1;
        let life = self.programs[nth].life;
        let new = session(&self.plan, (nth, life), &mut self.dice);
        let forgets = self.dice.is(0.3);
        let program = &mut self.programs[nth];
        program.session = new;
        program.state = ConnectionState::Idle;
        program.asked.clear();
        if forgets {
            program.saved.clear();
        }
        self.judge.restarts(nth);
        let (at, dice) = (self.at, &mut self.dice);
        for link in self
            .links
            .iter_mut()
            .filter(|it| it.program == nth && it.is_known)
        {
            link.is_known = false;
            link.to_server.push(at, Frame::Lost, dice);
        }
        self.begin_anew(nth);
    }

    /// Does what a session says, until it says nothing more.
    pub(crate) fn obey(&mut self, nth: usize) {
        loop {
            let mut written = None;
            while let Some(output) = self.programs[nth].session.poll() {
                if let Output::Send { line, message } = &output {
                    let who = format!("p{nth} on {}", line.0);
                    self.note_message::<ClientMessage<'_>>(&who, message);
                    written = Some(*line);
                } else {
                    self.note(|_| format!("p{nth}: {output:?}"));
                }
                self.carry_out_of(nth, output);
            }
            let Some(line) = written else {
                break;
            };
            let at = self.at;
            self.programs[nth].session.handle_backlog(at, line, 0);
        }
        let pending = self.programs[nth].session.pending();
        assert!(
            pending <= QueueBounds::default().messages_max,
            "the queue has no bound"
        );
        let is_closed = matches!(self.programs[nth].state, ConnectionState::Closed { .. });
        let next = self.programs[nth].session.next_timeout(self.at);
        assert!(!is_closed || next.is_none(), "a timer of who is closed");
    }

    fn carry_out_of(&mut self, nth: usize, output: Output) {
        let life = self.programs[nth].life;
        match output {
            Output::Open { line, .. } => self.dial(nth, line),
            Output::Send { line, message } => {
                let at = self.at;
                let found = self.link_of(nth, line);
                let link = &mut self.links[found.expect("sent on a line that was given up")];
                assert!(link.is_open, "sent on a line that is not open");
                let frame = Frame::Message(message.into());
                link.to_server.push(at, frame, &mut self.dice);
            }
            Output::Close { line, code, reason } => {
                let at = self.at;
                let found = self.link_of(nth, line);
                let link = &mut self.links[found.expect("closed a line twice")];
                link.is_known = false;
                let frame = Frame::Close(code, reason.to_owned());
                link.to_server.push(at, frame, &mut self.dice);
            }
            Output::FetchToken { fetch, .. } => self.provide(nth, fetch),
            Output::State(state) => self.state(nth, state),
            Output::Room(room, event) => self.follow(nth, &room, event),
            Output::Published(ticket, result) => {
                let (at, who) = (self.at, (nth, life, ticket));
                self.judge.published(at, who, &result, &self.house);
            }
            Output::Answered(ticket, result) => {
                self.judge.answered((nth, life, ticket), &result);
            }
        }
    }

    fn link_of(&self, nth: usize, line: Line) -> Option<usize> {
        let life = self.programs[nth].life;
        let is_it = |link: &Link| {
            link.program == nth && link.life == life && link.line == line && link.is_known
        };
        self.links.iter().position(is_it)
    }

    fn dial(&mut self, nth: usize, line: Line) {
        let open = self
            .links
            .iter()
            .filter(|it| it.program == nth && it.is_known);
        let others: Vec<bool> = open.map(|link| link.is_going).collect();
        assert!(
            others.len() < 2 && !others.contains(&false),
            "a line too many: {others:?}"
        );
        let id = self.number();
        let life = self.programs[nth].life;
        let mut link = Link {
            id,
            program: nth,
            life,
            line,
            is_known: true,
            is_going: false,
            is_open: false,
            to_server: Wire::new(self.at, self.plan.latency),
            to_program: Wire::new(self.at, self.plan.latency),
            desk: None,
        };
        let greeting = self.greeting(nth);
        self.note(|_| format!("p{nth} dials link {id}: {greeting:?}"));
        match greeting {
            Some(Frame::Open) => {
                link.desk = Some(self.desk(id));
                link.to_program.push(self.at, Frame::Open, &mut self.dice);
            }
            Some(frame) => link.to_program.push(self.at, frame, &mut self.dice),
            None => {}
        }
        self.links.push(link);
    }

    /// What becomes of an attempt to connect; none if nothing is heard of it.
    fn greeting(&mut self, nth: usize) -> Option<Frame> {
        if !self.is_up {
            return Some(if self.dice.is(0.3) {
                Frame::Refused(503)
            } else {
                Frame::Unreachable
            });
        }
        let is_troubled = self.is_busy && self.plan.faults == Faults::All;
        if !is_troubled || self.dice.is(0.9) {
            return Some(Frame::Open);
        }
        match self.dice.below(4) {
            0 => {
                // Who is refused twice gives up.
                self.programs[nth].is_excused = true;
                Some(Frame::Refused(401))
            }
            1 => Some(Frame::Refused(503)),
            2 => Some(Frame::Unreachable),
            _ => None,
        }
    }

    /// The application is asked for a token.
    fn provide(&mut self, nth: usize, fetch: Fetch) {
        let is_troubled = self.is_busy && self.plan.faults == Faults::All;
        let mut wait = self.dice.within(300);
        let life = self.programs[nth].life;
        let mut answer: Result<Token, TokenFailure> = {
            let expires = self.plan.token_life.map_or(0, |life| {
                let end = self.passed() + wait + life;
                u64::try_from(end.as_millis()).expect("a short run")
            });
            Ok(token(&self.programs[nth].user, expires))
        };
        if is_troubled && self.dice.is(0.1) {
            match self.dice.below(4) {
                0 => wait = Duration::from_secs(15),
                1 => answer = Err(TokenFailure::Unavailable("in this run".to_owned())),
                2 => answer = Ok(Token::new("a wrong token")),
                _ => answer = Err(TokenFailure::Denied("in this run".to_owned())),
            }
        }
        self.set(wait, Happening::Token(nth, life, fetch, answer));
    }

    pub(crate) fn provided(
        &mut self,
        (nth, life): (usize, u32),
        fetch: Fetch,
        answer: Result<Token, TokenFailure>,
    ) {
        let at = self.at;
        let program = &mut self.programs[nth];
        if program.life == life {
            // Whoever is denied, or shows what is wrong, is closed.
            program.is_excused |= match &answer {
                Ok(token) => token.expose() == "a wrong token",
                Err(TokenFailure::Denied(_)) => true,
                Err(TokenFailure::Unavailable(_)) => false,
            };
            program.session.handle_token(at, fetch, answer);
            self.obey(nth);
        }
    }

    fn state(&mut self, nth: usize, state: ConnectionState) {
        let was_connected = matches!(self.programs[nth].state, ConnectionState::Connected { .. });
        let is_lost = matches!(state, ConnectionState::Reconnecting { .. });
        let is_calm = self.plan.faults == Faults::Drains;
        assert!(
            !(is_calm && was_connected && is_lost),
            "a drain was noticed: {state:?}"
        );
        if is_lost {
            self.judge.loses(nth);
        }
        if matches!(state, ConnectionState::Closed { .. }) {
            self.judge.closes(nth);
            if !self.is_busy {
                self.set(Duration::from_secs(1), Happening::Act(nth));
            }
        }
        self.programs[nth].state = state;
    }

    /// Something happened in a room: the application handles it, a little later.
    fn follow(&mut self, nth: usize, room: &RoomName, event: RoomEvent) {
        let life = self.programs[nth].life;
        self.judge.hears(nth, room, &event, &self.house);
        match event {
            RoomEvent::Message(publication) => {
                let wait = self.dice.within(400);
                let position = publication.position;
                self.set(wait, Happening::Handled(nth, life, room.clone(), position));
            }
            RoomEvent::Gap(_)
            | RoomEvent::Status(_)
            | RoomEvent::Cast(_)
            | RoomEvent::Presence(_) => {}
        }
    }

    pub(crate) fn handled(&mut self, nth: usize, life: u32, room: &RoomName, position: Position) {
        let at = self.at;
        let program = &mut self.programs[nth];
        if program.life != life {
            return;
        }
        if let Some(until) = program.asleep_until {
            let later = Happening::Handled(nth, life, room.clone(), position);
            self.set(until - at + Duration::from_millis(1), later);
            return;
        }
        // Later epochs have larger numbers here.
        let place = |position: Position| (position.epoch.0, position.offset);
        let saved = program.saved.get(room).copied();
        if saved.is_none_or(|saved| place(saved) < place(position)) {
            program.saved.insert(room.clone(), position);
        }
        program.session.acknowledge(at, room, position);
        self.judge.acknowledges(nth, room, position);
        self.obey(nth);
    }
}
