//! The Rust client, in a member's hands.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::value::RawValue;
use tautline_client::{
    Acknowledged, BuildError, Client, ConnectionState, Ending, EndingKind, PublishError,
    QueueBounds, Retry, Room, RoomEvent, RoomStatus, RoomStream, Timeouts,
};
use tautline_protocol::model::Position;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::hands::{Happening, Heard, Standing};
use super::{GOING_AWAY, Notice, Person, QUEUE_MAX, RETRY_EVERY, SILENCE, STEP, TTL, key_of};
use crate::history::Missed;

/// What became of a publication: where, which, and what.
type Settled = (usize, u64, Result<Acknowledged, PublishError>);

/// The Rust client.
#[derive(Debug)]
pub(super) struct Native {
    state: watch::Receiver<ConnectionState>,
    rooms: Vec<Followed>,
    unsettled: FuturesUnordered<BoxFuture<'static, Settled>>,
    is_asked: bool,
}

#[derive(Debug)]
struct Followed {
    room: Room,
    /// None for a moment only, while it is joined anew, and once it is over.
    stream: Option<RoomStream>,
}

impl Native {
    /// Must be called within a runtime.
    pub(super) fn new(person: &Person, address: SocketAddr) -> Result<Self, BuildError> {
        let client = Client::builder("ws://tautline.test/")
            .token(&person.token)
            .encoding(person.encoding)
            .timeouts(Timeouts {
                token: STEP,
                dial: STEP,
                hello: STEP,
                probe: SILENCE,
                silence: SILENCE,
                ..Timeouts::default()
            })
            .retry(Retry {
                base: RETRY_EVERY,
                cap: RETRY_EVERY,
                give_up_after: None,
            })
            .queue(QueueBounds {
                messages_max: QUEUE_MAX.0,
                bytes_max: QUEUE_MAX.1,
                ttl: TTL,
            })
            .connector(move |_| async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(stream)
            })
            .spawn()?;
        let follow = |name: &String| {
            let room = client.room(name).expect("rooms of a run have right names");
            let stream = room.join().stream().ok();
            Followed { room, stream }
        };
        Ok(Self {
            rooms: person.rooms.iter().map(follow).collect(),
            state: client.state(),
            unsettled: FuturesUnordered::new(),
            is_asked: false,
        })
    }

    pub(super) fn join_anew(&mut self, at: usize) {
        if let Some(followed) = self.rooms.get_mut(at) {
            // One at a time: the one before is left when it is dropped.
            followed.stream = None;
            followed.stream = followed.room.join().stream().ok();
        }
    }

    pub(super) fn publish(
        &mut self,
        at: usize,
        sequence: u64,
        content: &RawValue,
    ) -> Result<(), String> {
        let Some(Followed { room, .. }) = self.rooms.get(at) else {
            return Ok(());
        };
        let pending = room
            .enqueue_with_key(&sequence.to_string(), "chat", &content)
            .map_err(|error| error.to_string())?;
        let settled = pending.map(move |result| (at, sequence, result));
        self.unsettled.push(Box::pin(settled));
        Ok(())
    }

    pub(super) fn acknowledge(&self, at: usize, position: Position) {
        if let Some(followed) = self.rooms.get(at) {
            followed.room.acknowledge_position(position);
        }
    }

    pub(super) fn ask_whether_quiet(&mut self) {
        self.is_asked = true;
    }

    pub(super) async fn next(&mut self) -> Happening {
        let is_asked = self.is_asked;
        tokio::select! {
            biased;
            (at, heard) = next(&mut self.rooms) => Happening::Heard(at, heard),
            Some((at, sequence, result)) = self.unsettled.next() => {
                let place = result.map(|placed| placed.position);
                Happening::Settled(at, sequence, place.map_err(|error| error.to_string()))
            }
            Ok(()) = self.state.changed() => {
                Happening::Standing(standing(&self.state.borrow_and_update()))
            }
            () = std::future::ready(()), if is_asked => {
                self.is_asked = false;
                Happening::Quiet
            }
        }
    }
}

/// What happens next in any room.
async fn next(rooms: &mut [Followed]) -> (usize, Heard) {
    poll_fn(|context| {
        for (at, followed) in rooms.iter_mut().enumerate() {
            if let Poll::Ready(heard) = poll(followed, context) {
                return Poll::Ready((at, heard));
            }
        }
        Poll::Pending
    })
    .await
}

fn poll(followed: &mut Followed, context: &mut Context<'_>) -> Poll<Heard> {
    while let Some(stream) = &mut followed.stream {
        match std::task::ready!(stream.poll_next_unpin(context)) {
            None => {
                followed.stream = None;
                return Poll::Ready(Heard::Over);
            }
            Some(event) => {
                if let Some(heard) = heard(event) {
                    return Poll::Ready(heard);
                }
            }
        }
    }
    Poll::Pending
}

fn heard(event: RoomEvent) -> Option<Heard> {
    Some(match event {
        RoomEvent::Status(RoomStatus::Joining) => Heard::Joining,
        RoomEvent::Status(RoomStatus::Live {
            position,
            recovered,
            wants_acks,
        }) => Heard::Live {
            position,
            recovered,
            wants_acks,
        },
        RoomEvent::Status(RoomStatus::Denied { message, .. }) => Heard::Denied(message),
        RoomEvent::Message(message) => Heard::Message(message.position, key_of(&message.data)),
        RoomEvent::Gap(gap) => Heard::Gap(Missed {
            from: gap.from,
            to: gap.to,
            position: gap.position,
        }),
        RoomEvent::Status(RoomStatus::Left) | RoomEvent::Cast(_) | RoomEvent::Presence(_) => {
            return None;
        }
    })
}

fn standing(state: &ConnectionState) -> Standing {
    match state {
        ConnectionState::Connected { .. } => Standing::Connected,
        ConnectionState::Reconnecting { cause, .. } if cause.kind == EndingKind::Nonsense => {
            Standing::Nonsense(cause.to_string())
        }
        ConnectionState::Closed { cause } => Standing::Closed(cause.to_string()),
        ConnectionState::Reconnecting { cause, .. } => Standing::Away(notice(cause)),
        ConnectionState::Idle | ConnectionState::Connecting { .. } => Standing::Away(None),
    }
}

fn notice(cause: &Ending) -> Option<Notice> {
    match cause.kind {
        EndingKind::Silent => Some(Notice::Silence),
        EndingKind::Closed if cause.code == GOING_AWAY => Some(Notice::Farewell),
        _ => None,
    }
}
