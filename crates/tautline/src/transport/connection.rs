//! The driver of one connection: reads, feeds the session, does what it says, and ends once.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use tautline_hub::{Closing, Manner, OnGap, Parting, Traffic, Variant};
use tautline_protocol::model::{ConnectionId, Identity, Member, RoomName, Timestamp};
use tautline_protocol::server::{Denied, Now};
use tautline_protocol::wire::{CloseCode, Token, Version};
use tautline_websocket::{Decoder, Deflate, Event, Input, Violation, frame};
use tokio::io::ReadBuf;

use super::dialogue::{Dialogue, Wish};
use super::socket::Socket;
use super::{Stay, Worker};
use crate::ending::{By, Ending, How, Times, is_final};
use crate::lifecycle::{Lifecycle, Party};

/// A future that is done when the connection has ended.
///
/// It is polled by hand, so that between two messages an idle connection is this struct and nothing
/// else: no buffer, no timer, no stack of suspended functions.
pub(super) struct Connection {
    worker: Rc<Worker>,
    id: ConnectionId,
    variant: Variant,
    socket: Socket,
    decoder: Decoder,
    /// Nothing is read while it is busy.
    session: Dialogue,
    /// What was read already behind the frame that made it busy.
    unread: Vec<u8>,
    /// The earliest timer that is set.
    timer: Option<Instant>,
    signs: Signs,
    last: Option<Box<LastWords>>,
    /// Given back when the end is told; there is one end.
    stay: Option<Stay>,
}

/// When signs of life were asked for and given, and one that is not complete.
struct Signs {
    pinged: Option<Instant>,
    ponged: Option<Instant>,
    /// When the message was begun that is not finished.
    begun: Option<Instant>,
}

impl Signs {
    /// Whether a ping of ours is not answered yet. A pong that nobody waits for is one frame too many.
    fn is_awaited(&self) -> bool {
        self.pinged > self.ponged
    }
}

/// The connection ends: the close frame is on its way, and what the peer still sends is not looked at.
struct LastWords {
    ending: Ending,
    /// The peer has until then.
    until: Instant,
    /// Whether everything is written and our side of the stream is finished.
    finished: bool,
}

impl Connection {
    pub(super) fn new(
        worker: Rc<Worker>,
        socket: Socket,
        ((version, first_window), deflate): ((Version, Duration), Option<Deflate>),
        stay: Stay,
    ) -> Self {
        let variant = worker.variant(version, deflate);
        let on_gap = match version {
            Version::V1 => OnGap::Close,
            Version::V2(_) => OnGap::Tell,
        };
        let manner = Manner { variant, on_gap };
        let id = worker.shard.attach(socket.sink(), manner);
        let now = now();
        let session = Dialogue::new(now, id, (version, first_window), &worker);
        let decoder = worker.decoder(version, deflate);
        let signs = Signs {
            pinged: None,
            ponged: None,
            begun: None,
        };
        Self {
            worker,
            id,
            variant,
            socket,
            decoder,
            session,
            unread: Vec::new(),
            timer: None,
            signs,
            last: None,
            stay: Some(stay),
        }
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    /// Begins with what the handshake proved, and what came behind it.
    pub(super) fn begin(&mut self, identity: Option<Identity>, early: &Bytes) {
        if let Some(identity) = identity {
            self.session.handle_identity(now(), identity);
            self.note_identity();
        }
        self.unread = early.to_vec();
    }

    fn poll_once(&mut self, context: &mut Context<'_>) -> Poll<Ending> {
        let now = now();
        self.carry_out(now, context);
        self.resume(now, context);
        loop {
            let wake = self.worker.shard.poll_wake(self.id, context);
            if let Some(closing) = wake.closing {
                self.end_for(closing, now);
            }
            if wake.due {
                self.timer = None;
                self.lose_patience(wake.stalled, now);
                self.session.handle_timeout(now);
                self.carry_out(now, context);
            }
            if let Some(leaving) = self.worker.leaving.get() {
                self.session.handle_leaving(now, leaving);
                self.carry_out(now, context);
            }
            if wake.blocked && self.socket.is_writable(context) {
                self.worker.shard.writable(self.id);
                continue;
            }
            if self.last.is_some() {
                return self.poll_last(now, context);
            }
            self.set_timer(wake.stalled);
            if self.session.poll_asked(now, context) {
                self.carry_out(now, context);
                self.resume(now, context);
                continue;
            }
            if self.session.is_busy() {
                return Poll::Pending;
            }
            if ready!(self.poll_read(now, context)) == Read::Full {
                // More is there; others of the shard get their turn first.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Reads once into the shard's scratch buffer, and feeds the session.
    fn poll_read(&mut self, now: Now, context: &mut Context<'_>) -> Poll<Read> {
        let worker = Rc::clone(&self.worker);
        let mut scratch = worker.scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut scratch);
        match ready!(self.socket.poll_read(context, &mut buffer)) {
            Ok(()) if buffer.filled().is_empty() => {
                let how = if self.socket.is_closed_by_notice() {
                    How::CloseNotify
                } else {
                    How::Fin
                };
                self.end(now, By::Client, how, None);
            }
            Ok(()) => {
                let is_full = buffer.remaining() == 0;
                worker.shard.heard_from(self.id, now.at);
                self.session.handle_traffic(now);
                self.decode(buffer.filled_mut(), now, context);
                return Poll::Ready(if is_full { Read::Full } else { Read::Part });
            }
            Err(_) => self.end(now, By::Network, How::Reset, None),
        }
        Poll::Ready(Read::Part)
    }

    /// Goes on with what was read behind a frame whose command is answered now.
    fn resume(&mut self, now: Now, context: &mut Context<'_>) {
        if !self.session.is_busy() && !self.unread.is_empty() {
            let mut unread = std::mem::take(&mut self.unread);
            self.decode(&mut unread, now, context);
        }
    }

    /// Feeds the session frame by frame, until it waits for an answer.
    fn decode(&mut self, bytes: &mut [u8], now: Now, context: &mut Context<'_>) {
        let worker = Rc::clone(&self.worker);
        let mut inflater = worker.inflater.borrow_mut();
        let mut input = Input::new(bytes);
        while self.last.is_none() {
            if self.session.is_busy() {
                self.unread = input.rest().to_vec();
                return;
            }
            match self.decoder.next(&mut input, &mut inflater) {
                Ok(None) => {
                    let begun = self.decoder.is_partial();
                    self.signs.begun = begun.then(|| self.signs.begun.unwrap_or(now.at));
                    return;
                }
                Ok(Some(Event::Text(text))) => {
                    self.signs.begun = None;
                    self.session.handle_text(now, text);
                }
                Ok(Some(Event::Binary(bytes))) => {
                    self.signs.begun = None;
                    self.session.handle_binary(now, bytes);
                }
                Ok(Some(Event::Ping(payload))) => {
                    worker.shard.send(self.id, frame::pong(payload));
                    self.session.handle_control(now);
                }
                Ok(Some(Event::Pong(_))) if self.signs.is_awaited() => {
                    self.signs.ponged = Some(now.at);
                }
                Ok(Some(Event::Pong(_))) => self.session.handle_control(now),
                Ok(Some(Event::Close { code, reason })) => {
                    let reason = reason.to_owned();
                    self.end(
                        now,
                        By::Client,
                        How::CloseFrame,
                        Some((code, reason.into())),
                    );
                }
                Err(Violation::FrameTooBig | Violation::MessageTooBig) => {
                    self.session.handle_too_big(now);
                }
                Err(violation) => {
                    let reason = Cow::Borrowed(violation.reason());
                    self.end(
                        now,
                        By::Server,
                        How::CloseFrame,
                        Some((Some(violation.close_code()), reason)),
                    );
                }
            }
            self.carry_out(now, context);
        }
    }

    /// Does what the session says.
    fn carry_out(&mut self, now: Now, context: &mut Context<'_>) {
        while self.last.is_none() {
            let Some(output) = self.session.poll() else {
                return;
            };
            match output {
                Wish::Send(text) => {
                    self.worker
                        .shard
                        .send(self.id, self.worker.encoder.frame(self.variant, &text));
                }
                Wish::SendHistory(text) => {
                    let frame = self.worker.encoder.frame(self.variant, &text);
                    self.worker.shard.send_history(self.id, frame);
                }
                Wish::Ping => {
                    self.signs.pinged = Some(now.at);
                    self.worker.shard.send(self.id, frame::ping([]));
                }
                Wish::Verify(token) => {
                    let verdict = self.verify(&token, now);
                    let is_proved = verdict.is_ok();
                    self.session.handle_verdict(now, verdict);
                    if is_proved {
                        self.note_identity();
                    }
                }
                Wish::Ask(wanted) => {
                    let asked = (now, self.id);
                    self.session.ask(asked, wanted, &self.worker, context);
                }
                Wish::Refused(refusal) => {
                    let denied = Lifecycle::Denied(self.party(), &refusal);
                    self.worker.observe(&denied);
                }
                Wish::Follow(room, state) => {
                    let member = self.member(&room);
                    let member = member.map(|member| Member { state, ..member });
                    let manner = (member, self.worker.slow_consumers(&room));
                    self.worker.shard.follow(self.id, &room, manner);
                }
                Wish::Close(close) => {
                    let code = Some(close.code.number());
                    self.end(now, By::Server, How::CloseFrame, Some((code, close.reason)));
                }
            }
        }
    }

    /// Whom the token proves, and whether one more connection of theirs is welcome.
    fn verify(&mut self, token: &Token, now: Now) -> Result<Identity, Denied> {
        let shared = &self.worker.shared;
        let current = self.session.identity();
        let verdict = self.worker.verify(token, current);
        let is_first = current.is_none();
        let Some(stay) = &mut self.stay else {
            return verdict;
        };
        match &verdict {
            Ok(identity) if is_first => stay.take_user_place(&shared.counts, identity)?,
            Err(Denied::Wrong) => stay.note_failure(now.at),
            Ok(_) | Err(_) => {}
        }
        verdict
    }

    fn note_identity(&self) {
        if let Some(identity) = self.session.identity() {
            self.worker
                .shard
                .identify(self.id, Arc::clone(&identity.user));
            self.worker.observe(&Lifecycle::Authenticated(self.party()));
        }
    }

    fn party(&self) -> Party<'_> {
        let identity = self.session.identity();
        Party {
            connection: self.id,
            user: identity.map(|identity| &identity.user),
        }
    }

    /// What is announced in a room with presence.
    fn member(&self, room: &RoomName) -> Option<Member> {
        let identity = self.session.identity()?;
        let rule = self.worker.shared.session.rules.of(room)?;
        rule.presence.then(|| Member {
            connection: self.id,
            user: Arc::clone(&identity.user),
            name: Arc::clone(&identity.name),
            state: None,
        })
    }

    fn set_timer(&mut self, stalled: Option<Instant>) {
        let transport = &self.worker.shared.transport;
        let unfinished = self.signs.begun.map(|at| at + transport.message_timeout);
        let stalled = stalled.map(|at| at + transport.stall_timeout);
        let session = self.session.next_timeout();
        let Some(next) = session.into_iter().chain(unfinished).chain(stalled).min() else {
            return;
        };
        if self.timer.is_none_or(|timer| next < timer) {
            self.timer = Some(next);
            self.worker.shard.wake_at(self.id, next);
        }
    }

    /// Ends with a peer that does not finish what it began, or takes nothing of what waits for it.
    fn lose_patience(&mut self, stalled: Option<Instant>, now: Now) {
        let transport = &self.worker.shared.transport;
        if self
            .signs
            .begun
            .is_some_and(|at| at + transport.message_timeout <= now.at)
        {
            self.session.handle_unfinished(now);
        }
        if stalled.is_some_and(|at| at + transport.stall_timeout <= now.at) {
            self.worker.shard.close(self.id, Closing::SlowConsumer);
        }
    }

    /// The shard wants the connection to end.
    fn end_for(&mut self, closing: Closing, now: Now) {
        let (code, reason) = match closing {
            Closing::SlowConsumer => (CloseCode::TryAgainLater, "slow consumer"),
            Closing::Memory => (
                CloseCode::TryAgainLater,
                "the server is short of memory: connect again later",
            ),
            Closing::Gap => (
                CloseCode::TryAgainLater,
                "messages were missed: connect again",
            ),
            Closing::Drain => (
                CloseCode::GoingAway,
                "the server is going away: connect again",
            ),
            Closing::Disconnect => (CloseCode::Disconnected, "disconnected by the application"),
            Closing::Broken(_) => return self.end(now, By::Network, How::Reset, None),
        };
        self.end(
            now,
            By::Server,
            How::CloseFrame,
            Some((Some(code.number()), reason.into())),
        );
    }

    /// Ends the connection: leaves its rooms, says the last word, and waits for the peer a while.
    fn end(&mut self, now: Now, by: By, how: How, said: Option<(Option<u16>, Cow<'static, str>)>) {
        if self.last.is_some() {
            return;
        }
        let shard = &self.worker.shard;
        let (code, reason) = said.unwrap_or_default();
        let parting = if is_final(by, how, code) {
            Parting::Told
        } else {
            Parting::Lost
        };
        for room in self.session.rooms() {
            let member = self.member(room);
            let parting = member.map_or(Parting::Silent, |_| parting);
            shard.leave(self.id, room, parting);
        }
        if how == How::CloseFrame {
            // A close frame is answered with its code.
            let answer = if by == By::Client { "" } else { &*reason };
            let code = code.unwrap_or_else(|| CloseCode::Normal.number());
            let mut last = BytesMut::new();
            // Who has found no other place by now comes back to this one.
            let left = self
                .worker
                .leaving
                .get()
                .map(|leaving| leaving.left(now.at));
            if by == By::Server
                && let Some(word) = self.session.take_last_word(code, left)
            {
                last.extend_from_slice(&self.worker.encoder.frame(self.variant, &word));
            }
            last.extend_from_slice(&frame::close(code, answer));
            shard.send_last(self.id, last.freeze());
            shard.writable(self.id);
        }
        let ending = self.ending(now, (by, how), (code, reason));
        let patience = if how == How::CloseFrame {
            self.worker.shared.transport.close_timeout
        } else {
            Duration::ZERO
        };
        let until = now.at + patience;
        shard.wake_at(self.id, until);
        self.session.forget_asked();
        self.unread = Vec::new();
        self.last = Some(Box::new(LastWords {
            ending,
            until,
            finished: false,
        }));
    }

    fn ending(
        &self,
        now: Now,
        (by, how): (By, How),
        (code, reason): (Option<u16>, Cow<'static, str>),
    ) -> Ending {
        let since = |then: Instant| now.at.saturating_duration_since(then);
        let seen = self.worker.shard.seen(self.id);
        let identity = self.session.identity();
        let left = |expires: Timestamp| Duration::from_millis(expires.0.saturating_sub(now.wall.0));
        Ending {
            connection: self.id,
            user: identity.map(|identity| Arc::clone(&identity.user)),
            by,
            how,
            code,
            reason,
            times: Times {
                age: seen.map_or(Duration::ZERO, |seen| since(seen.opened)),
                since_read: seen.map_or(Duration::ZERO, |seen| since(seen.read_at)),
                since_write: None,
                since_ping: self.signs.pinged.map(since),
                since_pong: self.signs.ponged.map(since),
            },
            rooms: self.session.rooms().len(),
            traffic: Traffic::default(),
            token_left: identity.and_then(|identity| identity.expires_at).map(left),
            draining: !self.worker.is_ready(),
        }
    }

    /// Leaves the shard, and tells how it ended.
    fn tell(&mut self, mut ending: Ending) {
        ending.traffic = self.worker.shard.detach(self.id);
        let since = |at: Instant| now().at.saturating_duration_since(at);
        ending.times.since_write = ending.traffic.written_at.map(since);
        self.stay = None;
        self.worker.observe(&Lifecycle::Ended(&ending));
    }

    /// Waits until the last word is written, and the peer has finished too or has had its time.
    fn poll_last(&mut self, now: Now, context: &mut Context<'_>) -> Poll<Ending> {
        let Some(last) = &mut self.last else {
            return Poll::Pending;
        };
        if !last.finished && self.worker.shard.queued(self.id) == 0 {
            last.finished = self.socket.poll_finish(context).is_ready();
        }
        // Closing a socket with unread bytes would reset it, and the close frame could be lost.
        let mut scratch = self.worker.scratch.borrow_mut();
        let mut has_time = now.at < last.until;
        while has_time {
            let mut unseen = ReadBuf::new(&mut scratch);
            let read = ready!(self.socket.poll_read(context, &mut unseen));
            has_time = read.is_ok() && !unseen.filled().is_empty();
        }
        drop(scratch);
        self.last
            .take()
            .map_or(Poll::Pending, |last| Poll::Ready(last.ending))
    }
}

/// How much of the scratch buffer a read took.
#[derive(PartialEq, Eq)]
enum Read {
    Part,
    Full,
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let ending = ready!(self.poll_once(context));
        self.tell(ending);
        Poll::Ready(())
    }
}

/// A connection that is dropped while it lives ends with the server, or by a bug, and that is told too.
impl Drop for Connection {
    fn drop(&mut self) {
        if self.stay.is_some() {
            let last = self.last.take();
            let cut = || {
                let reason = if std::thread::panicking() {
                    "a bug ended it"
                } else {
                    "the server ended"
                };
                self.ending(now(), (By::Server, How::Reset), (None, reason.into()))
            };
            let ending = last.map_or_else(cut, |last| last.ending);
            self.tell(ending);
        }
    }
}

/// The present. The session is told the time; this is where it is read.
pub(super) fn now() -> Now {
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        at: Instant::now(),
        wall: Timestamp(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        let bytes = size_of::<Connection>();
        assert!(bytes <= 640, "{bytes} bytes");
    }
}
