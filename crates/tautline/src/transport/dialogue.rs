//! The session of a connection in whichever version it speaks, and what that waits for.
//!
//! Here the two sessions become one for the connection's driver, and nothing else of the server knows that
//! there are two.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tautline_protocol::model::{ConnectionId, Identity, RoomName};
use tautline_protocol::server::{self, Denied, Now, Reply, Session, v2};
use tautline_protocol::wire::v2::{Goaway, Words};
use tautline_protocol::wire::{Close, CloseCode, Refusal, Token, Version};

use super::worker::Leaving;
use super::{Worker, calls};

/// The session of a connection.
#[expect(
    clippy::large_enum_variant,
    reason = "v1 is in place, so that an idle connection of it is one allocation and no more"
)]
pub(super) enum Dialogue {
    /// It asks one thing at a time.
    V1(Session, Option<Asked<Reply>>),
    /// It asks several, in a box: those who speak v1 should not pay for it.
    V2(Box<Envelope>),
}

pub(super) struct Envelope {
    session: v2::Session,
    asked: Vec<(v2::Ticket, Asked<v2::Reply>)>,
    called: Vec<(v2::Ticket, Asked<v2::Outcome>)>,
    /// Whether the client knows that the server goes away.
    is_told_to_move: bool,
    /// What is said before the close, once that is decided.
    bye: Option<Vec<u8>>,
}

type Asked<T> = Pin<Box<dyn Future<Output = T>>>;

/// What a session wants done, and the driver does.
pub(super) enum Wish {
    Send(Vec<u8>),
    SendHistory(Vec<u8>),
    Ping,
    Verify(Token),
    /// To be handed back to [`Dialogue::ask`].
    Ask(Wanted),
    Follow(RoomName, Option<Bytes>),
    Refused(Refusal),
    Close(Close),
}

/// What a session wants to know of the rooms, or of the application.
pub(super) enum Wanted {
    V1(server::Ask),
    V2(v2::Ticket, v2::Ask),
    Call(v2::Ticket, v2::Call),
}

impl Dialogue {
    /// Who lost its connection comes back within `first_window`.
    pub(super) fn new(
        now: Now,
        id: ConnectionId,
        (version, first_window): (Version, Duration),
        worker: &Worker,
    ) -> Self {
        let settings = Arc::clone(&worker.shared.session);
        let seed = Worker::seed();
        match version {
            Version::V1 => Self::V1(Session::new(now, id, settings, seed), None),
            Version::V2(encoding) => {
                let accepted = v2::Accepted {
                    connection: id,
                    encoding,
                    seed,
                    first_window,
                };
                Self::V2(Box::new(Envelope {
                    session: v2::Session::new(now, accepted, settings),
                    asked: Vec::new(),
                    called: Vec::new(),
                    is_told_to_move: false,
                    bye: None,
                }))
            }
        }
    }

    pub(super) fn handle_identity(&mut self, now: Now, identity: Identity) {
        match self {
            Self::V1(session, _) => session.handle_identity(now, identity),
            Self::V2(it) => it.session.handle_identity(now, identity),
        }
    }

    pub(super) fn handle_text(&mut self, now: Now, text: &str) {
        match self {
            Self::V1(session, _) => session.handle_text(now, text),
            Self::V2(it) => it.session.handle_text(now, text),
        }
    }

    pub(super) fn handle_binary(&mut self, now: Now, bytes: &[u8]) {
        match self {
            Self::V1(session, _) => session.handle_binary(now),
            Self::V2(it) => it.session.handle_binary(now, bytes),
        }
    }

    pub(super) fn handle_too_big(&mut self, now: Now) {
        match self {
            Self::V1(session, _) => session.handle_too_big(now),
            Self::V2(it) => it.session.handle_too_big(),
        }
    }

    pub(super) fn handle_control(&mut self, now: Now) {
        match self {
            Self::V1(session, _) => session.handle_control(now),
            Self::V2(it) => it.session.handle_control(now),
        }
    }

    pub(super) fn handle_unfinished(&mut self, now: Now) {
        match self {
            Self::V1(session, _) => session.handle_unfinished(now),
            Self::V2(it) => it.session.handle_unfinished(),
        }
    }

    pub(super) fn handle_traffic(&mut self, now: Now) {
        match self {
            Self::V1(session, _) => session.handle_traffic(now),
            Self::V2(it) => it.session.handle_traffic(),
        }
    }

    pub(super) fn handle_verdict(&mut self, now: Now, verdict: Result<Identity, Denied>) {
        match self {
            Self::V1(session, _) => session.handle_verdict(now, verdict),
            Self::V2(it) => it.session.handle_verdict(now, verdict),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        match self {
            Self::V1(session, _) => session.handle_timeout(now),
            Self::V2(it) => it.session.handle_timeout(now),
        }
    }

    /// The server goes away; whoever speaks a version that has words for it is told once.
    pub(super) fn handle_leaving(&mut self, now: Now, leaving: Leaving) {
        let Self::V2(it) = self else {
            return;
        };
        if !it.is_told_to_move {
            let until = |then: Instant| {
                let left = then.saturating_duration_since(now.at);
                u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
            };
            it.is_told_to_move = it.session.handle_drain(Goaway {
                reason: Words::from("the server is going away: open another connection"),
                deadline_ms: until(leaving.ends),
                window_ms: until(leaving.move_until),
                url: None,
            });
        }
    }

    /// What is said before the close, if the version says something: whether it was the session that decided to end,
    /// or is the driver.
    /// Who is to come back comes no sooner than `after`.
    pub(super) fn take_last_word(&mut self, code: u16, after: Option<Duration>) -> Option<Vec<u8>> {
        let Self::V2(it) = self else {
            return None;
        };
        if it.bye.is_none()
            && let Some(code) = CloseCode::all().find(|known| known.number() == code)
        {
            it.session.handle_end(Close::new(code), after);
            // What is not said by now is of no use any more.
            while let Some(output) = it.session.poll() {
                if let v2::Output::Close(bye, _) = output {
                    it.bye = Some(bye);
                }
            }
        }
        it.bye.take()
    }

    pub(super) fn poll(&mut self) -> Option<Wish> {
        Some(match self {
            Self::V1(session, _) => match session.poll()? {
                server::Output::Send(text) => Wish::Send(text),
                server::Output::SendHistory(text) => Wish::SendHistory(text),
                server::Output::Ping => Wish::Ping,
                server::Output::Verify(token) => Wish::Verify(token),
                server::Output::Ask(ask) => Wish::Ask(Wanted::V1(ask)),
                server::Output::Follow(room) => Wish::Follow(room, None),
                server::Output::Refused(refusal) => Wish::Refused(refusal),
                server::Output::Close(close) => Wish::Close(close),
            },
            Self::V2(it) => return it.poll(),
        })
    }

    /// Asks the rooms. Most engines answer at once.
    pub(super) fn ask(
        &mut self,
        (now, id): (Now, ConnectionId),
        wanted: Wanted,
        worker: &Rc<Worker>,
        context: &mut Context<'_>,
    ) {
        let worker = Rc::clone(worker);
        let user = self.identity().map(|identity| Arc::clone(&identity.user));
        match (&mut *self, wanted) {
            (Self::V1(_, asked), Wanted::V1(ask)) => {
                *asked = Some(Box::pin(worker.ask(id, user, (ask, now.at))));
            }
            (Self::V2(it), Wanted::V2(ticket, ask)) => {
                let name = it.session.identity().map(|it| Arc::clone(&it.name));
                let asker = super::Asker { id, user, name };
                let asked = Box::pin(worker.answer_v2(asker, ask, now.at));
                it.asked.push((ticket, asked));
            }
            (Self::V2(it), Wanted::Call(ticket, call)) => {
                it.called.push((ticket, Box::pin(calls::answer(call))));
            }
            (Self::V1(..), Wanted::V2(..) | Wanted::Call(..)) | (Self::V2(_), Wanted::V1(_)) => {}
        }
        let _is_answered = self.poll_asked(now, context);
    }

    /// Hands the session what was answered. Says whether anything was.
    pub(super) fn poll_asked(&mut self, now: Now, context: &mut Context<'_>) -> bool {
        match self {
            Self::V1(session, asked) => {
                let Some(Poll::Ready(reply)) = asked.as_mut().map(|it| it.as_mut().poll(context))
                else {
                    return false;
                };
                *asked = None;
                session.handle_reply(now, reply);
                true
            }
            Self::V2(it) => {
                let Envelope {
                    session,
                    asked,
                    called,
                    ..
                } = &mut **it;
                let before = asked.len() + called.len();
                asked.retain_mut(|(ticket, asked)| match asked.as_mut().poll(context) {
                    Poll::Ready(reply) => {
                        session.handle_reply(now, *ticket, reply);
                        false
                    }
                    Poll::Pending => true,
                });
                called.retain_mut(|(ticket, called)| match called.as_mut().poll(context) {
                    Poll::Ready(outcome) => {
                        session.handle_outcome(now, *ticket, &outcome);
                        false
                    }
                    Poll::Pending => true,
                });
                if asked.is_empty() {
                    *asked = Vec::new();
                }
                if called.is_empty() {
                    *called = Vec::new();
                }
                asked.len() + called.len() < before
            }
        }
    }

    /// Nothing is waited for any more.
    pub(super) fn forget_asked(&mut self) {
        match self {
            Self::V1(_, asked) => *asked = None,
            Self::V2(it) => {
                it.asked = Vec::new();
                it.called = Vec::new();
            }
        }
    }

    /// Whether something has to be answered before the next frame.
    pub(super) fn is_busy(&self) -> bool {
        match self {
            Self::V1(_, asked) => asked.is_some(),
            Self::V2(it) => it.session.is_waiting(),
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match self {
            Self::V1(session, _) => session.next_timeout(),
            Self::V2(it) => it.session.next_timeout(),
        }
    }

    pub(super) fn identity(&self) -> Option<&Identity> {
        match self {
            Self::V1(session, _) => session.identity(),
            Self::V2(it) => it.session.identity(),
        }
    }

    pub(super) fn rooms(&self) -> &[RoomName] {
        match self {
            Self::V1(session, _) => session.rooms(),
            Self::V2(it) => it.session.rooms(),
        }
    }
}

impl Envelope {
    /// The next thing for the driver to do. Calls that nobody waits for are dropped on the way.
    fn poll(&mut self) -> Option<Wish> {
        loop {
            return Some(match self.session.poll()? {
                v2::Output::Send(message) => Wish::Send(message),
                v2::Output::Verify(token) => Wish::Verify(token),
                v2::Output::Ask(ticket, ask) => Wish::Ask(Wanted::V2(ticket, ask)),
                v2::Output::Call(ticket, call) => Wish::Ask(Wanted::Call(ticket, call)),
                v2::Output::Cancel(ticket) => {
                    self.called.retain(|(called, _)| *called != ticket);
                    continue;
                }
                v2::Output::Follow { room, state } => Wish::Follow(room, state),
                v2::Output::Refused(refusal) => Wish::Refused(refusal),
                v2::Output::Close(bye, close) => {
                    self.bye = Some(bye);
                    Wish::Close(close)
                }
            });
        }
    }
}
