//! Connections: which there are, and how to end one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use tautline_engine::{Recipient, Signal};
use tautline_hub::Wanted;
use tautline_protocol::model::{ConnectionId, RoomName};
use utoipa::ToSchema;

use super::operator::Operator;
use super::query::{Id, Query};
use super::refusal::{Described, Unauthorized, missing};
use super::{Api, PAGE_MAX, Refused, answer};
use crate::inquiry::Found;
use crate::lifecycle::Act;

/// The one transport so far.
const TRANSPORT: &str = "websocket";

/// A page of connections.
#[derive(Debug, Serialize, ToSchema)]
struct Connections {
    /// The connections.
    connections: Vec<OneConnection>,
    /// Where to get the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// A connection of this server.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Connection)]
struct OneConnection {
    /// Its id.
    id: String,
    /// Whose it is; missing until that is proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    user: Option<Arc<str>>,
    /// Where it is a member, in the order of the joins.
    rooms: Vec<String>,
    /// Where it comes from.
    address: String,
    /// How it is connected: `websocket`.
    transport: &'static str,
    /// How old it is, in milliseconds.
    age_ms: u64,
    /// How long ago bytes came from it.
    since_read_ms: u64,
    /// How long ago bytes were written to it; missing if none ever were.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    since_write_ms: Option<u64>,
    /// The bytes that wait to be written to it.
    queued_bytes: usize,
}

/// List connections
///
/// The connections of this server. One that stays is told exactly once, page after page.
#[utoipa::path(
    get,
    path = "/v1/connections",
    operation_id = "listConnections",
    tag = "connections",
    params(
        ("user" = Option<String>, Query, description = "Only those of this user."),
        ("room" = Option<String>, Query, description = "Only those in this room."),
        ("limit" = Option<u32>, Query, description = "How many at most: 1 to 1000, 100 if nothing is said."),
        ("cursor" = Option<String>, Query, description = "Where to go on, as `next` of the page before has it."),
    ),
    responses(
        (status = 200, description = "A page of them.", body = Connections),
        (status = 400, description = "A parameter is wrong; `path` says which.", body = Described, content_type = "application/problem+json"),
        Unauthorized,
    )
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let query = Query::read(query.as_deref(), &["user", "room", "limit", "cursor"])?;
    let room = |text: &str| RoomName::parse(text).ok();
    let wanted = Wanted {
        user: query.get("user").map(Arc::from),
        room: query.parsed("room", room, "a room's name")?,
        after: None,
    };
    let limit = query.limit(PAGE_MAX)?;
    let cursor = |text: &str| ConnectionId::parse(text).filter(|id| api.shards.knows(*id));
    let must = "what `next` of the page before said, since the server was started";
    let after = query.parsed("cursor", cursor, must)?;
    let found = api.shards.connections(&wanted, after, limit).await?;
    let last = found.last().filter(|_| found.len() == limit);
    let next = last.map(|last| query.next("/v1/connections", "cursor", &last.sight.id.to_string()));
    let now = Instant::now();
    let connections = Connections {
        connections: found
            .into_iter()
            .map(|found| OneConnection::of(found, now))
            .collect(),
        next,
    };
    Ok(answer(StatusCode::OK, &connections))
}

impl OneConnection {
    fn of(Found { sight, from }: Found, now: Instant) -> Self {
        let since = |then: Instant| milliseconds(now.saturating_duration_since(then));
        let rooms = sight.rooms.iter().map(|room| room.as_str().to_owned());
        Self {
            id: sight.id.to_string(),
            user: sight.user,
            rooms: rooms.collect(),
            address: from.to_string(),
            transport: TRANSPORT,
            age_ms: since(sight.seen.opened),
            since_read_ms: since(sight.seen.read_at),
            since_write_ms: sight.written_at.map(since),
            queued_bytes: sight.bytes_queued,
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// End a connection
///
/// It is closed with 4410, which tells a client not to come back by itself. The answer comes when the connection has
/// been told to end, which takes it a moment.
#[utoipa::path(
    delete,
    path = "/v1/connections/{id}",
    operation_id = "disconnect",
    tag = "connections",
    params(("id" = String, Path, description = "The connection's id.")),
    responses(
        (status = 204, description = "It ends."),
        (status = 400, description = "This is no id of a connection.", body = Described, content_type = "application/problem+json"),
        (status = 404, description = "There is no such connection, or not any more.", body = Described, content_type = "application/problem+json"),
        Unauthorized,
    )
)]
pub(super) async fn disconnect(
    State(api): State<Arc<Api>>,
    Operator(operator): Operator,
    Id(id): Id,
) -> Result<StatusCode, Refused> {
    if !api.shards.have(id).await? {
        let detail = "this server has no such connection, or not any more";
        return Err(missing(detail));
    }
    let signal = Signal::Disconnect(id);
    api.engine.signal(Recipient::Node(id.node), signal).await?;
    api.operated(&operator, Act::Disconnect(id));
    Ok(StatusCode::NO_CONTENT)
}
