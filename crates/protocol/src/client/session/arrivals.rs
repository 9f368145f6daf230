//! What the server says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use crate::client::line::{Attempt, Greeted, Live, Step};
use crate::client::room::{Hole, Room, Stage as Membership};
use crate::client::terms::Terms;
use crate::client::{
    Acknowledged, Answer, CallError, Ending, EndingKind, Line, Output, PresenceEvent, RoomEvent,
    RoomStatus, Ticket,
};
use crate::model::{Member, Position, RoomName};
use crate::wire::v2::{
    ClientMessage, Empty, Envelope, Failure, Goaway, Joined, Mistake, Published, Restored,
    ServerMessage, Welcome,
};
use crate::wire::{ErrorCode, RequestId, v2};

/// A room that could not be joined for the moment is asked for again after this, twice that, and so on.
const REJOIN_PAUSE: Duration = Duration::from_secs(1);
/// But after this at the latest.
const REJOIN_PAUSE_MAX: Duration = Duration::from_secs(30);

impl Session {
    /// Something came in that is no message: a pong, or part of a frame.
    pub fn handle_traffic(&mut self, now: Instant, line: Line) {
        if let Some(live) = self.live_on(line) {
            live.heard_at = now;
            live.probed_until = None;
        }
    }

    /// A message came in.
    pub fn handle_message(&mut self, now: Instant, line: Line, bytes: &[u8]) {
        self.handle_traffic(now, line);
        let is_live = self.live_on(line).is_some();
        if !is_live && self.attempt_on(line).is_none() {
            return;
        }
        let decoded = Envelope::<ServerMessage<'_>>::decode(self.settings.encoding, bytes);
        match decoded {
            Ok(envelope) if is_live => self.hear(now, envelope),
            Ok(envelope) => self.hear_while_greeting(now, line, envelope.message),
            // A later server may say more than this client knows.
            Err(malformed) if malformed.fault.mistake == Mistake::UnknownType => {}
            Err(malformed) => {
                let why = format!("what the server said is no message: {}", malformed.fault);
                self.give_up(now, line, nonsense(why));
            }
        }
        self.go_on(now);
    }

    /// Before its `welcome` a client hears nothing but a `ping` or a `bye`.
    fn hear_while_greeting(&mut self, now: Instant, line: Line, message: ServerMessage<'_>) {
        if let ServerMessage::Welcome(welcome) = message {
            self.enter(now, &welcome);
        } else if let ServerMessage::Ping(_) = message {
            let pong = Envelope::from(ClientMessage::Pong(Empty {}));
            let message = pong.encode(self.settings.encoding);
            self.outputs.push_back(Output::Send { line, message });
        } else if let (ServerMessage::Bye(bye), Some(attempt)) = (message, self.attempt_on(line)) {
            attempt.bye = Some(bye);
        } else {
            let why = "the server did not begin with welcome";
            self.give_up(now, line, nonsense(why));
        }
    }

    /// The server lets the client in: the session lives on this connection from now on.
    fn enter(&mut self, now: Instant, welcome: &Welcome<'_>) {
        let is_greeting = |attempt: &mut Attempt| attempt.step == Step::Greeting;
        let Some(attempt) = self.lines.attempt.take_if(is_greeting) else {
            return;
        };
        if let Some(old) = self.lines.live.take() {
            self.outputs.push_back(Output::Close {
                line: old.line,
                code: 1000,
                reason: "moved to another connection",
            });
            self.casts.clear();
            let settled = self.publications.lose(false).into_iter();
            self.outputs
                .extend(settled.map(|(ticket, result)| Output::Published(ticket, result)));
            let settled = self.calls.lose().into_iter();
            self.outputs
                .extend(settled.map(|(ticket, result)| Output::Answered(ticket, result)));
        }
        let lost = self.rooms.lose();
        self.lines.live = Some(Live::new(attempt.line, now));
        self.lines.user = Some((welcome.connection, welcome.user.to_arc()));
        self.lines.retry_at = None;
        self.lines.report = None;
        self.terms = Terms::of(welcome);
        let ttl = welcome.token_ttl_ms.map(Duration::from_millis);
        self.credentials.accept(now, ttl, &mut self.chance);
        self.tell_state();
        let is_whole = welcome.rooms.len() == attempt.greeted.len();
        if is_whole {
            for (greeted, restored) in attempt.greeted.into_iter().zip(&welcome.rooms) {
                self.restore(now, greeted, restored);
            }
        }
        for room in lost {
            let is_out = |room: &mut Room| matches!(room.stage, Membership::Wanted { .. });
            if self.rooms.get_mut(&room).is_some_and(is_out) {
                self.tell(room, RoomEvent::Status(RoomStatus::Joining));
            }
        }
        if !is_whole {
            let why = "the welcome is to other rooms than were asked for";
            self.give_up(now, attempt.line, nonsense(why));
        }
    }

    /// What became of a room of `hello`.
    fn restore(&mut self, now: Instant, greeted: Greeted, restored: &Restored<'_>) {
        let room = self.rooms.get_mut(&greeted.room);
        let room = room.filter(|room| room.stage != Membership::Denied);
        let is_there = room.is_some();
        let wanted = room.filter(|room| room.number == greeted.number);
        match (restored, wanted) {
            // It is left as it is, and asked for again from where it stands now.
            (Restored::Joined(joined), Some(room)) if room.is_elsewhere(greeted.since, joined) => {}
            (Restored::Joined(joined), Some(_)) => self.joined(now, joined),
            // It was left meanwhile. If it was joined again since, that join begins anew.
            (Restored::Joined(_), None) if is_there => {}
            (Restored::Joined(_), None) => self.rooms.leave_at_server(greeted.room),
            (Restored::Error(failure), Some(_)) => self.not_joined(now, &greeted.room, failure),
            (Restored::Error(_), None) => {}
        }
    }

    fn hear(&mut self, now: Instant, Envelope { message, request }: Envelope<ServerMessage<'_>>) {
        let ticket = request.as_ref().and_then(RequestId::to_number).map(Ticket);
        match message {
            ServerMessage::Message(message) => {
                self.follow_room(now, &message.room, |room, tell| {
                    room.handle_message(&message, tell)
                });
            }
            ServerMessage::Gap(gap) => {
                self.follow_room(now, &gap.room, |room, tell| room.handle_gap(&gap, tell));
            }
            ServerMessage::Joined(joined) => {
                let is_answer = self
                    .rooms
                    .get_mut(&joined.room)
                    .is_some_and(|room| Some(room.stage) == ticket.map(Membership::Asked));
                if is_answer {
                    self.joined(now, &joined);
                }
            }
            ServerMessage::Published(published) => self.published(ticket, &published),
            ServerMessage::Error(failure) => self.failed(now, ticket, &failure),
            ServerMessage::Removed(removed) => self.removed(&removed),
            ServerMessage::Goaway(goaway) => self.goes_away(now, &goaway),
            ServerMessage::Bye(bye) => {
                if let Some(live) = &mut self.lines.live {
                    live.bye = Some(bye);
                }
            }
            ServerMessage::Ping(_) => self.say(&ClientMessage::Pong(Empty {}).into()),
            ServerMessage::Expiring(_) => self.credentials.warn(now),
            ServerMessage::Refreshed(refreshed) => {
                let ttl = refreshed.token_ttl_ms.map(Duration::from_millis);
                self.credentials.accept(now, ttl, &mut self.chance);
            }
            ServerMessage::History(history) => {
                self.answered(ticket, || Answer::History((&history).into()));
            }
            ServerMessage::Members(members) => {
                self.answered(ticket, || Answer::Members(all(&members.members)));
            }
            ServerMessage::PresenceSet(_) => self.answered(ticket, || Answer::PresenceSet),
            ServerMessage::Response(response) => {
                self.answered(ticket, || Answer::Response(response.data.to_bytes()));
            }
            ServerMessage::Cast(cast) => {
                self.tell_member(&cast.room, RoomEvent::Cast((&cast).into()));
            }
            ServerMessage::MemberJoined(change) => {
                let joined = PresenceEvent::Joined((&change.member).into());
                self.tell_member(&change.room, RoomEvent::Presence(joined));
            }
            ServerMessage::MemberLeft(change) => {
                let left = PresenceEvent::Left((&change.member).into());
                self.tell_member(&change.room, RoomEvent::Presence(left));
            }
            ServerMessage::MemberChanged(change) => {
                let (member, was) = ((&change.member).into(), change.was);
                let changed = PresenceEvent::Changed { member, was };
                self.tell_member(&change.room, RoomEvent::Presence(changed));
            }
            ServerMessage::MemberCount(count) => {
                let counted = PresenceEvent::Count(count.count);
                self.tell_member(&count.room, RoomEvent::Presence(counted));
            }
            ServerMessage::Left(_) | ServerMessage::Pong(_) | ServerMessage::Welcome(_) => {}
        }
    }

    /// Has a room take something in, and tells what comes of it.
    fn follow_room(
        &mut self,
        now: Instant,
        name: &RoomName,
        take: impl FnOnce(&mut Room, &mut dyn FnMut(RoomEvent)) -> Result<(), Hole>,
    ) {
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        if room.stage != Membership::Joined {
            return;
        }
        let outputs = &mut self.outputs;
        let mut tell = |event| outputs.push_back(Output::Room(name.clone(), event));
        if take(room, &mut tell).is_err() {
            // What was skipped is asked for, from where this client stands.
            let pause = rejoin_pause(room).unwrap_or_default();
            room.stage = Membership::Wanted {
                not_before: Some(now + pause),
            };
        }
    }

    fn joined(&mut self, now: Instant, joined: &Joined<'_>) {
        if let Some(room) = self.rooms.get_mut(&joined.room) {
            room.stage = Membership::Joined;
        }
        self.follow_room(now, &joined.room, |room, tell| {
            room.handle_joined(joined, tell)
        });
        if let Some(members) = &joined.members {
            let present = PresenceEvent::Members(all(members));
            self.tell_member(&joined.room, RoomEvent::Presence(present));
        }
    }

    fn not_joined(&mut self, now: Instant, name: &RoomName, failure: &Failure<'_>) {
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        if failure.retryable {
            let pause = rejoin_pause(room).unwrap_or(REJOIN_PAUSE);
            let hint = failure.retry_after_ms.map(Duration::from_millis);
            let pause = self
                .chance
                .between(pause / 2, pause)
                .max(hint.unwrap_or_default());
            room.stage = Membership::Wanted {
                not_before: Some(now + pause),
            };
            return;
        }
        room.stage = Membership::Denied;
        let denied = RoomStatus::Denied {
            code: failure.code,
            message: failure.message.as_str().to_owned(),
        };
        self.tell(name.clone(), RoomEvent::Status(denied));
    }

    fn removed(&mut self, removed: &v2::Removed<'_>) {
        if let Some(room) = self.rooms.get_mut(&removed.room) {
            room.stage = Membership::Denied;
            let denied = RoomStatus::Denied {
                code: removed.code,
                message: removed.message.as_str().to_owned(),
            };
            self.tell(removed.room.clone(), RoomEvent::Status(denied));
        }
    }

    fn published(&mut self, ticket: Option<Ticket>, published: &Published) {
        let Some(ticket) = ticket else {
            return;
        };
        if self.publications.settle(ticket) {
            let acknowledged = Acknowledged {
                position: Position {
                    epoch: published.epoch,
                    offset: published.offset,
                    id: published.id,
                },
                duplicate: published.duplicate,
                level: published.level,
            };
            self.outputs
                .push_back(Output::Published(ticket, Ok(acknowledged)));
        }
    }

    /// Something was not done.
    fn failed(&mut self, now: Instant, ticket: Option<Ticket>, failure: &Failure<'_>) {
        let Some(ticket) = ticket else {
            return;
        };
        if let Some(room) = self.rooms.asked_with(ticket) {
            self.not_joined(now, &room, failure);
            return;
        }
        if let Some((room, state, before)) = self.calls.shown(ticket) {
            self.rooms.unshow(&room, &state, before);
        }
        if self.calls.take(ticket).is_some() {
            let failed = Err(CallError::from(failure));
            self.outputs.push_back(Output::Answered(ticket, failed));
            return;
        }
        let wait = failure
            .retry_after_ms
            .map_or(REJOIN_PAUSE, Duration::from_millis);
        if failure.code == ErrorCode::RateLimited && self.publications.defer(ticket, now + wait) {
            return;
        }
        if let Some(error) = self.publications.refuse(ticket, failure) {
            self.outputs
                .push_back(Output::Published(ticket, Err(error)));
            return;
        }
        self.credentials.refuse_refresh(now, ticket);
    }

    fn goes_away(&mut self, now: Instant, goaway: &Goaway<'_>) {
        let window = Duration::from_millis(goaway.window_ms);
        let wait = self.chance.between(Duration::ZERO, window);
        self.lines.url = goaway.url.as_ref().map(|url| url.as_str().into());
        if let Some(live) = &mut self.lines.live {
            live.move_at = Some(now + wait);
        }
    }

    fn answered(&mut self, ticket: Option<Ticket>, answer: impl FnOnce() -> Answer) {
        if let Some(ticket) = ticket
            && self.calls.take(ticket).is_some()
        {
            self.outputs
                .push_back(Output::Answered(ticket, Ok(answer())));
        }
    }

    /// Tells of something that has no place in the room's order.
    fn tell_member(&mut self, name: &RoomName, event: RoomEvent) {
        let is_member = |room: &mut Room| room.stage == Membership::Joined;
        if self.rooms.get_mut(name).is_some_and(is_member) {
            self.tell(name.clone(), event);
        }
    }
}

/// What the server said makes no sense.
fn nonsense(why: impl Into<Arc<str>>) -> Ending {
    Ending {
        kind: EndingKind::Nonsense,
        code: 1002,
        reason: why.into(),
    }
}

/// How long a room is left alone after one more failure in a row; none after the first.
fn rejoin_pause(room: &mut Room) -> Option<Duration> {
    let doublings = room.fail().checked_sub(1)?;
    let doubled = 2_u32.saturating_pow(doublings);
    Some(REJOIN_PAUSE.saturating_mul(doubled).min(REJOIN_PAUSE_MAX))
}

fn all(members: &[v2::Member<'_>]) -> Vec<Member> {
    members.iter().map(Member::from).collect()
}
