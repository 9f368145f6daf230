//! One run: programs, a server, what lies between them, and a clock that nobody waits for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tautline_protocol::client::{Ending, EndingKind, Fetch, TokenFailure};
use tautline_protocol::model::{Position, RoomName, Timestamp};
use tautline_protocol::server::v2::{Reply, Ticket};
use tautline_protocol::server::{Now, Settings};
use tautline_protocol::wire::Token;
use tautline_protocol::wire::v2::Envelope;

use crate::dice::Dice;
use crate::house::{House, LinkId};
use crate::judge::Judge;
use crate::link::{Frame, Link};
use crate::plan::Plan;
use crate::program::Program;
use crate::trace::Trace;

/// A run that has not come to rest by then never does.
const REST_WITHIN: Duration = Duration::from_mins(4);
/// How often it is looked whether a run has come to rest.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// More happens in no run.
const STEPS_MAX: u32 = 200_000;

/// One run.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) settings: Arc<Settings>,
    pub(crate) dice: Dice,
    started: Instant,
    pub(crate) at: Instant,
    agenda: BTreeMap<(Instant, u64), Happening>,
    /// The last number that was given to anything.
    serial: u64,
    pub(crate) house: House,
    pub(crate) links: Vec<Link>,
    pub(crate) programs: Vec<Program>,
    pub(crate) judge: Judge,
    pub(crate) trace: Trace,
    /// Whether the server is there.
    pub(crate) is_up: bool,
    /// Whether things still go wrong.
    pub(crate) is_busy: bool,
}

/// What was put on the agenda.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A program does something.
    Act(usize),
    /// Something goes wrong.
    Trouble,
    /// Nothing goes wrong any more.
    Quiet,
    /// The application of a program has a token, or none.
    Token(usize, u32, Fetch, Result<Token, TokenFailure>),
    /// The application of a program has handled everything up to there.
    Handled(usize, u32, RoomName, Position),
    /// A program wakes up after so long.
    Wake(usize, Duration),
    /// A token is checked.
    Verdict(LinkId, Token),
    /// The house answers.
    Reply(LinkId, Ticket, Reply),
    /// The backend answers.
    Outcome(LinkId, Ticket),
    /// The server is there again.
    Up,
    /// The connections of a server that goes away are ended.
    Deadline(Vec<LinkId>),
}

/// What is due next.
#[derive(Debug, Clone, Copy)]
enum Due {
    ToServer(usize),
    ToProgram(usize),
    Agenda,
    Program(usize),
    Desk(usize),
    House,
}

impl World {
    pub(crate) fn new(seed: u64, started: Instant, trace: Trace) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::draw(&mut dice);
        let programs = (0..plan.programs).map(|nth| Program::new(&plan, nth, &mut dice));
        let programs: Vec<Program> = programs.collect();
        let mut world = Self {
            settings: plan.settings(),
            house: House::new(&plan),
            programs,
            judge: Judge::default(),
            dice,
            started,
            at: started,
            agenda: BTreeMap::new(),
            serial: 0,
            links: Vec::new(),
            trace,
            is_up: true,
            is_busy: true,
            plan,
        };
        world.note(|world| format!("{:?}", world.plan));
        for nth in 0..world.programs.len() {
            world.set(Duration::from_millis(1), Happening::Act(nth));
        }
        let first = world.plan.fault_every;
        world.set(first, Happening::Trouble);
        world.set(world.plan.busy_for, Happening::Quiet);
        world
    }

    /// Lets everything happen, until nothing goes wrong any more and all is at rest.
    pub(crate) fn run(&mut self) {
        let quiet_at = self.at + self.plan.busy_for;
        let mut look_at = quiet_at + LOOK_EVERY;
        for _ in 0..STEPS_MAX {
            let Some((at, due)) = self.next() else {
                break;
            };
            if at >= look_at {
                look_at = at + LOOK_EVERY;
                if self.unrest().is_none() {
                    self.verdict();
                    return;
                }
            }
            self.at = self.at.max(at);
            if self.at > quiet_at + REST_WITHIN {
                break;
            }
            self.happen(due);
        }
        panic!("it does not come to rest: {:?}", self.unrest());
    }

    /// Puts something on the agenda.
    pub(crate) fn set(&mut self, after: Duration, happening: Happening) {
        let number = self.number();
        self.agenda.insert((self.at + after, number), happening);
    }

    /// A number that nothing else has.
    pub(crate) fn number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn now(&self) -> Now {
        let passed = u64::try_from(self.passed().as_millis()).expect("a short run");
        Now {
            at: self.at,
            wall: Timestamp(passed),
        }
    }

    pub(crate) fn passed(&self) -> Duration {
        self.at - self.started
    }

    pub(crate) fn note(&self, line: impl FnOnce(&Self) -> String) {
        self.trace.note(self.passed(), || line(self));
    }

    /// Notes what somebody says, but for the heartbeat.
    pub(crate) fn note_message<'a, M>(&self, who: &str, bytes: &'a [u8])
    where
        M: Deserialize<'a> + fmt::Debug,
    {
        if self.trace.is_on() {
            let said = Envelope::<M>::decode(self.plan.encoding, bytes).expect("a message");
            let text = format!("{:?} {:?}", said.message, said.request);
            if !text.starts_with("Ping(") && !text.starts_with("Pong(") {
                self.note(|_| format!("{who} says {text}"));
            }
        }
    }

    pub(crate) fn link(&mut self, id: LinkId) -> Option<&mut Link> {
        let at = self.links.binary_search_by_key(&id, |link| link.id).ok()?;
        self.links.get_mut(at)
    }

    /// What is due next, and when. What was sent comes before what is planned, and timers come last.
    fn next(&self) -> Option<(Instant, Due)> {
        let mut next: Option<(Instant, Due)> = None;
        let mut offer = |at: Option<Instant>, due| {
            let at = at.map(|at| at.max(self.at));
            if let Some(at) = at
                && next.is_none_or(|(other, _)| at < other)
            {
                next = Some((at, due));
            }
        };
        let is_awake = |nth: usize| self.programs[nth].asleep_until.is_none();
        for (nth, link) in self.links.iter().enumerate() {
            offer(link.to_server.next(), Due::ToServer(nth));
            if is_awake(link.program) {
                offer(link.to_program.next(), Due::ToProgram(nth));
            }
        }
        offer(self.agenda.keys().next().map(|(at, _)| *at), Due::Agenda);
        for (nth, program) in self.programs.iter().enumerate() {
            if is_awake(nth) {
                offer(program.session.next_timeout(self.at), Due::Program(nth));
            }
        }
        for (nth, link) in self.links.iter().enumerate() {
            let desk = link.desk.as_ref();
            offer(
                desk.and_then(|desk| desk.session.next_timeout()),
                Due::Desk(nth),
            );
        }
        offer(self.house.next_timeout(), Due::House);
        next
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::ToServer(nth) => {
                if let Some(frame) = self.links[nth].to_server.pop() {
                    self.server_hears(nth, frame);
                }
            }
            Due::ToProgram(nth) => {
                if let Some(frame) = self.links[nth].to_program.pop() {
                    self.program_hears(nth, frame);
                }
            }
            Due::Agenda => {
                if let Some((_, happening)) = self.agenda.pop_first() {
                    self.take(happening);
                }
            }
            Due::Program(nth) => {
                let (at, session) = (self.at, &mut self.programs[nth].session);
                session.handle_timeout(at);
                self.obey(nth);
                let next = self.programs[nth].session.next_timeout(at);
                assert!(
                    next.is_none_or(|next| next > at),
                    "a timer that does not pass"
                );
            }
            Due::Desk(nth) => {
                let now = self.now();
                if let Some(desk) = &mut self.links[nth].desk {
                    desk.session.handle_timeout(now);
                    self.serve(self.links[nth].id);
                }
            }
            Due::House => {
                self.house.handle_timeout(self.at);
                self.deliver();
            }
        }
        self.links.retain(|link| !link.is_over());
    }

    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Act(nth) => self.act(nth),
            Happening::Trouble => self.trouble(),
            Happening::Quiet => self.quiet(),
            Happening::Token(nth, life, fetch, token) => {
                self.provided((nth, life), fetch, token);
            }
            Happening::Handled(nth, life, room, position) => {
                self.handled(nth, life, &room, position);
            }
            Happening::Wake(nth, asleep) => {
                let at = self.at;
                let program = &mut self.programs[nth];
                program.asleep_until = None;
                program.session.handle_wake(at, asleep);
                self.obey(nth);
            }
            Happening::Verdict(link, token) => self.decide(link, &token),
            Happening::Reply(link, ticket, reply) => self.reply(link, ticket, reply),
            Happening::Outcome(link, ticket) => self.outcome(link, ticket),
            Happening::Up => self.is_up = true,
            Happening::Deadline(links) => self.end_all(&links),
        }
    }

    /// Nothing goes wrong any more; whoever is closed begins anew.
    fn quiet(&mut self) {
        self.note(|_| "quiet".to_owned());
        self.is_busy = false;
        self.is_up = true;
        for nth in 0..self.programs.len() {
            self.begin_anew(nth);
        }
    }

    /// What a program hears of a link, although it may have given that up.
    fn program_hears(&mut self, nth: usize, frame: Frame) {
        let (at, link) = (self.at, &mut self.links[nth]);
        let (id, program, line) = (link.id, link.program, link.line);
        if link.life != self.programs[program].life {
            return;
        }
        let ends = !matches!(frame, Frame::Open | Frame::Message(_));
        link.is_known &= !ends;
        link.is_open |= !ends;
        let session = &mut self.programs[program].session;
        let without_code = |kind| Ending::without_code(kind, "in this run");
        match frame {
            Frame::Open => session.handle_open(at, line),
            Frame::Message(bytes) => session.handle_message(at, line, &bytes),
            Frame::Close(code, reason) => {
                session.handle_ending(at, line, Ending::closed(code, reason));
            }
            Frame::Lost => session.handle_ending(at, line, without_code(EndingKind::Lost)),
            Frame::Unreachable => {
                session.handle_ending(at, line, without_code(EndingKind::Unreachable));
            }
            Frame::Refused(status) => {
                let retry_after = (status == 503).then_some(Duration::from_secs(2));
                let kind = EndingKind::Refused {
                    status,
                    retry_after,
                };
                session.handle_ending(at, line, without_code(kind));
            }
        }
        if ends {
            self.note(|_| format!("p{program} heard the end of link {id}"));
        }
        self.obey(program);
    }
}
