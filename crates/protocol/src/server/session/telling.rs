//! What the client is told.

use std::sync::Arc;

use super::{Farewell, Opening, Session, Subscribing};
use crate::model::{Publication, RoomName};
use crate::server::{Now, Output};
use crate::wire::{Answer, Close, Message, Refusal, RequestId, v1};

impl Session {
    pub(super) fn send(&mut self, message: &Message<'_>) {
        let bytes = v1::encode(message);
        self.outputs.push_back(Output::Send(bytes));
    }

    /// Tells why not. A client that has been told too often is ended.
    pub(super) fn refuse(&mut self, now: Now, refusal: &Refusal, request: Option<&RequestId>) {
        if self.is_closed {
            return;
        }
        self.outputs.push_back(Output::Refused(refusal.clone()));
        match v1::answer(refusal) {
            Answer::Close(close) => self.close(close),
            Answer::Error { .. } if !self.allowance.refusal(now, &self.settings) => {
                self.refuse(now, &Refusal::RefusedTooOften, None);
            }
            Answer::Error { code, message } => {
                let message = &*message;
                self.send(&Message::Error {
                    code,
                    message,
                    request,
                });
            }
        }
    }

    pub(super) fn close(&mut self, close: Close) {
        self.is_closed = true;
        self.pending = None;
        self.outputs.push_back(Output::Close(close));
    }

    pub(super) fn tell_joined(&mut self, room: &RoomName, request: Option<&RequestId>) {
        self.send(&Message::Joined { room, request });
    }

    pub(super) fn tell_left(
        &mut self,
        room: &RoomName,
        farewell: Farewell,
        request: Option<&RequestId>,
    ) {
        self.send(&match farewell {
            Farewell::Left => Message::Left { room, request },
            Farewell::Unsubscribed => Message::Unsubscribed { room, request },
        });
    }

    /// The accepted topics, why others were refused, and then what opens each new room.
    pub(super) fn tell_subscribed(&mut self, now: Now, subscribing: Subscribing) {
        let request = subscribing.request.as_ref();
        self.send(&Message::Subscribed {
            rooms: &subscribing.accepted,
            request,
        });
        for refusal in &subscribing.refused {
            self.refuse(now, refusal, request);
        }
        self.open(Opening::new(subscribing.joined, subscribing.request));
    }

    pub(super) fn tell_history(&mut self, room: &RoomName, publications: &[Arc<Publication>]) {
        let message = Message::History { room, publications };
        let bytes = v1::encode(&message);
        self.outputs.push_back(Output::SendHistory(bytes));
    }
}
