//! What a client's commands come to.

use bytes::Bytes;

use super::answers::Pending;
use super::session::{Session, Stage};
use super::{Ask, Begin, Output};
use crate::model::{Acks, Action, RoomName, RoomRule};
use crate::server::{Now, allows};
use crate::wire::v2::{
    Ack, Cast, ClientMessage, Envelope, Fault, Join, Left, Presence, Publish, ReadHistory,
    ServerMessage,
};
use crate::wire::{Refusal, RequestId};

impl Session {
    pub(super) fn obey(&mut self, now: Now, envelope: Envelope<ClientMessage<'_>>) {
        let Envelope { message, request } = envelope;
        match (self.stage, message) {
            (Stage::Stranger { until }, ClientMessage::Hello(hello)) => {
                self.begin(now, (hello, request), until);
            }
            (Stage::Stranger { .. }, _) => self.end_for(&Refusal::NoHello),
            (_, message) => {
                if let Err(refusal) = self.obey_member(now, message, request.clone()) {
                    self.refuse(now, &refusal, request.as_ref());
                }
            }
        }
    }

    /// A command of somebody who was welcomed.
    fn obey_member(
        &mut self,
        now: Now,
        message: ClientMessage<'_>,
        request: Option<RequestId>,
    ) -> Result<(), Refusal> {
        match message {
            ClientMessage::Hello(_) => return Err(Refusal::SecondHello),
            ClientMessage::Refresh(refresh) => {
                self.allowance.request(now, &self.settings)?;
                self.answers.expect(Pending::Refresh, request);
                self.outputs.push_back(Output::Verify(refresh.token));
            }
            ClientMessage::Join(join) => self.join(now, join, request)?,
            ClientMessage::Leave(leave) => self.leave(now, leave.room, request)?,
            ClientMessage::Publish(publish) => self.publish(now, publish, request)?,
            ClientMessage::Cast(cast) => self.cast(now, cast, request)?,
            ClientMessage::Ack(ack) => self.ack(ack)?,
            ClientMessage::History(read) => self.read(now, read, request)?,
            ClientMessage::Members(read) => {
                let room = read.room;
                self.allowance.request(now, &self.settings)?;
                self.check(&room, Action::Members, "see the members of")?;
                let pending = Pending::Members { room: room.clone() };
                self.ask(Ask::Members { room }, pending, request);
            }
            ClientMessage::Presence(presence) => self.show(now, presence, request)?,
            ClientMessage::Request(asked) => self.request(now, &asked, request)?,
            ClientMessage::Cancel(_) => {
                self.allowance.request(now, &self.settings)?;
                let request = request.ok_or_else(|| Refusal::Faulty(Fault::no_request_id()))?;
                while let Some(ticket) = self.answers.calls.cancel(&request) {
                    self.outputs.push_back(Output::Cancel(ticket));
                }
            }
            ClientMessage::Ping(empty) => {
                self.allowance.request(now, &self.settings)?;
                self.send_for(ServerMessage::Pong(empty), request.as_ref());
            }
            ClientMessage::Pong(_) => {
                if !self.allowance.control(now, &self.settings) {
                    return Err(Refusal::TooManyControls);
                }
            }
        }
        Ok(())
    }

    fn join(
        &mut self,
        now: Now,
        join: Join<'_>,
        request: Option<RequestId>,
    ) -> Result<(), Refusal> {
        let room = join.room;
        let state = join.presence.map(|state| state.to_bytes());
        self.admit(now, &room, state.as_ref(), self.rooms.len())?;
        let begin = match (join.since, join.last) {
            (Some(position), _) => Begin::Since(position),
            (None, Some(last)) => Begin::Last(last.min(self.settings.v2.last_messages_max)),
            (None, None) => Begin::Now,
        };
        self.afford(now, &room, begin)?;
        let ask = self.join_ask(room.clone(), begin, self.settings.v2.page_bytes_max);
        let since = join.since.is_some();
        self.ask(ask, Pending::Join { room, since, state }, request);
        Ok(())
    }

    /// Whether the client may become a member, being one of so many rooms by then.
    pub(super) fn admit(
        &mut self,
        now: Now,
        room: &RoomName,
        state: Option<&Bytes>,
        rooms: usize,
    ) -> Result<(), Refusal> {
        self.allowance.join(now, &self.settings)?;
        self.check(room, Action::Join, "join")?;
        let rooms_max = self.settings.rooms_max;
        if rooms >= rooms_max && !self.is_member(room) {
            let room = room.clone();
            return Err(Refusal::TooManyRooms { room, rooms_max });
        }
        // A room that announces nobody has no use for a state, and is joined all the same.
        match state.filter(|_| self.rule(room).is_some_and(|rule| rule.presence)) {
            Some(state) => self.check_state(room, state.len()),
            None => Ok(()),
        }
    }

    /// Takes its share of reading for a join that begins in the past.
    pub(super) fn afford(
        &mut self,
        now: Now,
        room: &RoomName,
        begin: Begin,
    ) -> Result<(), Refusal> {
        if begin == Begin::Now || !self.may(room, Action::History) {
            return Ok(());
        }
        self.allowance.history(now, &self.settings)
    }

    /// How a room is joined, as far as the client may read it.
    pub(super) fn join_ask(&self, room: RoomName, begin: Begin, bytes_max: usize) -> Ask {
        let reads = self.may(&room, Action::History);
        let has_presence = self.rule(&room).is_some_and(|rule| rule.presence);
        let members = has_presence && self.may(&room, Action::Members);
        let begin = if !reads && matches!(begin, Begin::Last(_)) {
            Begin::Now
        } else {
            begin
        };
        let bytes_max = if reads { bytes_max } else { 0 };
        Ask::Join {
            room,
            begin,
            bytes_max,
            members,
        }
    }

    fn leave(
        &mut self,
        now: Now,
        room: RoomName,
        request: Option<RequestId>,
    ) -> Result<(), Refusal> {
        self.allowance.join(now, &self.settings)?;
        if self.is_member(&room) {
            let ask = Ask::Leave { room: room.clone() };
            self.ask(ask, Pending::Leave { room }, request);
        } else {
            self.answer(ServerMessage::Left(Left { room }), request.as_ref());
        }
        Ok(())
    }

    fn publish(
        &mut self,
        now: Now,
        publish: Publish<'_>,
        request: Option<RequestId>,
    ) -> Result<(), Refusal> {
        let (room, data) = (publish.room, publish.data.to_bytes());
        self.allowance.publish(now, &self.settings)?;
        self.check(&room, Action::Publish, "publish to")?;
        self.check_size(&room, data.len())?;
        let pending = Pending::Publish { room: room.clone() };
        let ask = Ask::Publish {
            room,
            event: publish.event,
            data,
            key: publish.key.map(|key| key.to_arc()),
            producer: self.producer.clone(),
        };
        self.ask(ask, pending, request);
        Ok(())
    }

    fn cast(
        &mut self,
        now: Now,
        cast: Cast<'_>,
        request: Option<RequestId>,
    ) -> Result<(), Refusal> {
        let (room, data) = (cast.room, cast.data.to_bytes());
        self.allowance.publish(now, &self.settings)?;
        self.check(&room, Action::Cast, "cast to")?;
        self.check_size(&room, data.len())?;
        let ask = Ask::Cast {
            room,
            event: cast.event,
            data,
            conflate: cast.conflate.map(|word| word.to_arc()),
        };
        self.ask(ask, Pending::Cast, request);
        Ok(())
    }

    fn ack(&mut self, ack: Ack) -> Result<(), Refusal> {
        if !self.is_member(&ack.room) {
            return Err(Refusal::NotJoined);
        }
        let ticket = self.answers.ticket();
        let ask = self.acks.add(ticket, ack.room, (ack.epoch, ack.offset));
        self.outputs.extend(ask.map(|ask| Output::Ask(ticket, ask)));
        Ok(())
    }

    fn read(
        &mut self,
        now: Now,
        read: ReadHistory,
        request: Option<RequestId>,
    ) -> Result<(), Refusal> {
        let part = read.part().map_err(Refusal::Faulty)?;
        let room = read.room;
        self.check(&room, Action::History, "read the history of")?;
        self.allowance.history(now, &self.settings)?;
        let pending = Pending::History { room: room.clone() };
        let limit = read.limit.min(self.settings.v2.history_messages_max);
        self.ask(Ask::History { room, part, limit }, pending, request);
        Ok(())
    }

    fn show(
        &mut self,
        now: Now,
        presence: Presence<'_>,
        request: Option<RequestId>,
    ) -> Result<(), Refusal> {
        let (room, state) = (presence.room, presence.state.to_bytes());
        self.allowance.request(now, &self.settings)?;
        if !self.is_member(&room) {
            return Err(Refusal::NotJoined);
        }
        if !self.rule(&room).is_some_and(|rule| rule.presence) {
            return Err(Refusal::NoPresence { room });
        }
        self.check_state(&room, state.len())?;
        let pending = Pending::Presence { room: room.clone() };
        self.ask(Ask::Presence { room, state }, pending, request);
        Ok(())
    }

    fn check(&self, room: &RoomName, action: Action, words: &'static str) -> Result<(), Refusal> {
        if self.may(room, action) {
            return Ok(());
        }
        let (action, room) = (words, room.clone());
        Err(Refusal::Forbidden { action, room })
    }

    fn check_size(&self, room: &RoomName, bytes: usize) -> Result<(), Refusal> {
        let rule = self.rule(room);
        let bytes_max = rule.map_or(usize::MAX, |rule| rule.data_bytes_max);
        within(room, bytes, bytes_max)
    }

    fn check_state(&self, room: &RoomName, bytes: usize) -> Result<(), Refusal> {
        self.check(room, Action::Presence, "show a state in")?;
        within(room, bytes, self.settings.v2.presence_bytes_max)
    }

    fn is_member(&self, room: &RoomName) -> bool {
        self.rooms.contains(room)
    }

    pub(super) fn may(&self, room: &RoomName, action: Action) -> bool {
        self.proof
            .identity
            .as_ref()
            .is_some_and(|identity| allows(identity, self.rule(room), room, action))
    }

    /// How a room asks for acknowledgements, if it does.
    pub(super) fn acks_of(&self, room: &RoomName) -> Option<Acks> {
        self.rule(room)?.acks
    }

    fn rule(&self, room: &RoomName) -> Option<&RoomRule> {
        self.settings.rules.of(room)
    }

    fn ask(&mut self, ask: Ask, pending: Pending, request: Option<RequestId>) {
        let ticket = self.answers.expect(pending, request);
        self.outputs.push_back(Output::Ask(ticket, ask));
    }
}

fn within(room: &RoomName, bytes: usize, bytes_max: usize) -> Result<(), Refusal> {
    if bytes <= bytes_max {
        return Ok(());
    }
    let room = room.clone();
    Err(Refusal::TooLarge { room, bytes_max })
}
