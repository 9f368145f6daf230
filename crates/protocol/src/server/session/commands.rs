//! What a client's commands come to.

use super::{Farewell, Pending, Session, Subscribing};
use crate::model::{Action, RoomName};
use crate::server::{Ask, Now, Output, allows};
use crate::wire::{Command, Message, Refusal, RequestId};

/// What a wish to join a room comes to.
enum Admission {
    /// The connection is a member already.
    Member,
    /// It may become one.
    Open { history: bool },
    /// It may not.
    Refused(Refusal),
}

impl Session {
    pub(super) fn obey(&mut self, now: Now, command: Command) {
        if self.identity.is_none() && !matches!(command, Command::Auth { .. }) {
            self.refuse(&Refusal::NotAuthenticated, None);
            return;
        }
        match command {
            Command::Auth { token, request } => {
                self.pending = Some(Box::new(Pending::Auth { request }));
                self.outputs.push_back(Output::Verify(token));
            }
            Command::Join { room, request } => self.join(room, request),
            Command::Leave { room, request } => self.leave(room, Farewell::Left, request),
            Command::Subscribe { topics, request } => {
                self.subscribe(Subscribing::new(topics, request));
            }
            Command::Unsubscribe { topic, request } => {
                self.leave(topic, Farewell::Unsubscribed, request);
            }
            Command::Publish {
                room,
                event,
                data,
                tag,
                request,
            } => {
                if let Some(refusal) = self.why_not_publish(&room) {
                    self.refuse(&refusal, request.as_ref());
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
                if self.settings.echo && &*method == "echo" {
                    self.send(&Message::Response {
                        request: &request,
                        payload: &payload,
                    });
                } else {
                    self.refuse(&Refusal::UnknownMethod, Some(&request));
                }
            }
            Command::Ping { request } => self.send(&Message::Pong {
                sent_at: now.wall,
                request: request.as_ref(),
            }),
        }
    }

    /// Goes on with a subscription until a room has to be asked for, or none is left.
    pub(super) fn subscribe(&mut self, mut subscribing: Subscribing) {
        while let Some(topic) = subscribing.waiting.pop_front() {
            match self.admit(&topic) {
                Admission::Member => subscribing.accepted.push(topic),
                Admission::Refused(refusal) => subscribing.refused.push(refusal),
                Admission::Open { history } => {
                    let ask = Ask::Join {
                        room: topic.clone(),
                        history,
                    };
                    self.ask(ask, Pending::Subscribe { topic, subscribing });
                    return;
                }
            }
        }
        self.tell_subscribed(subscribing);
    }

    fn join(&mut self, room: RoomName, request: Option<RequestId>) {
        match self.admit(&room) {
            Admission::Member => self.tell_joined(&room, request.as_ref()),
            Admission::Refused(refusal) => self.refuse(&refusal, request.as_ref()),
            Admission::Open { history } => {
                let ask = Ask::Join {
                    room: room.clone(),
                    history,
                };
                self.ask(ask, Pending::Join { room, request });
            }
        }
    }

    fn leave(&mut self, room: RoomName, farewell: Farewell, request: Option<RequestId>) {
        if self.is_member(&room) {
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

    fn why_not_publish(&self, room: &RoomName) -> Option<Refusal> {
        if !self.is_member(room) {
            Some(Refusal::NotJoined)
        } else if !self.may(room, Action::Publish) {
            Some(Refusal::Forbidden {
                action: "publish to",
                room: room.clone(),
            })
        } else {
            None
        }
    }

    fn admit(&self, room: &RoomName) -> Admission {
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
        let rooms_max = self.settings.rooms_max;
        if self.rooms.len() >= rooms_max {
            let room = room.clone();
            return Admission::Refused(Refusal::TooManyRooms { room, rooms_max });
        }
        Admission::Open {
            history: self.keeps_history(room) && self.may(room, Action::History),
        }
    }

    fn is_member(&self, room: &RoomName) -> bool {
        self.rooms.contains(room)
    }

    fn may(&self, room: &RoomName, action: Action) -> bool {
        self.identity.as_ref().is_some_and(|identity| {
            let rule = self.settings.rules.of(room, &identity.user);
            allows(identity, rule, room, action)
        })
    }

    fn keeps_history(&self, room: &RoomName) -> bool {
        let user = self.identity.as_ref().map_or("", |identity| &identity.user);
        let rule = self.settings.rules.of(room, user);
        rule.is_some_and(|rule| rule.history.count > 0)
    }

    fn ask(&mut self, ask: Ask, pending: Pending) {
        self.pending = Some(Box::new(pending));
        self.outputs.push_back(Output::Ask(ask));
    }
}
