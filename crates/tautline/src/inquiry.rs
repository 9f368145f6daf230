//! What is asked of the shards, from threads of others, and how they answer: a message there, a message back.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use tautline_hub::{RoomSight, Sight, Wanted};
use tautline_protocol::model::{ConnectionId, NodeId, RoomName};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A shard has so long for an answer; it takes milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A question to one shard, with the way back.
#[derive(Debug)]
pub(crate) enum Inquiry {
    /// Which connections there are.
    Connections {
        wanted: Wanted,
        limit: usize,
        answer: oneshot::Sender<Vec<Found>>,
    },
    /// Which rooms there are.
    Rooms {
        page: RoomPage,
        answer: oneshot::Sender<Vec<RoomSight>>,
    },
    /// Whether there is this connection.
    Has(ConnectionId, oneshot::Sender<bool>),
}

/// A connection, and where it comes from.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) sight: Sight,
    pub(crate) from: IpAddr,
}

/// Which rooms are looked for.
#[derive(Debug, Clone)]
pub(crate) struct RoomPage {
    pub(crate) prefix: String,
    /// Only those behind this name.
    pub(crate) after: Option<RoomName>,
    pub(crate) limit: usize,
}

/// The way to one shard; answers whether the question went out.
pub(crate) type Way = Box<dyn Fn(Inquiry) -> bool + Send + Sync>;

/// All shards of this node, seen from outside.
pub(crate) struct Shards {
    node: NodeId,
    ways: Vec<Way>,
}

/// A shard has not answered: it has too much to do, or the server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a shard of the server does not answer: try again")]
pub(crate) struct Silent;

impl Shards {
    /// The shards in the order of their numbers.
    pub(crate) fn new(node: NodeId, ways: Vec<Way>) -> Self {
        Self { node, ways }
    }

    /// Whether the connection was named by this run of this server.
    pub(crate) fn knows(&self, id: ConnectionId) -> bool {
        id.node == self.node && usize::from(id.shard) < self.ways.len()
    }

    /// The connections that are wanted, at most `limit`, shard after shard, from behind `after` on.
    pub(crate) async fn connections(
        &self,
        wanted: &Wanted,
        after: Option<ConnectionId>,
        limit: usize,
    ) -> Result<Vec<Found>, Silent> {
        let first = after.map_or(0, |after| usize::from(after.shard));
        let mut found = Vec::new();
        for (nth, way) in self.ways.iter().enumerate().skip(first) {
            let mut wanted = wanted.clone();
            wanted.after = after.filter(|_| nth == first).map(|after| after.slot);
            let limit = limit - found.len();
            if limit == 0 {
                break;
            }
            let question = |answer| Inquiry::Connections {
                wanted,
                limit,
                answer,
            };
            found.extend(ask(way, question).await?);
        }
        Ok(found)
    }

    /// The rooms of the page in the order of their names, each with its connections on all shards.
    pub(crate) async fn rooms(&self, page: &RoomPage) -> Result<Vec<RoomSight>, Silent> {
        let mut rooms: BTreeMap<RoomName, usize> = BTreeMap::new();
        for way in &self.ways {
            let page = page.clone();
            let question = |answer| Inquiry::Rooms { page, answer };
            for (name, connections) in ask(way, question).await? {
                *rooms.entry(name).or_default() += connections;
            }
        }
        // Each shard has told its first ones, so that the first ones of all are among them, whole.
        Ok(rooms.into_iter().take(page.limit).collect())
    }

    /// Whether there is this connection.
    pub(crate) async fn have(&self, id: ConnectionId) -> Result<bool, Silent> {
        match self.ways.get(usize::from(id.shard)) {
            Some(way) if id.node == self.node => ask(way, |answer| Inquiry::Has(id, answer)).await,
            _ => Ok(false),
        }
    }
}

async fn ask<T>(
    way: &Way,
    question: impl FnOnce(oneshot::Sender<T>) -> Inquiry,
) -> Result<T, Silent> {
    let (answer, answered) = oneshot::channel();
    if !way(question(answer)) {
        return Err(Silent);
    }
    match timeout(ANSWER_WITHIN, answered).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(Silent),
    }
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shards({:?}, {})", self.node, self.ways.len())
    }
}
