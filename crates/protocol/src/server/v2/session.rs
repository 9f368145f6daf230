//! The control plane of a connection that speaks v2: what comes in, what goes out, and when.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::acks::Acks;
use super::answers::Answers;
use super::greeting::Greeting;
use super::{Outcome, Output, Reply, Ticket};
use crate::model::{ConnectionId, Identity, RoomName};
use crate::server::heartbeat::{Beat, Heartbeat};
use crate::server::session::allowance::Allowance;
use crate::server::{Denied, Now, Settings};
use crate::wire::v2::{ClientMessage, Empty, Encoding, Envelope, Expiring, Goaway, ServerMessage};
use crate::wire::{Close, CloseCode, Refusal};

/// The control plane of a connection that speaks v2.
///
/// **Use.** After every `handle_*`, call [`Session::poll`] until it answers none and do what it says,
/// in order. Call [`Session::handle_timeout`] at [`Session::next_timeout`], after whatever was
/// read until then was handed in. Report bytes of any kind with [`Session::handle_traffic`].
///
/// **Order.** A client's commands take effect in their order, and are answered in their order; only `pong` and
/// `response` go out at once. Commands that others may depend on (`hello`, `refresh`, `join`, `leave`) are decided
/// before another is taken, and no more than [`Figures::in_flight_max`](super::Figures::in_flight_max) wait for their
/// answers: while [`Session::is_waiting`], frames are kept back by the driver. One that comes in nevertheless ends the
/// connection with 1011, because doing it now would break the order.
///
/// **End.** [`Output::Close`] comes at most once and is the last output; everything handed in
/// afterwards is ignored. The rooms it was in are [`Session::rooms`]; an [`Ask::Join`](super::Ask::Join) that was not
/// answered before may still succeed, and the driver undoes it.
#[derive(Debug)]
pub struct Session {
    pub(super) accepted: Accepted,
    pub(super) settings: Arc<Settings>,
    pub(super) stage: Stage,
    /// The `hello` that is not answered yet.
    pub(super) greeting: Option<Box<Greeting>>,
    pub(super) proof: Proof,
    /// What the client calls itself.
    pub(super) producer: Option<Arc<str>>,
    pub(super) heartbeat: Heartbeat,
    pub(super) allowance: Allowance,
    pub(super) rooms: Vec<RoomName>,
    pub(super) answers: Answers,
    pub(super) acks: Acks,
    pub(super) outputs: VecDeque<Output>,
}

/// What is known of a connection when it is accepted.
#[derive(Debug, Clone, Copy)]
pub struct Accepted {
    /// Its name.
    pub connection: ConnectionId,
    /// How it writes its messages.
    pub encoding: Encoding,
    /// The chance in its heartbeat.
    pub seed: u64,
    /// When it is lost, its client comes back within this time.
    pub first_window: Duration,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has not said `hello`; it has until then.
    Stranger { until: Instant },
    /// It has, and its token is being checked.
    Verifying { until: Instant },
    /// Its rooms are being joined.
    Entering,
    /// It was welcomed.
    Open,
    /// It has ended.
    Closed,
}

/// What a token has proved.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// Who is there.
    pub(super) identity: Option<Identity>,
    /// Until when.
    pub(super) expires: Option<Expiry>,
}

/// The end of a token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expiry {
    pub(super) at: Instant,
    /// When the client is told, if it was not.
    pub(super) warn_at: Option<Instant>,
}

impl Session {
    /// The session of a connection that was just accepted.
    pub fn new(now: Now, accepted: Accepted, settings: Arc<Settings>) -> Self {
        Self {
            accepted,
            stage: Stage::Stranger {
                until: now.at + settings.auth_timeout,
            },
            greeting: None,
            proof: Proof::default(),
            producer: None,
            heartbeat: Heartbeat::new(now.at, &settings, accepted.seed),
            settings,
            allowance: Allowance::default(),
            rooms: Vec::new(),
            answers: Answers::default(),
            acks: Acks::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The handshake has proved who is there. The client is welcomed when it has said `hello`.
    pub fn handle_identity(&mut self, now: Now, identity: Identity) {
        if !self.is_closed() {
            self.know(now, identity);
        }
    }

    /// A text message came in.
    pub fn handle_text(&mut self, now: Now, text: &str) {
        match self.accepted.encoding {
            Encoding::Json => self.handle_message(now, text.as_bytes()),
            Encoding::MessagePack => self.end_for(&Refusal::Binary),
        }
    }

    /// A binary message came in.
    pub fn handle_binary(&mut self, now: Now, bytes: &[u8]) {
        match self.accepted.encoding {
            Encoding::Json => self.end_for(&Refusal::Binary),
            Encoding::MessagePack => self.handle_message(now, bytes),
        }
    }

    /// The codec met a message above the limit.
    pub fn handle_too_big(&mut self) {
        let bytes_max = self.settings.v2.message_bytes_max;
        self.end_for(&Refusal::TooBig { bytes_max });
    }

    /// A control frame came in, which the driver has answered.
    pub fn handle_control(&mut self, now: Now) {
        if !self.allowance.control(now, &self.settings) {
            self.end_for(&Refusal::TooManyControls);
        }
    }

    /// The rest of a message that was begun has not come in time.
    pub fn handle_unfinished(&mut self) {
        self.end_for(&Refusal::Unfinished);
    }

    /// Bytes of any kind came in: frames, parts of frames, pings and pongs.
    pub fn handle_traffic(&mut self) {
        self.heartbeat.handle_traffic();
    }

    /// The token of [`Output::Verify`] was checked.
    pub fn handle_verdict(&mut self, now: Now, verdict: Result<Identity, Denied>) {
        if let Stage::Verifying { .. } = self.stage {
            self.greet(now, verdict);
        } else {
            self.refreshed(now, verdict);
        }
        self.answers.drain_into(&mut self.outputs);
    }

    /// What [`Output::Ask`] asked for was done, or was not.
    pub fn handle_reply(&mut self, now: Now, ticket: Ticket, reply: Reply) {
        match self.stage {
            Stage::Stranger { .. } | Stage::Verifying { .. } | Stage::Closed => {}
            Stage::Entering => self.enter_next(now, ticket, reply),
            Stage::Open => self.resume(now, ticket, reply),
        }
        self.answers.drain_into(&mut self.outputs);
    }

    /// What became of [`Output::Call`]. Of one that was canceled, or whose time is over, nobody hears.
    pub fn handle_outcome(&mut self, now: Now, ticket: Ticket, outcome: &Outcome) {
        if let Some(request) = self.answers.calls.take(ticket) {
            self.respond(now, outcome, &request);
        }
    }

    /// The server is about to end the connection: a client that was welcomed is told to open another one. False if it
    /// was not welcomed yet.
    pub fn handle_drain(&mut self, goaway: Goaway<'_>) -> bool {
        let is_open = self.stage == Stage::Open;
        if is_open {
            self.send(ServerMessage::Goaway(goaway));
        }
        is_open
    }

    /// The driver ends the connection for a reason of its own. If the client is to come back, then no sooner than
    /// `after`.
    pub fn handle_end(&mut self, close: Close, after: Option<Duration>) {
        if !self.is_closed() {
            self.close_for(close, after);
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        if let Stage::Stranger { until } | Stage::Verifying { until } = self.stage
            && until <= now.at
        {
            self.end_for(&Refusal::AuthTimeout);
        }
        if let Some(expiry) = &mut self.proof.expires {
            let left = expiry.at.saturating_duration_since(now.at);
            if left.is_zero() {
                self.end_for(&Refusal::TokenExpired);
            } else if expiry.warn_at.take_if(|at| *at <= now.at).is_some() {
                let in_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
                self.warn(in_ms);
            }
        }
        if self.is_closed() {
            return;
        }
        self.lose_patience(now);
        if self.is_closed() {
            return;
        }
        match self.heartbeat.handle_timeout(now.at, &self.settings) {
            Beat::Rest => {}
            Beat::Ping => self.send(ServerMessage::Ping(Empty {})),
            Beat::Dead if self.is_waiting() => self.heartbeat.postpone(now.at, &self.settings),
            Beat::Dead => self.close(Close::new(CloseCode::Timeout)),
        }
    }

    /// The next thing to do. An idle session keeps no buffer for it.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > 0 {
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`Session::handle_timeout`] has something to do; never once closed.
    pub fn next_timeout(&self) -> Option<Instant> {
        let until = match self.stage {
            Stage::Closed => return None,
            Stage::Stranger { until } | Stage::Verifying { until } => Some(until),
            Stage::Entering | Stage::Open => None,
        };
        let expiry = self
            .proof
            .expires
            .map(|expiry| expiry.warn_at.unwrap_or(expiry.at).min(expiry.at));
        let timers = until.into_iter().chain(expiry);
        let timers = timers.chain(self.answers.calls.next_timeout());
        timers.chain([self.heartbeat.next_timeout()]).min()
    }

    /// Whether something has to be decided first: no further frame may be handed in.
    pub fn is_waiting(&self) -> bool {
        match self.stage {
            Stage::Verifying { .. } | Stage::Entering => true,
            Stage::Stranger { .. } | Stage::Closed => false,
            Stage::Open => {
                self.answers.has_barrier()
                    || self.answers.len() >= self.settings.v2.in_flight_max
                    || self.acks.len() >= self.settings.rooms_max
            }
        }
    }

    /// Who is at the other end; none before it is proved.
    pub fn identity(&self) -> Option<&Identity> {
        self.proof.identity.as_ref()
    }

    /// The rooms that the connection is a member of, in the order of the joins.
    pub fn rooms(&self) -> &[RoomName] {
        &self.rooms
    }

    pub(super) fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    fn warn(&mut self, in_ms: u64) {
        if self.stage == Stage::Open {
            self.send(ServerMessage::Expiring(Expiring { in_ms }));
        }
    }

    fn handle_message(&mut self, now: Now, bytes: &[u8]) {
        if self.is_closed() {
            return;
        }
        if self.is_waiting() {
            self.close(Close::new(CloseCode::ServerError));
            return;
        }
        match Envelope::<ClientMessage<'_>>::decode(self.accepted.encoding, bytes) {
            Ok(envelope) => self.obey(now, envelope),
            Err(malformed) => {
                let refusal = Refusal::Faulty(malformed.fault);
                self.refuse(now, &refusal, malformed.request.as_ref());
            }
        }
        self.answers.drain_into(&mut self.outputs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_session_is_small() {
        let bytes = size_of::<Session>();
        assert!(bytes <= 480, "{bytes} bytes");
    }
}
