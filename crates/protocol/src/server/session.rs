//! The control plane of one connection: what comes in, what goes out, and when.

pub(super) mod allowance;
mod commands;
mod replies;
mod subscribing;
mod telling;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use self::allowance::Allowance;
use self::subscribing::{Opening, Subscribing};
use super::heartbeat::{Beat, Heartbeat};
use super::{Denied, Now, Output, Reply, Settings};
use crate::model::{ConnectionId, Identity, RoomName};
use crate::wire::{Close, CloseCode, Refusal, RequestId, v1};

/// The control plane of one connection that speaks v1.
///
/// **Use.** After every `handle_*`, call [`Session::poll`] until it answers none and do what it says,
/// in order. Call [`Session::handle_timeout`] at [`Session::next_timeout`], after whatever was
/// read until then was handed in. Report bytes of any kind with [`Session::handle_traffic`].
///
/// **Order.** A client's commands take effect one after the other: while [`Session::is_waiting`],
/// a token or an ask is being decided, and frames are kept back by the driver. One that comes in
/// nevertheless ends the connection with 1011, because doing it now would break the order.
///
/// **End.** [`Output::Close`] comes at most once and is the last output; everything handed in afterwards
/// is ignored. The rooms it was in are [`Session::rooms`]; an [`Ask::Join`](super::Ask::Join) that was not
/// answered before may still succeed, and the driver undoes it.
#[derive(Debug)]
pub struct Session {
    connection: ConnectionId,
    settings: Arc<Settings>,
    identity: Option<Identity>,
    /// Until someone is authenticated: by when. Then: when the token ends.
    deadline: Option<Instant>,
    heartbeat: Heartbeat,
    allowance: Allowance,
    rooms: Vec<RoomName>,
    pending: Option<Box<Pending>>,
    outputs: VecDeque<Output>,
    is_closed: bool,
}

/// The command that waits for a verdict or a reply.
#[derive(Debug)]
enum Pending {
    Auth {
        request: Option<RequestId>,
    },
    Join {
        room: RoomName,
        request: Option<RequestId>,
    },
    Leave {
        room: RoomName,
        farewell: Farewell,
        request: Option<RequestId>,
    },
    /// `topic` is the one that is being joined.
    Subscribe {
        topic: RoomName,
        subscribing: Subscribing,
    },
    /// `room` is the one whose history is being read.
    Open {
        room: RoomName,
        opening: Opening,
    },
    Publish {
        request: Option<RequestId>,
    },
}

/// In which words a room was left, and its leaving is confirmed.
#[derive(Debug, Clone, Copy)]
enum Farewell {
    Left,
    Unsubscribed,
}

impl Session {
    /// The session of a connection that was just accepted; `seed` is the chance in its heartbeat.
    pub fn new(now: Now, connection: ConnectionId, settings: Arc<Settings>, seed: u64) -> Self {
        Self {
            connection,
            identity: None,
            deadline: Some(now.at + settings.auth_timeout),
            heartbeat: Heartbeat::new(now.at, &settings, seed),
            settings,
            allowance: Allowance::default(),
            rooms: Vec::new(),
            pending: None,
            outputs: VecDeque::new(),
            is_closed: false,
        }
    }

    /// The handshake has proved who is there.
    pub fn handle_identity(&mut self, now: Now, identity: Identity) {
        if !self.is_closed {
            self.welcome(now, identity, None);
        }
    }

    /// A text message came in.
    pub fn handle_text(&mut self, now: Now, text: &str) {
        if self.is_closed {
            return;
        }
        if self.pending.is_some() {
            self.close(Close::new(CloseCode::ServerError));
            return;
        }
        match v1::parse(text) {
            Ok(command) => self.obey(now, command),
            Err(refusal) => self.refuse(now, &refusal, None),
        }
    }

    /// A binary message came in.
    pub fn handle_binary(&mut self, now: Now) {
        if !self.is_closed {
            self.refuse(now, &Refusal::Binary, None);
        }
    }

    /// The codec met a message above the limit.
    pub fn handle_too_big(&mut self, now: Now) {
        if !self.is_closed {
            let bytes_max = self.settings.v1_frame_bytes_max;
            self.refuse(now, &Refusal::TooBig { bytes_max }, None);
        }
    }

    /// A control frame came in, which the driver has answered.
    pub fn handle_control(&mut self, now: Now) {
        if !self.is_closed && !self.allowance.control(now, &self.settings) {
            self.refuse(now, &Refusal::TooManyControls, None);
        }
    }

    /// The rest of a message that was begun has not come in time.
    pub fn handle_unfinished(&mut self, now: Now) {
        if !self.is_closed {
            self.refuse(now, &Refusal::Unfinished, None);
        }
    }

    /// Bytes of any kind came in: frames, parts of frames, pings and pongs.
    pub fn handle_traffic(&mut self, _now: Now) {
        self.heartbeat.handle_traffic();
    }

    /// The token of [`Output::Verify`] was checked.
    pub fn handle_verdict(&mut self, now: Now, verdict: Result<Identity, Denied>) {
        let Some(Pending::Auth { request }) = self.pending.as_deref_mut() else {
            return;
        };
        let request = request.take();
        self.pending = None;
        match verdict {
            Err(denied) => self.refuse(now, &why(denied), request.as_ref()),
            Ok(identity) if self.is_someone_else(&identity) => {
                self.refuse(now, &Refusal::OtherUser, request.as_ref());
            }
            Ok(identity) => self.welcome(now, identity, request.as_ref()),
        }
    }

    /// What [`Output::Ask`] asked for was done, or was not.
    pub fn handle_reply(&mut self, now: Now, reply: Reply) {
        let is_ask = |pending: &mut Box<Pending>| !matches!(**pending, Pending::Auth { .. });
        if let Some(pending) = self.pending.take_if(is_ask) {
            self.resume(now, *pending, reply);
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.is_closed {
            return;
        }
        if self.deadline.is_some_and(|deadline| deadline <= now.at) {
            let refusal = match self.identity {
                None => Refusal::AuthTimeout,
                Some(_) => Refusal::TokenExpired,
            };
            self.refuse(now, &refusal, None);
            return;
        }
        match self.heartbeat.handle_timeout(now.at, &self.settings) {
            Beat::Rest => {}
            Beat::Ping => self.outputs.push_back(Output::Ping),
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
        let beat = self.heartbeat.next_timeout();
        (!self.is_closed).then(|| self.deadline.map_or(beat, |deadline| deadline.min(beat)))
    }

    /// Whether a command waits for a verdict or a reply: no further frame may be handed in.
    pub fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// Who is at the other end; none before authentication.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The rooms that the connection is a member of, in the order of the joins.
    pub fn rooms(&self) -> &[RoomName] {
        &self.rooms
    }
}

pub(super) fn why(denied: Denied) -> Refusal {
    match denied {
        Denied::Wrong => Refusal::WrongToken,
        Denied::Expired => Refusal::TokenExpired,
        Denied::TooMany { connections_max } => Refusal::TooManyConnections { connections_max },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_session_is_small() {
        let bytes = size_of::<Session>();
        assert!(bytes <= 320, "{bytes} bytes");
    }
}
