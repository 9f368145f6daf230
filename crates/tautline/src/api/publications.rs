//! What is published to a room, and what was.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use tautline_engine::{Draft, Key, Level, MissingReason, Page, Published, Range};
use tautline_protocol::model::{EventName, Position, Publication, RoomName, RoomRule, Timestamp};
use tautline_protocol::wire::{ErrorCode, data_fault};
use utoipa::ToSchema;

use super::body::{self, Members, unprocessable};
use super::operator::Operator;
use super::query::{Query, Room, escaped};
use super::refusal::{Described, Unauthorized, wrong};
use super::{Api, PAGE_USUAL, Refused, answer};
use crate::lifecycle::{Act, Release};
use crate::terms;

/// A page of history has so many publications at most.
const HISTORY_MAX: usize = 300;
/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 64;
/// The longest user id, in bytes.
const USER_BYTES_MAX: usize = 256;
/// The last instant whose year has four digits, as ISO 8601 wants, in milliseconds.
const LAST_INSTANT: u64 = 253_402_300_799_999;

/// What is to be published.
#[derive(ToSchema)]
#[schema(as = NewPublication)]
struct New {
    /// What kind of publication it is: a letter, then up to 63 of `A-Z a-z 0-9 . _ -`. The types of the server's own
    /// messages are refused, `chat` excepted.
    #[schema(value_type = String, max_length = 64, example = "price")]
    event: EventName,
    /// Any JSON value, nested at most 32 levels.
    #[schema(value_type = serde_json::Value, example = json!({"eur": 17}))]
    data: Bytes,
    /// Makes a second attempt recognizable: within ten minutes the same key of the same user in the same room is
    /// published once.
    #[schema(value_type = Option<String>, max_length = 64)]
    key: Option<Arc<str>>,
    /// Who publishes, if it is in a user's name.
    #[schema(value_type = Option<String>, max_length = 256)]
    user: Option<Arc<str>>,
}

/// The place that a publication got.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Published)]
struct Placed {
    /// The life of the room's order that `offset` counts in.
    epoch: String,
    /// How many publications the room has seen with this one.
    offset: u64,
    /// The publication's id.
    id: String,
    /// Whether an earlier one with the same key already had this place.
    duplicate: bool,
    /// What it has survived: `memory`, `broker` or `disk`.
    level: &'static str,
}

/// A part of a room's past, oldest first and contiguous.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = History)]
struct Past<'a> {
    /// Where the room stood when it was read.
    position: At,
    /// The publications.
    messages: Vec<Message<'a>>,
    /// Whether there are more in the direction that was asked for.
    more: bool,
    /// What lies between the position asked for and the page, and is lost. Without it nothing is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    gap: Option<Gap>,
    /// Where to get the next page, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// A point in a room's order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Position)]
struct At {
    /// The life of the order that `offset` counts in.
    epoch: String,
    /// How many publications the room had seen.
    offset: u64,
    /// The id of the last of them.
    id: String,
}

/// A publication of a room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
struct Message<'a> {
    /// Its place in the room's order.
    offset: u64,
    /// Its id.
    id: String,
    /// What kind of publication it is.
    event: &'a str,
    /// What was published.
    #[schema(value_type = serde_json::Value)]
    data: &'a RawValue,
    /// Who published it; missing if a back end did in nobody's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    user: Option<&'a str>,
    /// When it got its place, in ISO 8601.
    sent_at: String,
}

/// Publications that cannot be handed out any more.
#[derive(Debug, Serialize, ToSchema)]
struct Gap {
    /// The first missing offset.
    from: u64,
    /// The last missing offset; 0 if all of the new epoch is kept.
    to: u64,
    /// `evicted`: they were trimmed. `epoch-changed`: the position is of another life of the room.
    reason: &'static str,
}

/// Publish to a room
///
/// The publication takes its place in the room's one order, behind those of clients that came before, and reaches
/// every member. The room's rule decides what is kept.
#[utoipa::path(
    post,
    path = "/v1/rooms/{room}/publications",
    operation_id = "publish",
    tag = "rooms",
    params(("room" = String, Path, description = "The room's name; `/` in it is written `%2F`.")),
    request_body = New,
    responses(
        (status = 201, description = "It was published.", body = Placed),
        (status = 200, description = "It was published before, with the same key.", body = Placed),
        (status = 400, description = "The room's name is none, or the body is no JSON object.", body = Described, content_type = "application/problem+json"),
        (status = 409, description = "The key was used before, with other content.", body = Described, content_type = "application/problem+json"),
        (status = 413, description = "The body is above `limits.message`, or `data` above what the room's rule allows.", body = Described, content_type = "application/problem+json"),
        (status = 415, description = "The body is not said to be JSON.", body = Described, content_type = "application/problem+json"),
        (status = 422, description = "A member of the body is wrong; `path` says which.", body = Described, content_type = "application/problem+json"),
        (status = 429, description = "The room is published to too often; wait `retryAfterMs`.", body = Described, content_type = "application/problem+json"),
        Unauthorized,
    )
)]
pub(super) async fn publish(
    State(api): State<Arc<Api>>,
    Operator(operator): Operator,
    Room(room): Room,
    request: Request,
) -> Result<Response, Refused> {
    let body = body::read(request, api.body).await?;
    let new = New::read(&body)?;
    let rule = api.session.rules.of(&room);
    check_size(rule, &new.data)?;
    let terms = terms::of(rule, &room, (&api.counts, api.audit.as_deref()))?;
    let (event, data, user) = (new.event.clone(), new.data.clone(), new.user.clone());
    let draft = Draft {
        event: new.event,
        data: new.data,
        user: new.user,
        tag: None,
        key: new.key.map(Key),
    };
    let published = api.engine.publish(&room, draft, terms).await?;
    if published.duplicate {
        return Ok(answer(StatusCode::OK, &Placed::from(published)));
    }
    let release = Release {
        room: &room,
        event: &event,
        data: &data,
        user: user.as_ref(),
        published,
    };
    api.operated(&operator, Act::Publish(&release));
    Ok(answer(StatusCode::CREATED, &Placed::from(published)))
}

/// A room's rule may allow less than a body holds.
fn check_size(rule: Option<&RoomRule>, data: &Bytes) -> Result<(), Refused> {
    let bytes_max = rule.map_or(usize::MAX, |rule| rule.data_bytes_max);
    if data.len() <= bytes_max {
        return Ok(());
    }
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    let detail = format!("data is above the {bytes_max} bytes that the room's rule allows");
    Err(wrong(status, "data", detail).coded(ErrorCode::TooLarge))
}

impl New {
    fn read(body: &[u8]) -> Result<Self, Refused> {
        let members = Members::read(body, &["event", "data", "key", "user"])?;
        let data = members.required("data")?;
        if let Some(fault) = data_fault(data.get()) {
            return Err(unprocessable("data", &fault).coded(ErrorCode::InvalidPayload));
        }
        let event = members.text("event", EventName::BYTES_MAX)?;
        let event = event.ok_or_else(|| unprocessable("event", "is missing"))?;
        let event = EventName::parse(&event)
            .map_err(|invalid| unprocessable("event", &format!("is wrong: {invalid}")))?;
        Ok(Self {
            event,
            data: Bytes::copy_from_slice(data.get().as_bytes()),
            key: members.text("key", KEY_BYTES_MAX)?.map(Into::into),
            user: members.text("user", USER_BYTES_MAX)?.map(Into::into),
        })
    }
}

impl From<Published> for Placed {
    fn from(published: Published) -> Self {
        let Position { epoch, offset, id } = published.position;
        Self {
            epoch: epoch.to_string(),
            offset,
            id: id.to_string(),
            duplicate: published.duplicate,
            level: match published.level {
                Level::Memory => "memory",
                Level::Broker => "broker",
                Level::Disk => "disk",
            },
        }
    }
}

/// Read what was published
///
/// The newest of what the room keeps, or what came after a position, or before an offset. With `after` the answer
/// is honest: it has a `gap` unless nothing is missing between the position and the first message.
#[utoipa::path(
    get,
    path = "/v1/rooms/{room}/publications",
    operation_id = "listPublications",
    tag = "rooms",
    params(
        ("room" = String, Path, description = "The room's name; `/` in it is written `%2F`."),
        ("after" = Option<String>, Query, description = "A position that was seen, as `epoch:offset:id`; oldest first."),
        ("before" = Option<u64>, Query, description = "The first offset that is not wanted; the newest before it."),
        ("limit" = Option<u32>, Query, description = "How many at most: 1 to 300, 100 if nothing is said."),
    ),
    responses(
        (status = 200, description = "A page of them.", body = Past<'static>),
        (status = 400, description = "The room's name is none, or a parameter is wrong; `path` says which.", body = Described, content_type = "application/problem+json"),
        Unauthorized,
    )
)]
pub(super) async fn history(
    State(api): State<Arc<Api>>,
    Room(room): Room,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let query = Query::read(query.as_deref(), &["after", "before", "limit"])?;
    let limit = u32::try_from(query.limit(HISTORY_MAX)?).unwrap_or(u32::MAX);
    let must = "a position: epoch:offset:id";
    let after = query.parsed("after", Position::parse, must)?;
    let before = query.parsed(
        "before",
        |text| text.parse().ok(),
        "an offset, a whole number",
    )?;
    let range = match (after, before) {
        (Some(_), Some(_)) => {
            let status = StatusCode::BAD_REQUEST;
            let detail = "after and before exclude one another; send one";
            return Err(wrong(status, "before", detail));
        }
        (Some(position), None) => Range::After { position, limit },
        (None, Some(offset)) => Range::Before { offset, limit },
        (None, None) => Range::Last { limit },
    };
    let page = api.engine.read(&room, range).await?;
    let next = next(&page, range, &query, &room);
    let past = Past {
        position: page.head.into(),
        messages: page
            .publications
            .iter()
            .map(|one| Message::of(one))
            .collect(),
        more: page.more,
        gap: page.missing.map(|missing| Gap {
            from: missing.from,
            to: missing.last.offset,
            reason: match missing.reason {
                MissingReason::Evicted => "evicted",
                MissingReason::EpochChanged => "epoch-changed",
            },
        }),
        next,
    };
    Ok(answer(StatusCode::OK, &past))
}

/// Where to go on: behind the newest of the page, or before its oldest.
fn next(page: &Page, range: Range, query: &Query, room: &RoomName) -> Option<String> {
    let path = format!("/v1/rooms/{}/publications", escaped(room.as_str()));
    let (name, value) = match range {
        Range::After { .. } => ("after", page.publications.last()?.position.to_string()),
        Range::Last { .. } | Range::Before { .. } => {
            let offset = page.publications.first()?.position.offset;
            ("before", offset.to_string())
        }
    };
    page.more.then(|| query.next(&path, name, &value))
}

impl From<Position> for At {
    fn from(position: Position) -> Self {
        Self {
            epoch: position.epoch.to_string(),
            offset: position.offset,
            id: position.id.to_string(),
        }
    }
}

impl<'a> Message<'a> {
    fn of(publication: &'a Publication) -> Self {
        Self {
            offset: publication.position.offset,
            id: publication.position.id.to_string(),
            event: publication.event.as_str(),
            data: serde_json::from_slice(&publication.data)
                .expect("what was published was checked to be JSON"),
            user: publication.user.as_deref(),
            sent_at: iso8601(publication.sent_at),
        }
    }
}

fn iso8601(timestamp: Timestamp) -> String {
    let since_epoch = Duration::from_millis(timestamp.0.min(LAST_INSTANT));
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since_epoch).to_string()
}

const _: () = assert!(
    PAGE_USUAL <= HISTORY_MAX,
    "a usual page is no larger than the largest"
);
