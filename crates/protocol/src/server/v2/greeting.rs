//! From `hello` to `welcome`: who is there, and the rooms of an earlier connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::session::{Expiry, Session, Stage};
use super::telling::joined;
use super::{Begin, Entered, Output, Reply, Ticket};
use crate::model::{Acks, Identity, Position, RoomName};
use crate::server::session::why;
use crate::server::{Denied, Now};
use crate::wire::v2::{
    Answer, Details, Failure, Hello, Limits, Restored, RetryWindow, ServerMessage, Welcome, Words,
    answer,
};
use crate::wire::{ErrorCode, Refusal, RequestId};

/// A `hello` on its way to its `welcome`.
#[derive(Debug)]
pub(super) struct Greeting {
    request: Option<RequestId>,
    rooms: Vec<Listed>,
}

/// A room of a `hello`, and what has become of it.
#[derive(Debug)]
struct Listed {
    room: RoomName,
    since: Option<Position>,
    state: Option<Bytes>,
    fate: Fate,
}

#[derive(Debug)]
enum Fate {
    /// It was not asked for yet.
    Open,
    /// It is asked for.
    Asked(Ticket),
    /// The connection is a member.
    Joined(Box<Entered>),
    /// It is not.
    Refused(Box<Failure<'static>>),
}

impl Session {
    /// The client has said `hello`, the first message of all.
    pub(super) fn begin(
        &mut self,
        now: Now,
        (hello, request): (Hello<'_>, Option<RequestId>),
        until: Instant,
    ) {
        self.producer = Some(hello.producer.to_arc());
        let rooms = hello.rooms.into_iter().map(|wanted| Listed {
            room: wanted.room,
            since: wanted.since,
            state: wanted.presence.map(|state| state.to_bytes()),
            fate: Fate::Open,
        });
        let rooms = rooms.collect();
        self.greeting = Some(Box::new(Greeting { request, rooms }));
        if let Some(token) = hello.token {
            self.stage = Stage::Verifying { until };
            self.outputs.push_back(Output::Verify(token));
        } else if self.proof.identity.is_some() {
            self.enter(now);
        } else {
            self.end_for(&Refusal::NotAuthenticated);
        }
    }

    /// The token of a `hello` was checked.
    pub(super) fn greet(&mut self, now: Now, verdict: Result<Identity, Denied>) {
        match verdict {
            Ok(identity) if self.is_someone_else(&identity) => self.end_for(&Refusal::OtherUser),
            Ok(identity) => {
                self.know(now, identity);
                self.enter(now);
            }
            Err(denied) => self.end_for(&why(denied)),
        }
    }

    /// Notes who is there, and until when.
    pub(super) fn know(&mut self, now: Now, identity: Identity) {
        self.proof.expires = identity.expires_at.and_then(|end| {
            let left = Duration::from_millis(end.0.saturating_sub(now.wall.0));
            let warning = self.settings.v2.expiry_warning.min(left / 2);
            let at = now.at.checked_add(left)?;
            let warn_at = Some(now.at + left.saturating_sub(warning));
            Some(Expiry { at, warn_at })
        });
        self.proof.identity = Some(identity);
    }

    pub(super) fn is_someone_else(&self, identity: &Identity) -> bool {
        let known = self.proof.identity.as_ref();
        known.is_some_and(|known| known.user != identity.user)
    }

    /// How long the token is good for, in milliseconds.
    pub(super) fn token_ttl_ms(&self, now: Now) -> Option<u64> {
        let left = self.proof.expires?.at.saturating_duration_since(now.at);
        u64::try_from(left.as_millis()).ok()
    }

    /// Asks for all rooms at once: each takes its place among what happens in it when it is asked for.
    fn enter(&mut self, now: Now) {
        self.stage = Stage::Entering;
        let Some(mut greeting) = self.greeting.take() else {
            return;
        };
        let bytes_max = self.settings.v2.page_bytes_max / greeting.rooms.len().max(1);
        let mut asked: Vec<RoomName> = Vec::new();
        for listed in &mut greeting.rooms {
            let room = listed.room.clone();
            let begin = listed.since.map_or(Begin::Now, Begin::Since);
            let checked = if asked.contains(&room) {
                let room = room.clone();
                Err(Refusal::ListedTwice { room })
            } else {
                let admitted = self.admit(now, &room, listed.state.as_ref(), asked.len());
                admitted.and_then(|()| self.afford(now, &room, begin))
            };
            if let Err(refusal) = checked {
                listed.fate = self.refused(&refusal);
                continue;
            }
            asked.push(room.clone());
            let (ask, ticket) = (
                self.join_ask(room, begin, bytes_max.max(1)),
                self.answers.ticket(),
            );
            self.outputs.push_back(Output::Ask(ticket, ask));
            listed.fate = Fate::Asked(ticket);
        }
        self.welcome_if_all_known(now, greeting);
    }

    /// What became of one of the rooms.
    pub(super) fn enter_next(&mut self, now: Now, ticket: Ticket, reply: Reply) {
        let Some(mut greeting) = self.greeting.take() else {
            return;
        };
        let is_it = |listed: &&mut Listed| matches!(listed.fate, Fate::Asked(it) if it == ticket);
        if let Some(listed) = greeting.rooms.iter_mut().find(is_it) {
            listed.fate = match reply {
                Reply::Joined(entered) => {
                    self.rooms.push(listed.room.clone());
                    Fate::Joined(entered)
                }
                Reply::Failed { code, message } => {
                    let message = message.into();
                    self.refused(&Refusal::Failed { code, message })
                }
                Reply::Left
                | Reply::Published(_)
                | Reply::Relayed
                | Reply::Acked
                | Reply::History(_)
                | Reply::Members(_)
                | Reply::PresenceSet
                | Reply::TooOften { .. } => return self.confuse(),
            };
        }
        self.welcome_if_all_known(now, greeting);
    }

    fn refused(&mut self, refusal: &Refusal) -> Fate {
        self.observe(refusal);
        match answer(refusal) {
            Answer::Error(failure) => Fate::Refused(Box::new(failure)),
            // No refusal of a room ends a connection.
            Answer::Close(close) => Fate::Refused(Box::new(Failure {
                code: ErrorCode::Internal,
                message: Words::from(close.reason),
                retryable: true,
                retry_after_ms: None,
                details: None,
            })),
        }
    }

    fn welcome_if_all_known(&mut self, now: Now, greeting: Box<Greeting>) {
        let is_asked = |listed: &Listed| matches!(listed.fate, Fate::Asked(_));
        if greeting.rooms.iter().any(is_asked) {
            self.greeting = Some(greeting);
            return;
        }
        self.stage = Stage::Open;
        let user = self.proof.identity.as_ref().map(|it| Arc::clone(&it.user));
        let (settings, figures) = (Arc::clone(&self.settings), self.settings.v2);
        let milliseconds = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let welcome = Welcome {
            connection: self.accepted.connection,
            user: Words::from(user.as_deref().unwrap_or_default()),
            server_time: now.wall,
            ping_every_ms: milliseconds(settings.ping_every.1),
            limits: Limits {
                message_bytes: u64::try_from(figures.message_bytes_max).unwrap_or(u64::MAX),
                rooms: u32::try_from(settings.rooms_max).unwrap_or(u32::MAX),
                publish: settings.rates.publish,
                join: settings.rates.join,
                request: settings.rates.request,
            },
            retry: RetryWindow {
                first_window_ms: milliseconds(self.accepted.first_window),
                cap_ms: milliseconds(figures.retry_cap),
            },
            token_ttl_ms: self.token_ttl_ms(now),
            rooms: greeting
                .rooms
                .iter()
                .filter_map(|listed| restored(listed, self.acks_of(&listed.room)))
                .collect(),
        };
        self.send_for(ServerMessage::Welcome(welcome), greeting.request.as_ref());
        for listed in greeting.rooms {
            if matches!(listed.fate, Fate::Joined(_)) {
                let (room, state) = (listed.room, listed.state);
                self.outputs.push_back(Output::Follow { room, state });
            }
        }
    }
}

fn restored(listed: &Listed, acks: Option<Acks>) -> Option<Restored<'_>> {
    match &listed.fate {
        Fate::Open | Fate::Asked(_) => None,
        Fate::Joined(entered) => {
            let joined = joined(&listed.room, listed.since.is_some(), entered, acks);
            Some(Restored::Joined(joined))
        }
        Fate::Refused(failure) => Some(Restored::Error(Failure {
            details: Some(Details {
                path: None,
                room: Some(listed.room.clone()),
            }),
            ..Failure::clone(failure)
        })),
    }
}
