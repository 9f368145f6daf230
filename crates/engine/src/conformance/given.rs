//! What facts are told of: rooms, drafts and terms.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::{
    ConnectionId, EventName, Member, NodeId, Position, Publication, Retention, RoomName,
};
use uuid::Uuid;

use crate::{Draft, Engine, Key, Level, Page, Range, Terms};

/// A room that no other fact uses.
pub(super) fn room() -> RoomName {
    RoomName::parse(&unique("room")).unwrap()
}

/// A node that no other fact uses.
pub(super) fn node() -> NodeId {
    NodeId(getrandom::u32().unwrap())
}

/// A word that no other fact uses.
pub(super) fn unique(stem: &str) -> String {
    format!("{stem}:{}", Uuid::now_v7().simple())
}

/// A draft by ann, without a key.
pub(super) fn draft(data: &str) -> Draft {
    Draft {
        event: EventName::parse("note").unwrap(),
        data: Bytes::from(format!("{data:?}")),
        user: Some("ann".into()),
        tag: None,
        key: None,
    }
}

pub(super) fn keyed(data: &str, key: &str) -> Draft {
    Draft {
        key: Some(Key(key.into())),
        ..draft(data)
    }
}

/// Terms that keep `count` publications, for longer than any fact lasts.
pub(super) fn keep(count: u32) -> Terms {
    Terms {
        history: Retention {
            count,
            age: Duration::from_hours(1),
        },
        level: Level::Memory,
        key_window: Duration::from_mins(10),
    }
}

/// Publishes `count` drafts, and answers with the position before the first and all of theirs.
pub(super) async fn publish(
    engine: &dyn Engine,
    room: &RoomName,
    count: u32,
    terms: Terms,
) -> Vec<Position> {
    let mut positions = vec![engine.head(room).await.unwrap()];
    for number in 0..count {
        let draft = draft(&number.to_string());
        let published = engine.publish(room, draft, terms).await.unwrap();
        positions.push(published.position);
    }
    positions
}

/// A member that no other fact uses.
pub(super) fn member(node: NodeId, slot: u32, user: &str) -> Member {
    Member {
        connection: ConnectionId {
            node,
            shard: 0,
            slot,
            serial: 1,
        },
        user: user.into(),
        name: user.to_uppercase().into(),
        state: None,
    }
}

pub(super) async fn last(engine: &dyn Engine, room: &RoomName) -> Page {
    engine
        .read(room, Range::Last { limit: 10_000 })
        .await
        .unwrap()
}

pub(super) async fn after(engine: &dyn Engine, room: &RoomName, position: Position) -> Page {
    let range = Range::After {
        position,
        limit: 10_000,
    };
    engine.read(room, range).await.unwrap()
}

pub(super) fn offsets<'a>(
    publications: impl IntoIterator<Item = &'a Arc<Publication>>,
) -> Vec<u64> {
    publications
        .into_iter()
        .map(|publication| publication.position.offset)
        .collect()
}
