//! Becoming a member of a room.

use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use serde::Serialize;
use tautline_protocol::client::{Joining, RoomEvent, RoomStatus};
use tautline_protocol::model::Position;
use tautline_protocol::wire::ErrorCode;

use crate::room::Room;
use crate::stream::RoomStream;

/// How a room is joined: awaited, it is a [`RoomStream`].
///
/// ```no_run
/// # async fn run(room: tautline_client::Room, seen: Option<tautline_client::Position>) -> Result<(), tautline_client::JoinError> {
/// let join = room.join().presence(&"typing");
/// let events = match seen {
///     Some(position) => join.since(position).await?,
///     None => join.last(20).await?,
/// };
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a room is joined when this is awaited, or by its stream"]
pub struct Join {
    room: Room,
    joining: Joining,
    state: Result<Option<Bytes>, serde_json::Error>,
}

/// Why a room was not joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// This client is in it, or on its way into it, or is closed.
    #[error(transparent)]
    Impossible(#[from] tautline_protocol::client::JoinError),
    /// The server refuses it.
    #[error("the server refuses it with {}: {message}", code.name())]
    Denied {
        /// Why, for programs.
        code: ErrorCode,
        /// Why and what to do, for people.
        message: String,
    },
    /// The client was closed meanwhile.
    #[error("the client was closed")]
    Closed,
    /// The presence state cannot be written as JSON.
    #[error("the presence state cannot be written as JSON: {0}")]
    State(#[source] serde_json::Error),
}

impl Join {
    pub(crate) fn new(room: Room, joining: Joining) -> Self {
        Self {
            room,
            joining,
            state: Ok(None),
        }
    }

    /// Goes on behind this, which an earlier run of the program has handled.
    pub fn since(mut self, position: Position) -> Self {
        self.joining.since = Some(position);
        self
    }

    /// Begins with so many of the newest messages.
    pub fn last(mut self, count: u32) -> Self {
        self.joining.last = Some(count);
        self
    }

    /// Shows this to others.
    pub fn presence(mut self, state: &impl Serialize) -> Self {
        self.state = serde_json::to_vec(state).map(|json| Some(json.into()));
        self
    }

    /// Joins without waiting for the server: its answer is an event of the stream.
    pub fn stream(self) -> Result<RoomStream, JoinError> {
        let Self {
            room,
            mut joining,
            state,
        } = self;
        joining.presence = state.map_err(JoinError::State)?;
        RoomStream::open(room, joining)
    }

    /// Joins, and waits until the server has let the client in or refused it, however long there is no connection.
    async fn join(self) -> Result<RoomStream, JoinError> {
        let mut stream = self.stream()?;
        loop {
            let next = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
            match next {
                Some(RoomEvent::Status(RoomStatus::Denied { code, message })) => {
                    return Err(JoinError::Denied { code, message });
                }
                None => return Err(JoinError::Closed),
                Some(RoomEvent::Status(RoomStatus::Joining)) => {}
                // The first page comes before the word that the membership holds.
                Some(event) => {
                    stream.put_back(event);
                    return Ok(stream);
                }
            }
        }
    }
}

impl IntoFuture for Join {
    type Output = Result<RoomStream, JoinError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.join())
    }
}
