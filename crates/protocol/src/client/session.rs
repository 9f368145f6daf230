//! The client's half of all its connections: what is wanted, what is there, and when to do something about it.

mod arrivals;
mod commands;
mod lines;
mod sending;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::calls::Calls;
use super::casts::Casts;
use super::credentials::Credentials;
use super::line::{Attempt, Live, Step};
use super::publications::Publications;
use super::rooms::Rooms;
use super::terms::Terms;
use super::{ConnectionState, Ending, EndingKind, Output, Settings, Ticket};
use crate::model::{Chance, ConnectionId};
use crate::wire::Token;
use crate::wire::v2::Report;

/// A client, whatever becomes of its connections.
///
/// **Use.** After every `handle_*` and every command, call [`Session::poll`] until it answers none and do what it says, in
/// order. Call [`Session::handle_timeout`] at [`Session::next_timeout`], after whatever was read until then was
/// handed in.
///
/// **Lines.** Each connection, and each attempt at one, has a number of its own. What is heard of a line that the session
/// has given up is ignored, so that an old connection can never disturb a new one.
///
/// **Promises.** Each message of a room is told once and in order, or a gap is. Each publication is settled once. What is
/// published is sent again, in order, before anything newer, until it is acknowledged or its time is over.
/// Once closed, nothing but [`Session::connect`] opens a connection.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    chance: Chance,
    stage: Stage,
    lines: Lines,
    credentials: Credentials,
    terms: Terms,
    rooms: Rooms,
    publications: Publications,
    calls: Calls,
    casts: Casts,
    outputs: VecDeque<Output>,
    /// The last number that was given to anything.
    number: u64,
}

/// What the application wants.
#[derive(Debug)]
enum Stage {
    /// Nothing yet.
    Idle,
    /// A connection.
    Open,
    /// To close, when everything is published or at this time.
    Draining { until: Instant },
    /// Nothing any more.
    Closed(Ending),
}

/// The connections.
#[derive(Debug, Default)]
struct Lines {
    /// The last number that was given to one.
    last: u64,
    /// The one that the session lives on.
    live: Option<Live>,
    /// Who is there, on that.
    user: Option<(ConnectionId, Arc<str>)>,
    /// The one that is being tried.
    attempt: Option<Attempt>,
    /// When the next is to be tried.
    retry_at: Option<Instant>,
    /// Where, if not at the usual place.
    url: Option<Box<str>>,
    /// How many attempts failed in a row.
    failures: u32,
    /// How many endings in a row were of the kind that comes again.
    strikes: u32,
    /// How the last connection, or attempt, ended.
    ending: Option<Ending>,
    /// How the last connection that was welcomed ended.
    report: Option<Report>,
    /// The state that the application was told last.
    told: Option<ConnectionState>,
    /// When somebody last had the next attempt made at once.
    hurried_at: Option<Instant>,
}

impl Session {
    /// A client that is not connected. It asks for tokens if it may (`has_provider`), and `seed` decides its chance.
    pub fn new(settings: Settings, token: Option<Token>, has_provider: bool, seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            stage: Stage::Idle,
            lines: Lines::default(),
            credentials: Credentials::new(token, has_provider),
            terms: Terms::default(),
            rooms: Rooms::default(),
            publications: Publications::new(settings.queue),
            calls: Calls::default(),
            casts: Casts::default(),
            outputs: VecDeque::new(),
            number: 0,
            settings,
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Time has passed. What had been read by now must have been handed in before.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.time_token(now);
        self.time_lines(now);
        for (ticket, result) in self.publications.expire(now) {
            self.outputs.push_back(Output::Published(ticket, result));
        }
        for (ticket, result) in self.calls.expire(now) {
            self.outputs.push_back(Output::Answered(ticket, result));
        }
        self.go_on(now);
    }

    /// When [`Session::handle_timeout`] has something to do.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let until = match self.stage {
            Stage::Closed(_) => return None,
            Stage::Idle | Stage::Open => None,
            Stage::Draining { until } => Some(until),
        };
        let live = self.lines.live.as_ref();
        let silent_at = live.map(|live| self.silent_at(live));
        let timers = [
            until,
            silent_at,
            live.and_then(|live| live.move_at),
            self.lines.attempt.as_ref().map(|attempt| attempt.until),
            self.lines.retry_at,
            self.credentials.next_timeout(),
            self.publications.next_timeout(),
            self.calls.next_timeout(),
            live.and_then(|live| self.sending_at(live, now)),
        ];
        timers.into_iter().flatten().min()
    }

    /// What the application sees of the connection.
    pub fn state(&self) -> ConnectionState {
        if let Stage::Closed(cause) = &self.stage {
            return ConnectionState::Closed {
                cause: cause.clone(),
            };
        }
        if let (Some(_), Some((connection, user))) = (&self.lines.live, &self.lines.user) {
            return ConnectionState::Connected {
                connection: *connection,
                user: Arc::clone(user),
            };
        }
        let attempt = self.lines.failures + 1;
        match (&self.stage, &self.lines.ending) {
            (Stage::Idle, _) => ConnectionState::Idle,
            (_, None) => ConnectionState::Connecting { attempt },
            (_, Some(cause)) => ConnectionState::Reconnecting {
                attempt,
                retry_at: self.lines.retry_at,
                cause: cause.clone(),
            },
        }
    }

    /// How many publications are not acknowledged.
    pub fn pending(&self) -> usize {
        self.publications.len()
    }

    /// What follows from whatever has happened.
    fn go_on(&mut self, now: Instant) {
        if self.is_running() {
            self.send_what_may_leave(now);
        }
        if let Stage::Draining { until } = self.stage
            && (until <= now || (self.publications.is_empty() && self.casts.is_empty()))
        {
            self.end(requested());
        }
        self.tell_state();
    }

    /// Tells the application of the state, if that is another one.
    fn tell_state(&mut self) {
        let state = self.state();
        if self.lines.told.as_ref() != Some(&state) {
            self.lines.told = Some(state.clone());
            self.outputs.push_back(Output::State(state));
        }
    }

    fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Draining { .. })
    }

    fn next_number(&mut self) -> Ticket {
        self.number += 1;
        Ticket(self.number)
    }

    /// When the connection is dead, if nothing is heard of it until then.
    fn silent_at(&self, live: &Live) -> Instant {
        let due = live.heard_at + self.terms.ping_every + self.settings.timeouts.silence;
        live.probed_until.map_or(due, |until| until.min(due))
    }

    fn time_lines(&mut self, now: Instant) {
        if let Some(attempt) = &self.lines.attempt
            && attempt.until <= now
        {
            let why = match attempt.step {
                Step::Token => "the application gave no token in time",
                Step::Dialing { .. } => "no connection could be opened in time",
                Step::Greeting => "the server did not answer the greeting in time",
            };
            let line = attempt.line;
            self.give_up(
                now,
                line,
                Ending::without_code(EndingKind::Unreachable, why),
            );
        }
        if let Some(live) = &self.lines.live
            && self.silent_at(live) <= now
        {
            let why = "nothing was heard of the server for too long";
            let line = live.line;
            self.give_up(now, line, Ending::without_code(EndingKind::Silent, why));
        }
        if let Some(live) = &mut self.lines.live
            && live.move_at.take_if(|at| *at <= now).is_some()
            && self.lines.attempt.is_none()
        {
            self.lines.retry_at = Some(now);
        }
        if self.lines.retry_at.take_if(|at| *at <= now).is_some() {
            self.try_to_connect(now);
        }
    }

    fn time_token(&mut self, now: Instant) {
        if self.credentials.give_up_fetch(now) {
            if let Some(attempt) = &self.lines.attempt
                && attempt.step == Step::Token
            {
                let line = attempt.line;
                let why = "the application gave no token in time";
                self.give_up(now, line, Ending::without_code(EndingKind::NoToken, why));
            } else if self.lines.live.is_some() {
                self.credentials.refresh_later(now);
            }
        }
        if self.credentials.is_refresh_due(now) && self.lines.live.is_some() {
            self.fetch_token(now);
        }
    }
}

/// The application ends the client.
fn requested() -> Ending {
    Ending {
        kind: EndingKind::Requested,
        code: 1000,
        reason: "closed by the application".into(),
    }
}

/// Milliseconds of a report.
fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
