//! What the application wants.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Session, Stage, requested};
use crate::client::casts::Outgoing;
use crate::client::{
    CallError, Draft, JoinError, Joining, Output, PublishError, Question, RoomEvent, RoomStatus,
    Ticket,
};
use crate::model::{EventName, Position, RoomName};
use crate::wire::v2::Data;

impl Session {
    /// Opens a connection, now and whenever there is none. Also after the client was closed.
    pub fn connect(&mut self, now: Instant) {
        if !self.is_running() {
            self.stage = Stage::Open;
            self.lines.failures = 0;
            self.lines.strikes = 0;
            self.lines.ending = None;
            self.try_to_connect(now);
        }
        self.go_on(now);
    }

    /// Ends everything at once.
    pub fn close(&mut self, now: Instant) {
        self.end(requested());
        self.go_on(now);
    }

    /// Ends everything when all publications are settled, after `patience` at the latest. Nothing more is taken in.
    pub fn drain(&mut self, now: Instant, patience: Duration) {
        match self.stage {
            Stage::Open => {
                self.stage = Stage::Draining {
                    until: now + patience,
                };
            }
            Stage::Idle => self.end(requested()),
            Stage::Draining { .. } | Stage::Closed(_) => {}
        }
        self.go_on(now);
    }

    /// Makes the next attempt at once, if one waits.
    pub fn retry_now(&mut self, now: Instant) {
        self.hurry(now);
        self.go_on(now);
    }

    /// Whether a room can be joined.
    pub fn may_join(&self, room: &RoomName) -> Result<(), JoinError> {
        match self.stage {
            Stage::Closed(_) | Stage::Draining { .. } => Err(JoinError::Closed),
            Stage::Idle | Stage::Open if self.rooms.contains(room) => Err(JoinError::Joined),
            Stage::Idle | Stage::Open => Ok(()),
        }
    }

    /// Becomes a member of a room, and stays one until it leaves or is refused.
    pub fn join(
        &mut self,
        now: Instant,
        room: RoomName,
        joining: Joining,
    ) -> Result<(), JoinError> {
        self.may_join(&room)?;
        let number = self.next_number();
        self.rooms.join(number, room.clone(), joining)?;
        self.tell(room, RoomEvent::Status(RoomStatus::Joining));
        self.go_on(now);
        Ok(())
    }

    /// Is no member any more. Nothing of the room is told after this.
    pub fn leave(&mut self, now: Instant, room: &RoomName) {
        if let Some(may_be_in) = self.rooms.leave(room) {
            self.tell(room.clone(), RoomEvent::Status(RoomStatus::Left));
            if may_be_in && self.lines.live.is_some() {
                self.rooms.leave_at_server(room.clone());
            }
        }
        self.go_on(now);
    }

    /// Publishes. What becomes of it is told by [`Output::Published`].
    pub fn publish(&mut self, now: Instant, draft: Draft) -> Result<Ticket, PublishError> {
        if matches!(self.stage, Stage::Closed(_) | Stage::Draining { .. }) {
            return Err(PublishError::NotSent("the client is closed"));
        }
        let ticket = self.next_number();
        let producer = Arc::clone(&self.settings.producer);
        self.publications.push(now, ticket, draft, &producer)?;
        self.go_on(now);
        Ok(ticket)
    }

    /// Relays to who is there now. False if there is no connection to relay it with: it is not kept for one.
    ///
    /// With `conflate`, one that may not leave yet waits, and a later one with the same words takes its place.
    pub fn cast(
        &mut self,
        now: Instant,
        room: RoomName,
        (event, data): (EventName, Bytes),
        conflate: Option<Arc<str>>,
    ) -> bool {
        let is_wanted = matches!(self.stage, Stage::Open) && self.lines.live.is_some();
        if !is_wanted || Data::parse(&data).is_err() {
            return false;
        }
        self.casts.push(Outgoing {
            room,
            event,
            data,
            conflate,
        });
        self.go_on(now);
        true
    }

    /// Has handled everything in a room up to there.
    pub fn acknowledge(&mut self, now: Instant, room: &RoomName, position: Position) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.acknowledge(position);
        }
        self.go_on(now);
    }

    /// Asks. The answer, or why there is none, is told by [`Output::Answered`].
    pub fn ask(
        &mut self,
        now: Instant,
        question: Question,
        timeout: Option<Duration>,
    ) -> Result<Ticket, CallError> {
        if matches!(self.stage, Stage::Closed(_) | Stage::Draining { .. }) {
            return Err(CallError::NotSent("the client is closed"));
        }
        if let Question::Presence { room, .. } = &question
            && self.rooms.get_mut(room).is_none()
        {
            return Err(CallError::NotSent("join the room first"));
        }
        let until = now + timeout.unwrap_or(self.settings.timeouts.call);
        let ticket = self.next_number();
        let shown = question.shown();
        self.calls.push(ticket, question, until)?;
        if let Some((room, state)) = shown {
            let before = self.rooms.show(&room, state);
            self.calls.replaces(ticket, before);
        }
        self.go_on(now);
        Ok(ticket)
    }

    /// Does not wait any more for the answer to a question.
    pub fn cancel(&mut self, now: Instant, ticket: Ticket) {
        self.calls.cancel(ticket);
        self.go_on(now);
    }

    pub(super) fn tell(&mut self, room: RoomName, event: RoomEvent) {
        self.outputs.push_back(Output::Room(room, event));
    }
}
