//! How a command goes on when it is answered.

use std::borrow::Cow;
use std::time::Duration;

use super::{Opening, Pending, Session};
use crate::model::Identity;
use crate::server::{Now, Reply};
use crate::wire::{Close, CloseCode, Message, Refusal, RequestId};

impl Session {
    /// Someone is authenticated, for the first time or again.
    pub(super) fn welcome(&mut self, now: Now, identity: Identity, request: Option<&RequestId>) {
        self.deadline = identity.expires_at.and_then(|end| {
            let left = Duration::from_millis(end.0.saturating_sub(now.wall.0));
            now.at.checked_add(left)
        });
        self.send(&Message::Authenticated {
            connection: self.connection,
            user: &identity.user,
            request,
        });
        self.identity = Some(identity);
    }

    pub(super) fn is_someone_else(&self, identity: &Identity) -> bool {
        let known = self.identity.as_ref();
        known.is_some_and(|known| known.user != identity.user)
    }

    pub(super) fn resume(&mut self, now: Now, pending: Pending, reply: Reply) {
        match (pending, reply) {
            (Pending::Join { room, request }, Reply::Joined) => {
                self.rooms.push(room.clone());
                self.tell_joined(&room, request.as_ref());
                self.open(Opening::new(vec![room], request));
            }
            (Pending::Open { room, opening }, Reply::History(publications)) => {
                self.tell_history(&room, &publications);
                self.open(opening);
            }
            (Pending::Open { opening, .. }, Reply::Failed { code, message }) => {
                let message = Cow::Owned(message);
                let refusal = Refusal::Failed { code, message };
                self.refuse(now, &refusal, opening.request.as_ref());
                self.open(opening);
            }
            (
                Pending::Leave {
                    room,
                    farewell,
                    request,
                },
                Reply::Left,
            ) => {
                self.rooms.retain(|other| *other != room);
                self.tell_left(&room, farewell, request.as_ref());
            }
            // The publisher hears of it like every other member.
            (Pending::Publish { .. }, Reply::Published) => {}
            (
                Pending::Subscribe {
                    topic,
                    mut subscribing,
                },
                Reply::Joined,
            ) => {
                self.rooms.push(topic.clone());
                subscribing.accepted.push(topic.clone());
                subscribing.joined.push(topic);
                self.subscribe(now, subscribing);
            }
            (
                Pending::Subscribe {
                    mut subscribing, ..
                },
                Reply::Failed { code, message },
            ) => {
                let message = Cow::Owned(message);
                subscribing.refused.push(Refusal::Failed { code, message });
                self.subscribe(now, subscribing);
            }
            (
                Pending::Join { request, .. }
                | Pending::Leave { request, .. }
                | Pending::Publish { request },
                Reply::Failed { code, message },
            ) => {
                let message = Cow::Owned(message);
                self.refuse(now, &Refusal::Failed { code, message }, request.as_ref());
            }
            // The answer to something else: whatever is done now would be a guess.
            _ => self.close(Close::new(CloseCode::ServerError)),
        }
    }
}
