//! Connections: opened, greeted on, lost, and replaced.

use std::time::{Duration, Instant};

use super::sending::numbered;
use super::{Session, Stage, milliseconds};
use crate::client::ending::Verdict;
use crate::client::line::{Attempt, Live, Step};
use crate::client::retry::Wait;
use crate::client::{Ending, EndingKind, Fetch, Line, Output, RoomEvent, RoomStatus, TokenFailure};
use crate::wire::Token;
use crate::wire::v2::{Client, ClientMessage, Empty, Envelope, Hello, Label, Refresh, Report};

/// A connection that has lived so long was a good one: what failed before it is forgotten.
const STEADY_AFTER: Duration = Duration::from_secs(10);
/// So many endings in a row for a reason that comes again are the last.
const STRIKES_MAX: u32 = 3;
/// An attempt that is older when the machine wakes up is made anew.
const STALE_AFTER: Duration = Duration::from_secs(3);
/// Attempts that somebody hurries are at least so far apart.
const HURRY_PAUSE: Duration = Duration::from_secs(1);

impl Session {
    /// A connection is open: the upgrade was accepted.
    pub fn handle_open(&mut self, now: Instant, line: Line) {
        let hello_timeout = self.settings.timeouts.hello;
        let greeted = self.rooms.greet();
        let Some(attempt) = self.attempt_on(line) else {
            return;
        };
        attempt.step = Step::Greeting;
        attempt.until = now + hello_timeout;
        attempt.greeted = greeted;
        let message = self.hello().encode(self.settings.encoding);
        self.outputs.push_back(Output::Send { line, message });
        self.go_on(now);
    }

    /// A connection, or an attempt at one, is over.
    pub fn handle_ending(&mut self, now: Instant, line: Line, ending: Ending) {
        self.take_leave(now, line, ending);
        self.go_on(now);
    }

    /// The application has answered [`Output::FetchToken`].
    pub fn handle_token(&mut self, now: Instant, fetch: Fetch, token: Result<Token, TokenFailure>) {
        if !self.credentials.settle(fetch) || !self.is_running() {
            return;
        }
        let is_waited_for = |attempt: &Attempt| attempt.step == Step::Token;
        let is_attempt = self.lines.attempt.as_ref().is_some_and(is_waited_for);
        match token {
            Ok(token) => {
                if self.lines.live.is_some() && !is_attempt {
                    self.refresh(token);
                } else {
                    self.credentials.hold(token);
                }
                if is_attempt {
                    self.credentials.is_fresh = true;
                    self.dial(now);
                }
            }
            Err(failure @ TokenFailure::Denied(_)) => {
                let why = failure.to_string();
                self.end(Ending::without_code(EndingKind::NoToken, why));
            }
            Err(failure @ TokenFailure::Unavailable(_)) if is_attempt => {
                let why = failure.to_string();
                self.fail(now, Ending::without_code(EndingKind::NoToken, why));
            }
            Err(TokenFailure::Unavailable(_)) if self.lines.live.is_some() => {
                self.credentials.refresh_later(now);
            }
            // The next attempt asks again.
            Err(TokenFailure::Unavailable(_)) => {}
        }
        self.go_on(now);
    }

    /// The machine slept for so long, or the network is another: what seems to live may be dead.
    pub fn handle_wake(&mut self, now: Instant, asleep: Duration) {
        let given_up_after = self.terms.ping_every + self.settings.timeouts.silence;
        // The token may have ended meanwhile.
        self.credentials.is_refused = false;
        if let Some(live) = &mut self.lines.live {
            live.asleep = live.asleep.saturating_add(asleep);
            if asleep >= given_up_after {
                let why = "the machine slept for longer than the server waits";
                let line = live.line;
                self.give_up(now, line, Ending::without_code(EndingKind::Asleep, why));
            } else if live.probed_until.is_none() {
                live.probed_until = Some(now + self.settings.timeouts.probe);
                self.say(&ClientMessage::Ping(Empty {}).into());
            }
        } else if let Some(attempt) = &self.lines.attempt
            && let Step::Dialing { since } = attempt.step
            && since + STALE_AFTER <= now
        {
            let why = "the machine slept while the connection was opened";
            let line = attempt.line;
            self.give_up(now, line, Ending::without_code(EndingKind::Asleep, why));
        }
        self.hurry(now);
        self.go_on(now);
    }

    pub(super) fn live_on(&mut self, line: Line) -> Option<&mut Live> {
        self.lines.live.as_mut().filter(|live| live.line == line)
    }

    pub(super) fn attempt_on(&mut self, line: Line) -> Option<&mut Attempt> {
        let attempt = self.lines.attempt.as_mut();
        attempt.filter(|attempt| attempt.line == line)
    }

    /// Begins an attempt, with a token first where there is none.
    pub(super) fn try_to_connect(&mut self, now: Instant) {
        self.lines.retry_at = None;
        self.lines.last += 1;
        self.lines.attempt = Some(Attempt {
            line: Line(self.lines.last),
            step: Step::Token,
            until: now + self.settings.timeouts.token,
            bye: None,
            greeted: Vec::new(),
        });
        self.credentials.is_fresh = false;
        if self.credentials.are_ready(now) {
            self.dial(now);
        } else {
            self.fetch_token(now);
        }
    }

    pub(super) fn fetch_token(&mut self, now: Instant) {
        let timeout = self.settings.timeouts.token;
        if let Some((fetch, reason)) = self.credentials.fetch(now, timeout) {
            self.outputs.push_back(Output::FetchToken { fetch, reason });
        }
    }

    fn dial(&mut self, now: Instant) {
        if let Some(attempt) = &mut self.lines.attempt {
            attempt.step = Step::Dialing { since: now };
            attempt.until = now + self.settings.timeouts.dial;
            let (line, url) = (attempt.line, self.lines.url.clone());
            self.outputs.push_back(Output::Open { line, url });
        }
    }

    /// The next attempt is made at once, if one waits and none was hurried just before.
    pub(super) fn hurry(&mut self, now: Instant) {
        let is_calm = |at: Instant| at + HURRY_PAUSE <= now;
        if self.lines.retry_at.is_some() && self.lines.hurried_at.is_none_or(is_calm) {
            self.lines.hurried_at = Some(now);
            self.try_to_connect(now);
        }
    }

    fn hello(&self) -> Envelope<ClientMessage<'_>> {
        let label =
            |text| Label::new(text).unwrap_or_else(|| Label::new("unnamed").expect("short"));
        let attempt = self.lines.attempt.as_ref();
        let greeted = attempt.map_or(&[][..], |attempt| &attempt.greeted);
        let report = self.lines.report.clone().map(|report| Report {
            attempts: self.lines.failures,
            ..report
        });
        let wanted = greeted
            .iter()
            .filter_map(|greeted| self.rooms.wanted(&greeted.room));
        let hello = Hello {
            token: self.credentials.token.clone(),
            client: Client {
                name: label(&*self.settings.program.name),
                version: label(&*self.settings.program.version),
            },
            producer: label(&*self.settings.producer),
            report,
            rooms: wanted.collect(),
        };
        ClientMessage::Hello(hello).into()
    }

    /// Ends a connection, or an attempt at one, on this side.
    pub(super) fn give_up(&mut self, now: Instant, line: Line, ending: Ending) {
        self.hang_up(line, &ending);
        self.take_leave(now, line, ending);
    }

    fn take_leave(&mut self, now: Instant, line: Line, ending: Ending) {
        if self.live_on(line).is_some() {
            self.lose(now, ending);
        } else if self.attempt_on(line).is_some() {
            self.fail(now, ending);
        }
    }

    /// The connection that the session lived on is over.
    fn lose(&mut self, now: Instant, ending: Ending) {
        let Some(live) = self.lines.live.take() else {
            return;
        };
        self.lines.user = None;
        self.credentials.lose();
        self.lines.report = Some(report(&live, &ending, now));
        if live.since + STEADY_AFTER <= now {
            self.lines.failures = 0;
            self.lines.strikes = 0;
        } else {
            self.lines.failures += 1;
        }
        self.casts.clear();
        for (ticket, result) in self.publications.lose(ending.is_crash()) {
            self.outputs.push_back(Output::Published(ticket, result));
        }
        for (ticket, result) in self.calls.lose() {
            self.outputs.push_back(Output::Answered(ticket, result));
        }
        for room in self.rooms.lose() {
            self.tell(room, RoomEvent::Status(RoomStatus::Joining));
        }
        self.lines.url = None;
        let verdict = ending.verdict(live.bye.as_ref());
        self.lines.ending = Some(ending);
        // Who is on the way to another connection goes on, unless nobody wants this client any more.
        if self.lines.attempt.is_none() || verdict == Verdict::Final {
            self.lines.retry_at = None;
            self.follow(now, verdict);
        }
    }

    /// An attempt is over.
    fn fail(&mut self, now: Instant, ending: Ending) {
        let Some(attempt) = self.lines.attempt.take() else {
            return;
        };
        let verdict = ending.verdict(attempt.bye.as_ref());
        if verdict != Verdict::NewToken {
            self.lines.failures += 1;
        }
        if self.lines.live.is_some() {
            // Nobody else lets us in: we stay for as long as we may.
            if let Verdict::Retry(wait) = verdict {
                self.retry(now, wait);
            }
            return;
        }
        self.lines.url = None;
        self.lines.ending = Some(ending);
        self.follow(now, verdict);
    }

    /// Does what an ending comes to.
    fn follow(&mut self, now: Instant, verdict: Verdict) {
        match verdict {
            Verdict::Retry(wait) => self.retry(now, wait),
            Verdict::ThreeTimes => {
                self.lines.strikes += 1;
                if self.lines.strikes >= STRIKES_MAX {
                    self.end_for_good();
                } else {
                    self.retry(now, Wait::Announced);
                }
            }
            Verdict::NewToken if self.credentials.are_hopeless() => {
                self.end_for_good();
            }
            Verdict::NewToken => {
                self.credentials.reject();
                self.retry(now, Wait::Local);
            }
            Verdict::Final => self.end_for_good(),
        }
    }

    fn retry(&mut self, now: Instant, wait: Wait) {
        let failures = self.lines.failures;
        if self
            .settings
            .retry
            .give_up_after
            .is_some_and(|attempts| failures >= attempts)
            && self.lines.live.is_none()
        {
            let why = "as many attempts failed in a row as are allowed";
            self.end(Ending::without_code(EndingKind::GivenUp, why));
            return;
        }
        let bounds = crate::client::Retry {
            cap: self.settings.retry.cap.min(self.terms.cap),
            ..self.settings.retry
        };
        let window = self.terms.first_window;
        let delay = bounds.wait(failures, wait, window, &mut self.chance);
        self.lines.retry_at = Some(now + delay);
    }

    fn end_for_good(&mut self) {
        if let Some(ending) = self.lines.ending.clone() {
            self.end(ending);
        }
    }

    /// Nothing is done any more until the application connects again.
    pub(super) fn end(&mut self, ending: Ending) {
        if matches!(self.stage, Stage::Closed(_)) {
            return;
        }
        let live = self.lines.live.as_ref().map(|live| live.line);
        let attempt = self.lines.attempt.as_ref().map(|attempt| attempt.line);
        for line in live.into_iter().chain(attempt) {
            self.hang_up(line, &ending);
        }
        self.lines.live = None;
        self.lines.attempt = None;
        self.lines.user = None;
        self.lines.retry_at = None;
        self.lines.url = None;
        self.credentials.forget();
        let why = "the client was closed";
        for (ticket, result) in self.publications.end(why) {
            self.outputs.push_back(Output::Published(ticket, result));
        }
        for (ticket, result) in self.calls.end(why) {
            self.outputs.push_back(Output::Answered(ticket, result));
        }
        for room in self.rooms.end() {
            self.tell(room, RoomEvent::Status(RoomStatus::Left));
        }
        self.casts.clear();
        self.stage = Stage::Closed(ending);
    }

    /// Ends a connection on this side. An attempt that still waits for its token has none to end.
    fn hang_up(&mut self, line: Line, ending: &Ending) {
        let is_unopened = |attempt: &mut Attempt| attempt.step == Step::Token;
        if self.attempt_on(line).is_some_and(is_unopened) {
            return;
        }
        let (code, reason) = match ending.kind {
            EndingKind::Requested => (1000, "closed by the client"),
            EndingKind::Nonsense => (1002, "protocol error"),
            EndingKind::Silent | EndingKind::Asleep => (4408, "heartbeat timeout"),
            EndingKind::Closed
            | EndingKind::Lost
            | EndingKind::Refused { .. }
            | EndingKind::Unreachable
            | EndingKind::NoToken
            | EndingKind::GivenUp => (1001, "given up"),
        };
        self.outputs.push_back(Output::Close { line, code, reason });
    }

    fn refresh(&mut self, token: Token) {
        let number = self.next_number();
        self.credentials.renew(token.clone(), number);
        self.say(&numbered(ClientMessage::Refresh(Refresh { token }), number));
    }
}

/// What the server is told of how the last connection ended.
fn report(live: &Live, ending: &Ending, now: Instant) -> Report {
    Report {
        code: ending.code,
        clean: ending.kind == EndingKind::Closed,
        age_ms: milliseconds(now - live.since),
        idle_ms: milliseconds(now - live.heard_at),
        asleep_ms: milliseconds(live.asleep),
        ..Report::default()
    }
}
