//! A room of the server.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tautline_protocol::client::{
    Acknowledged, Answer, CallError, Draft, HistoryPage, Joining, PublishError, Question,
};
use tautline_protocol::model::{EventName, Member, Position, Publication, RoomName};
use tautline_protocol::wire::v2::Part;
use tokio::sync::oneshot;

use crate::call::{Call, RequestError};
use crate::client::Client;
use crate::join::Join;
use crate::publishing::Pending;

/// A room of the server: a name and the client that knows it. Cheap to clone.
///
/// ```no_run
/// use tautline_client::Part;
/// # async fn run(client: tautline_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let room = client.room("doc:42")?;
/// let placed = room.publish("edit", &"hello").await?;
/// room.cast_latest("cursor", "cursor", &7);
/// let page = room.history(Part::Before(placed.position.offset), 50).await?;
/// println!("{} messages before it, {} members", page.messages.len(), room.members().await?.len());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Room {
    pub(crate) client: Client,
    pub(crate) name: RoomName,
}

impl Room {
    pub(crate) fn new(client: Client, name: RoomName) -> Self {
        Self { client, name }
    }

    /// The room's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Becomes a member. Say from where on, and await it: [`Join`].
    pub fn join(&self) -> Join {
        Join::new(self.clone(), Joining::default())
    }

    /// Publishes, and waits until the server has acknowledged it. Across lost connections it is sent again, and
    /// published once.
    ///
    /// Dropping the future does not unsend: see [`Room::enqueue`], which this is, awaited.
    pub async fn publish(
        &self,
        event: &str,
        data: &impl Serialize,
    ) -> Result<Acknowledged, PublishError> {
        self.enqueue(event, data)?.await
    }

    /// Takes a publication in, behind all others of this client, or refuses it at once where too much waits.
    ///
    /// ```
    /// use tautline_client::{Client, PublishError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Nobody listens there: it waits, and is known not to have left when the client is closed.
    /// let client = Client::builder("ws://127.0.0.1:1/ws").spawn()?;
    /// let pending = client.room("doc:42")?.enqueue("edit", &"hello")?;
    /// assert_eq!(client.pending(), 1);
    /// client.close();
    /// assert!(matches!(pending.await, Err(PublishError::NotSent(_))));
    /// # Ok(())
    /// # }
    /// ```
    pub fn enqueue(&self, event: &str, data: &impl Serialize) -> Result<Pending, PublishError> {
        self.enqueue_draft(event, data, None)
    }

    /// The same with a key of the application's, 1 to 128 characters: whatever happens to this program, the same
    /// key with the same content is published once within ten minutes.
    pub fn enqueue_with_key(
        &self,
        key: &str,
        event: &str,
        data: &impl Serialize,
    ) -> Result<Pending, PublishError> {
        self.enqueue_draft(event, data, Some(key.into()))
    }

    fn enqueue_draft(
        &self,
        event: &str,
        data: &impl Serialize,
        key: Option<Arc<str>>,
    ) -> Result<Pending, PublishError> {
        let draft = Draft {
            room: self.name.clone(),
            event: EventName::parse(event)
                .map_err(|_invalid| PublishError::NotSent("this is not an event's name"))?,
            data: json(data)
                .map_err(|_invalid| PublishError::NotSent("the data cannot be written as JSON"))?,
            key,
        };
        let (to, result) = oneshot::channel();
        self.client.shared().command(|desk, now| {
            let ticket = desk.session.publish(now, draft)?;
            desk.publishers.insert(ticket, to);
            Ok(Pending { result })
        })
    }

    /// Relays something to who is there now: not stored, not kept for a connection, not answered. False if there is no
    /// connection, or the event or the data is none.
    pub fn cast(&self, event: &str, data: &impl Serialize) -> bool {
        self.relay(event, data, None)
    }

    /// The same for something of which only the newest is worth anything: what may not leave yet waits, and gives way to
    /// a later one with the same word.
    pub fn cast_latest(&self, word: &str, event: &str, data: &impl Serialize) -> bool {
        self.relay(event, data, Some(word.into()))
    }

    fn relay(&self, event: &str, data: &impl Serialize, conflate: Option<Arc<str>>) -> bool {
        let (Ok(event), Ok(data)) = (EventName::parse(event), json(data)) else {
            return false;
        };
        let room = self.name.clone();
        self.client
            .shared()
            .command(|desk, now| desk.session.cast(now, room, (event, data), conflate))
    }

    /// In a room that asks for it: everything up to this message is handled, and is not sent again.
    pub fn acknowledge(&self, message: &Publication) {
        self.acknowledge_position(message.position);
    }

    /// The same for a position that was kept.
    pub fn acknowledge_position(&self, position: Position) {
        self.client
            .shared()
            .command(|desk, now| desk.session.acknowledge(now, &self.name, position));
    }

    /// Reads a page of the room's past.
    pub async fn history(&self, part: Part, limit: u32) -> Result<HistoryPage, CallError> {
        let room = self.name.clone();
        let question = Question::History { room, part, limit };
        match self.client.ask(question, None)?.await? {
            Answer::History(page) => Ok(page),
            other @ (Answer::Members(_) | Answer::PresenceSet | Answer::Response(_)) => {
                Err(Call::mismatch(&other))
            }
        }
    }

    /// Who is present; those of one user stand together.
    pub async fn members(&self) -> Result<Vec<Member>, CallError> {
        let room = self.name.clone();
        match self.client.ask(Question::Members { room }, None)?.await? {
            Answer::Members(members) => Ok(members),
            other @ (Answer::History(_) | Answer::PresenceSet | Answer::Response(_)) => {
                Err(Call::mismatch(&other))
            }
        }
    }

    /// Has others see this of this client, for as long as it is in the room. Without a connection it is shown with the next;
    /// if that takes too long, this fails as not sent all the same.
    pub async fn set_presence(&self, state: &impl Serialize) -> Result<(), RequestError> {
        let room = self.name.clone();
        let state = json(state).map_err(RequestError::Data)?;
        match self
            .client
            .ask(Question::Presence { room, state }, None)?
            .await?
        {
            Answer::PresenceSet => Ok(()),
            other @ (Answer::History(_) | Answer::Members(_) | Answer::Response(_)) => {
                Err(Call::mismatch(&other).into())
            }
        }
    }
}

fn json(data: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(data).map(Bytes::from)
}
