//! What an application holds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tautline_protocol::client::{Answer, CallError, ConnectionState, Ending, Question};
use tautline_protocol::model::{InvalidRoomName, RoomName};
use tokio::sync::watch;

use crate::builder::Builder;
use crate::call::{Call, RequestError};
use crate::room::Room;
use crate::shared::Shared;

/// A client of one server: cheap to clone, and the same client in each clone.
///
/// It holds a connection, and opens another one whenever that is lost, until it is closed. When the last clone,
/// [`Room`] and [`RoomStream`](crate::RoomStream) is dropped, it closes the connection and ends its task.
#[derive(Clone)]
pub struct Client {
    held: Arc<Held>,
}

/// Dropped when nobody holds the client any more.
struct Held {
    shared: Arc<Shared>,
    events_max: usize,
}

/// The client was closed, by the application or for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the client is closed: {0}")]
pub struct Closed(pub Ending);

impl Client {
    /// A client of the server at this URL, such as `wss://rt.example.com/ws`.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    pub(crate) fn new(shared: Arc<Shared>, events_max: usize) -> Self {
        Self {
            held: Arc::new(Held { shared, events_max }),
        }
    }

    /// How the connection stands, now and whenever that changes.
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.shared().state.subscribe()
    }

    /// Waits until there is a connection, or there will be none. Cancel-safe: it only looks.
    pub async fn connected(&self) -> Result<(), Closed> {
        let mut state = self.state();
        loop {
            match &*state.borrow_and_update() {
                ConnectionState::Connected { .. } => return Ok(()),
                ConnectionState::Closed { cause } => return Err(Closed(cause.clone())),
                ConnectionState::Idle
                | ConnectionState::Connecting { .. }
                | ConnectionState::Reconnecting { .. } => {}
            }
            if state.changed().await.is_err() {
                // The state lives as long as this client does.
                std::future::pending::<()>().await;
            }
        }
    }

    /// A room of the server. Nothing is said to the server before it is joined or published to.
    pub fn room(&self, name: &str) -> Result<Room, InvalidRoomName> {
        Ok(Room::new(self.clone(), RoomName::parse(name)?))
    }

    /// Asks the application's backend, and waits for the answer for as long as [`Timeouts::call`](crate::Timeouts::call)
    /// says. Dropping the future cancels the request.
    pub async fn request<R: DeserializeOwned>(
        &self,
        method: &str,
        data: &impl Serialize,
    ) -> Result<R, RequestError> {
        self.request_within(method, data, None).await
    }

    /// The same with a time of its own.
    pub async fn request_within<R: DeserializeOwned>(
        &self,
        method: &str,
        data: &impl Serialize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<R, RequestError> {
        let question = Question::Request {
            method: method.into(),
            data: Bytes::from(serde_json::to_vec(data).map_err(RequestError::Data)?),
        };
        match self.ask(question, timeout.into())?.await? {
            Answer::Response(data) => serde_json::from_slice(&data).map_err(RequestError::Data),
            other @ (Answer::History(_) | Answer::Members(_) | Answer::PresenceSet) => {
                Err(Call::mismatch(&other).into())
            }
        }
    }

    pub(crate) fn ask(
        &self,
        question: Question,
        timeout: Option<Duration>,
    ) -> Result<Call, CallError> {
        Call::new(Arc::clone(&self.held.shared), question, timeout)
    }

    /// How many publications are not acknowledged.
    pub fn pending(&self) -> usize {
        self.shared().with(|desk, _| desk.session.pending())
    }

    /// Makes the next attempt to connect at once, if one waits.
    pub fn retry_now(&self) {
        self.shared()
            .command(|desk, now| desk.session.retry_now(now));
    }

    /// Connects again after the client was closed; its rooms are to be joined again.
    pub fn connect(&self) {
        self.shared().command(|desk, now| desk.session.connect(now));
    }

    /// Closes at once. What is not acknowledged fails.
    pub fn close(&self) {
        self.shared().command(|desk, now| desk.session.close(now));
    }

    /// Takes nothing in any more, waits until everything published is acknowledged, for `patience` at most, and closes:
    /// the server has heard of it when this returns, or has not answered for a second. Dropping the future does not
    /// stop that.
    pub async fn drain(&self, patience: Duration) {
        self.shared()
            .command(|desk, now| desk.session.drain(now, patience));
        let mut state = self.state();
        let is_closed = |state: &ConnectionState| matches!(state, ConnectionState::Closed { .. });
        // The state lives as long as this client does, and so does what is open.
        state.wait_for(is_closed).await.ok();
        let mut open = self.shared().open.subscribe();
        open.wait_for(|open| *open == 0).await.ok();
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.held.shared
    }

    pub(crate) fn events_max(&self) -> usize {
        self.held.events_max
    }
}

/// Shows how the connection stands, and nothing of what waits: payloads do not belong in logs.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &*self.shared().state.borrow())
            .finish_non_exhaustive()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.command(|desk, now| {
            desk.is_orphaned = true;
            desk.session.close(now);
        });
    }
}
