//! Rooms, and who is present there.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use tautline_protocol::model::{Member, RoomName};
use utoipa::ToSchema;

use super::query::{Query, Room, escaped};
use super::refusal::{Described, Unauthorized};
use super::{Api, PAGE_MAX, Refused, answer};
use crate::inquiry::RoomPage;

/// A page of rooms, in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
struct Rooms {
    /// The rooms.
    rooms: Vec<OneRoom>,
    /// Where to get the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Room)]
struct OneRoom {
    /// Its name.
    room: String,
    /// How many connections of this server are there.
    connections: usize,
}

/// Who is present in a room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Members)]
struct Presence {
    /// How many connections are present, on whichever page.
    member_count: usize,
    /// Users, in the order of their ids.
    members: Vec<Present>,
    /// Where to get the next page, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// A user who is present, with any number of connections.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
struct Present {
    /// The user's id.
    user: String,
    /// What the user is called.
    name: String,
    /// The ids of the user's connections in this room.
    connections: Vec<String>,
}

/// List rooms
///
/// The rooms in which connections of this server are now.
#[utoipa::path(
    get,
    path = "/v1/rooms",
    operation_id = "listRooms",
    tag = "rooms",
    params(
        ("prefix" = Option<String>, Query, description = "Only rooms whose names begin so."),
        ("limit" = Option<u32>, Query, description = "How many at most: 1 to 1000, 100 if nothing is said."),
        ("cursor" = Option<String>, Query, description = "Where to go on, as `next` of the page before has it."),
    ),
    responses(
        (status = 200, description = "A page of them.", body = Rooms),
        (status = 400, description = "A parameter is wrong; `path` says which.", body = Described, content_type = "application/problem+json"),
        Unauthorized,
    )
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let query = Query::read(query.as_deref(), &["prefix", "limit", "cursor"])?;
    let parse = |text: &str| RoomName::parse(text).ok();
    let page = RoomPage {
        prefix: query.get("prefix").unwrap_or_default().to_owned(),
        after: query.parsed("cursor", parse, "what `next` of the page before said")?,
        limit: query.limit(PAGE_MAX)?,
    };
    let found = api.shards.rooms(&page).await?;
    let last = found.last().filter(|_| found.len() == page.limit);
    let next = last.map(|(name, _)| query.next("/v1/rooms", "cursor", name.as_str()));
    let rooms = found.into_iter().map(|(name, connections)| OneRoom {
        room: name.as_str().to_owned(),
        connections,
    });
    let rooms = Rooms {
        rooms: rooms.collect(),
        next,
    };
    Ok(answer(StatusCode::OK, &rooms))
}

/// List a room's members
///
/// Who is present, by user. A room without presence has nobody to tell of, whoever is connected to it.
#[utoipa::path(
    get,
    path = "/v1/rooms/{room}/members",
    operation_id = "listMembers",
    tag = "rooms",
    params(
        ("room" = String, Path, description = "The room's name; `/` in it is written `%2F`."),
        ("limit" = Option<u32>, Query, description = "How many users at most: 1 to 1000, 100 if nothing is said."),
        ("cursor" = Option<String>, Query, description = "Where to go on, as `next` of the page before has it."),
    ),
    responses(
        (status = 200, description = "A page of them.", body = Presence),
        (status = 400, description = "The room's name is none, or a parameter is wrong; `path` says which.", body = Described, content_type = "application/problem+json"),
        Unauthorized,
    )
)]
pub(super) async fn members(
    State(api): State<Arc<Api>>,
    Room(room): Room,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let query = Query::read(query.as_deref(), &["limit", "cursor"])?;
    let limit = query.limit(PAGE_MAX)?;
    let present = api.engine.members(&room).await?;
    let member_count = present.len();
    let mut users = by_user(&present, query.get("cursor"));
    let is_whole = users.len() <= limit;
    users.truncate(limit);
    let last = users.last().filter(|_| !is_whole);
    let path = format!("/v1/rooms/{}/members", escaped(room.as_str()));
    let next = last.map(|last| query.next(&path, "cursor", &last.user));
    let presence = Presence {
        member_count,
        members: users,
        next,
    };
    Ok(answer(StatusCode::OK, &presence))
}

/// The users behind `after`, in the order of their ids.
fn by_user(members: &[Member], after: Option<&str>) -> Vec<Present> {
    let mut users: BTreeMap<&str, Present> = BTreeMap::new();
    let wanted = |member: &&Member| after.is_none_or(|after| after < &*member.user);
    for member in members.iter().filter(wanted) {
        let present = users.entry(&member.user).or_insert_with(|| Present {
            user: member.user.as_ref().to_owned(),
            name: member.name.as_ref().to_owned(),
            connections: Vec::new(),
        });
        present.connections.push(member.connection.to_string());
    }
    users.into_values().collect()
}
