//! What a client's commands come to.

use super::{Farewell, Opening, Pending, Session, Subscribing};
use crate::model::{Action, RoomName, RoomRule};
use crate::server::{Ask, Now, Output, allows};
use crate::wire::{Command, Message, Refusal, RequestId};

/// What a wish to join a room comes to.
enum Admission {
    /// The connection is a member already.
    Member,
    /// It may become one.
    Open,
    /// It may not.
    Refused(Refusal),
}

impl Session {
    pub(super) fn obey(&mut self, now: Now, command: Command) {
        if self.identity.is_none() && !matches!(command, Command::Auth { .. }) {
            self.refuse(now, &Refusal::NotAuthenticated, None);
            return;
        }
        if let Command::Auth { request, .. } | Command::Ping { request } = &command
            && let Err(refusal) = self.allowance.request(now, &self.settings)
        {
            return self.refuse(now, &refusal, request.as_ref());
        }
        match command {
            Command::Auth { token, request } => {
                self.pending = Some(Box::new(Pending::Auth { request }));
                self.outputs.push_back(Output::Verify(token));
            }
            Command::Join { room, request } => self.join(now, room, request),
            Command::Leave { room, request } => self.leave(now, room, Farewell::Left, request),
            Command::Subscribe { topics, request } => {
                self.subscribe(now, Subscribing::new(topics, request));
            }
            Command::Unsubscribe { topic, request } => {
                self.leave(now, topic, Farewell::Unsubscribed, request);
            }
            Command::Publish {
                room,
                event,
                data,
                tag,
                request,
            } => {
                if let Err(refusal) = self.may_publish(now, &room, &data) {
                    self.refuse(now, &refusal, request.as_ref());
                    return;
                }
                let ask = Ask::Publish {
                    room,
                    event,
                    data,
                    tag,
                };
                self.ask(ask, Pending::Publish { request });
            }
            Command::Request {
                method,
                payload,
                request,
            } => {
                if let Err(refusal) = self.allowance.request(now, &self.settings) {
                    self.refuse(now, &refusal, Some(&request));
                } else if self.settings.echo && &*method == "echo" {
                    self.send(&Message::Response {
                        request: &request,
                        payload: &payload,
                    });
                } else {
                    self.refuse(now, &Refusal::UnknownMethod, Some(&request));
                }
            }
            Command::Ping { request } => self.send(&Message::Pong {
                sent_at: now.wall,
                request: request.as_ref(),
            }),
        }
    }

    /// Goes on with a subscription until a room has to be asked for, or none is left.
    pub(super) fn subscribe(&mut self, now: Now, mut subscribing: Subscribing) {
        while let Some(topic) = subscribing.waiting.pop_front() {
            match self.admit(now, &topic) {
                Admission::Member => subscribing.accepted.push(topic),
                Admission::Refused(refusal) => subscribing.refused.push(refusal),
                Admission::Open => {
                    let room = topic.clone();
                    self.ask(
                        Ask::Join { room },
                        Pending::Subscribe { topic, subscribing },
                    );
                    return;
                }
            }
        }
        self.tell_subscribed(now, subscribing);
    }

    fn join(&mut self, now: Now, room: RoomName, request: Option<RequestId>) {
        match self.admit(now, &room) {
            Admission::Member => self.tell_joined(&room, request.as_ref()),
            Admission::Refused(refusal) => self.refuse(now, &refusal, request.as_ref()),
            Admission::Open => {
                let ask = Ask::Join { room: room.clone() };
                self.ask(ask, Pending::Join { room, request });
            }
        }
    }

    /// Asks for what the next of some new rooms keeps, if the client may read it. When all of it is on its way,
    /// the rooms' life begins.
    pub(super) fn open(&mut self, mut opening: Opening) {
        if self.is_closed {
            return;
        }
        while let Some(room) = opening.unread.pop_front() {
            if self.reads_history(&room) {
                let ask = Ask::History { room: room.clone() };
                return self.ask(ask, Pending::Open { room, opening });
            }
        }
        self.outputs
            .extend(opening.rooms.into_iter().map(Output::Follow));
    }

    fn leave(&mut self, now: Now, room: RoomName, farewell: Farewell, request: Option<RequestId>) {
        if let Err(refusal) = self.allowance.join(now, &self.settings) {
            self.refuse(now, &refusal, request.as_ref());
        } else if self.is_member(&room) {
            let ask = Ask::Leave { room: room.clone() };
            let pending = Pending::Leave {
                room,
                farewell,
                request,
            };
            self.ask(ask, pending);
        } else {
            self.tell_left(&room, farewell, request.as_ref());
        }
    }

    fn may_publish(&mut self, now: Now, room: &RoomName, data: &[u8]) -> Result<(), Refusal> {
        if !self.is_member(room) {
            return Err(Refusal::NotJoined);
        }
        self.allowance.publish(now, &self.settings)?;
        if !self.may(room, Action::Publish) {
            let (action, room) = ("publish to", room.clone());
            return Err(Refusal::Forbidden { action, room });
        }
        let bytes_max = self
            .rule(room)
            .map_or(usize::MAX, |rule| rule.data_bytes_max);
        if data.len() > bytes_max {
            let room = room.clone();
            return Err(Refusal::TooLarge { room, bytes_max });
        }
        Ok(())
    }

    fn admit(&mut self, now: Now, room: &RoomName) -> Admission {
        if let Err(refusal) = self.allowance.join(now, &self.settings) {
            return Admission::Refused(refusal);
        }
        if self.is_member(room) {
            return Admission::Member;
        }
        if !self.may(room, Action::Join) {
            let room = room.clone();
            return Admission::Refused(Refusal::Forbidden {
                action: "join",
                room,
            });
        }
        if self.rule(room).is_some_and(|rule| rule.acks.is_some()) {
            let room = room.clone();
            return Admission::Refused(Refusal::NoAcks { room });
        }
        let rooms_max = self.settings.rooms_max;
        if self.rooms.len() >= rooms_max {
            let room = room.clone();
            return Admission::Refused(Refusal::TooManyRooms { room, rooms_max });
        }
        if self.reads_history(room)
            && let Err(refusal) = self.allowance.history(now, &self.settings)
        {
            return Admission::Refused(refusal);
        }
        Admission::Open
    }

    fn is_member(&self, room: &RoomName) -> bool {
        self.rooms.contains(room)
    }

    fn may(&self, room: &RoomName, action: Action) -> bool {
        self.identity
            .as_ref()
            .is_some_and(|identity| allows(identity, self.rule(room), room, action))
    }

    /// Whether a room keeps what is published there, and the client may read it.
    fn reads_history(&self, room: &RoomName) -> bool {
        let keeps = self.rule(room).is_some_and(|rule| rule.history.count > 0);
        keeps && self.may(room, Action::History)
    }

    fn rule(&self, room: &RoomName) -> Option<&RoomRule> {
        self.settings.rules.of(room)
    }

    fn ask(&mut self, ask: Ask, pending: Pending) {
        self.pending = Some(Box::new(pending));
        self.outputs.push_back(Output::Ask(ask));
    }
}
