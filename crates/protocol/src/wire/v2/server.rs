//! What the server says in v2.
//!
//! The order of an enum's variants and of a struct's fields is the compact encoding: new ones are added
//! at the end, and none is ever taken away.

use serde::{Deserialize, Deserializer, Serialize};

use super::{Data, Empty, Words};
use crate::model::{
    ConnectionId, Epoch, EventName, Position, PublicationId, Rate, RoomName, Timestamp,
};
use crate::wire::{CloseCode, ErrorCode};

/// What the server says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
pub enum ServerMessage<'a> {
    /// Answers `hello`.
    #[serde(borrow)]
    Welcome(Welcome<'a>),
    /// Answers `refresh`.
    Refreshed(Refreshed),
    /// Answers `join`.
    Joined(Joined<'a>),
    /// Answers `leave`.
    Left(Left),
    /// Something was published.
    Message(Message<'a>),
    /// Something was relayed.
    Cast(Relayed<'a>),
    /// Answers `publish`.
    Published(Published),
    /// Answers `history`.
    History(History<'a>),
    /// Answers `members`.
    Members(Members<'a>),
    /// A member came.
    MemberJoined(MemberChange<'a>),
    /// A member went.
    MemberLeft(MemberChange<'a>),
    /// What others see of a member is different now.
    MemberChanged(MemberChanged<'a>),
    /// How many members a large room has, instead of each coming and going.
    MemberCount(MemberCount),
    /// Answers `presence`.
    PresenceSet(PresenceSet),
    /// Answers `request`.
    Response(Response<'a>),
    /// Publications are missing.
    Gap(Gap),
    /// The token ends soon: refresh it.
    Expiring(Expiring),
    /// The server is about to end the connection: open another one.
    Goaway(Goaway<'a>),
    /// The connection is no member of a room any more, although it did not leave.
    Removed(Removed<'a>),
    /// The connection ends now. Overrides what the close code says.
    Bye(Bye),
    /// Something was not done, and the connection goes on.
    Error(Failure<'a>),
    /// Asks for a `pong`.
    Ping(Empty),
    /// Answers a `ping`.
    Pong(Empty),
}

/// The payload of `welcome`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Welcome<'a> {
    /// The connection's name.
    pub connection: ConnectionId,
    /// Who the token says is there.
    #[serde(borrow)]
    pub user: Words<'a>,
    /// The server's time.
    pub server_time: Timestamp,
    /// A `ping` comes at least so often.
    pub ping_every_ms: u64,
    /// What the client may do.
    pub limits: Limits,
    /// When to come back after the connection was lost.
    pub retry: RetryWindow,
    /// How long the token is good for; absent if it does not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ttl_ms: Option<u64>,
    /// What became of the rooms of `hello`, in their order.
    #[serde(
        default,
        deserialize_with = "list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub rooms: Vec<Restored<'a>>,
}

/// What a client may do. A rate that is absent is no limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The largest message, in bytes.
    pub message_bytes: u64,
    /// The most rooms of a connection.
    pub rooms: u32,
    /// How often it may publish or cast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<Rate>,
    /// How often it may join or leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<Rate>,
    /// How often it may ask for something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Rate>,
}

/// When to come back after the connection was lost without a word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RetryWindow {
    /// The first attempt is at a random point of this time.
    pub first_window_ms: u64,
    /// No later attempt waits longer than this.
    pub cap_ms: u64,
}

/// What became of a room of `hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
pub enum Restored<'a> {
    /// The connection is a member.
    #[serde(borrow)]
    Joined(Joined<'a>),
    /// It is not; `details` has the room.
    Error(Failure<'a>),
}

/// The payload of `refreshed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Refreshed {
    /// How long the new token is good for; absent if it does not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ttl_ms: Option<u64>,
}

/// The payload of `joined`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Joined<'a> {
    /// The room.
    pub room: RoomName,
    /// Where the client stands with these messages: at the last of them, or where it goes on without any.
    pub position: Position,
    /// Whether nothing is missing between `since` and here.
    pub recovered: bool,
    /// The first page, oldest first.
    #[serde(borrow)]
    pub messages: Vec<Message<'a>>,
    /// Whether further messages are on their way that were published before the join.
    pub more: bool,
    /// Who is present; absent in large rooms, and where it may not be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Member<'a>>>,
    /// What is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<Missing>,
    /// How the room asks for acknowledgements; absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<Acknowledging>,
}

/// How a room asks for acknowledgements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Acknowledging {
    /// What is not acknowledged within this time is sent again.
    pub timeout_ms: u64,
    /// So many messages at most are sent beyond what is acknowledged.
    pub in_flight: u32,
}

/// Publications that cannot be delivered any more. Offsets are those of the room's present epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Missing {
    /// The first missing offset.
    pub from: u64,
    /// The last missing offset; 0 if the epoch changed and all of the new one follows.
    pub to: u64,
    /// Why they are missing.
    pub reason: GapReason,
}

/// Why publications are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// The room does not keep them any more.
    Evicted,
    /// The position is of another epoch, or of another order.
    EpochChanged,
    /// They are more than are delivered at once.
    Limit,
    /// The client read too slowly.
    SlowConsumer,
}

/// The payload of `left`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Left {
    /// The room.
    pub room: RoomName,
}

/// The payload of `message`, and each message of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Message<'a> {
    /// The room.
    pub room: RoomName,
    /// Its place in the room's order.
    pub offset: u64,
    /// Its identity.
    pub id: PublicationId,
    /// What kind of publication it is.
    pub event: EventName,
    /// What was published.
    #[serde(borrow)]
    pub data: Data<'a>,
    /// Who published it; absent if the application's backend did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Words<'a>>,
    /// When it got its place.
    pub sent_at: Timestamp,
    /// The `producer` that published it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<Words<'a>>,
}

/// The payload of the server's `cast`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Relayed<'a> {
    /// The room.
    pub room: RoomName,
    /// What kind of message it is.
    pub event: EventName,
    /// What was sent.
    #[serde(borrow)]
    pub data: Data<'a>,
    /// Who sent it; absent if the application's backend did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Words<'a>>,
}

/// The payload of `published`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Published {
    /// The epoch that the offset counts in.
    pub epoch: Epoch,
    /// The publication's place in the room's order.
    pub offset: u64,
    /// Its identity.
    pub id: PublicationId,
    /// Whether an earlier publication with the same key already had this place.
    pub duplicate: bool,
    /// What it has survived.
    pub level: Level,
}

/// What a publication has survived when it is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// It is in the server's memory.
    Memory,
    /// It is on the servers of the engine.
    Broker,
    /// It is synced to disk.
    Disk,
}

/// The payload of the server's `history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct History<'a> {
    /// The room.
    pub room: RoomName,
    /// Where the room stands.
    pub position: Position,
    /// A page of its past, oldest first.
    #[serde(borrow)]
    pub messages: Vec<Message<'a>>,
    /// Whether there is more: newer for `after`, else older.
    pub more: bool,
}

/// The payload of the server's `members`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Members<'a> {
    /// The room.
    pub room: RoomName,
    /// Everyone present; those of one user stand together.
    #[serde(borrow)]
    pub members: Vec<Member<'a>>,
}

/// One connection that is present in a room. A user with two connections is two members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Member<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// Whose it is.
    #[serde(borrow)]
    pub user: Words<'a>,
    /// What the user is called.
    pub name: Words<'a>,
    /// What it wants others to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Data<'a>>,
}

/// The payload of `memberJoined` and `memberLeft`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MemberChange<'a> {
    /// The room.
    pub room: RoomName,
    /// Who.
    #[serde(borrow)]
    pub member: Member<'a>,
}

/// The payload of `memberChanged`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MemberChanged<'a> {
    /// The room.
    pub room: RoomName,
    /// Who, as it is now.
    #[serde(borrow)]
    pub member: Member<'a>,
    /// The connection that it had, if it has another now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<ConnectionId>,
}

/// The payload of `memberCount`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MemberCount {
    /// The room.
    pub room: RoomName,
    /// How many members there are.
    pub count: u32,
}

/// The payload of `presenceSet`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PresenceSet {
    /// The room.
    pub room: RoomName,
}

/// The payload of `response`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Response<'a> {
    /// The answer.
    #[serde(borrow)]
    pub data: Data<'a>,
}

/// The payload of `gap`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Gap {
    /// The room.
    pub room: RoomName,
    /// The first missing offset.
    pub from: u64,
    /// The last missing offset; 0 if the epoch changed and all of the new one follows.
    pub to: u64,
    /// Where it goes on, with the new epoch if it changed.
    pub position: Position,
    /// Why they are missing.
    pub reason: GapReason,
}

/// The payload of `expiring`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Expiring {
    /// When the token ends.
    pub in_ms: u64,
}

/// The payload of `goaway`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Goaway<'a> {
    /// Why, for people.
    #[serde(borrow)]
    pub reason: Words<'a>,
    /// When the connection is ended at the latest.
    pub deadline_ms: u64,
    /// The new connection is to be opened at a random point of this time.
    pub window_ms: u64,
    /// Where, if not at the same place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Words<'a>>,
}

/// The payload of `removed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Removed<'a> {
    /// The room.
    pub room: RoomName,
    /// Why, for programs.
    pub code: ErrorCode,
    /// Why, for people.
    #[serde(borrow)]
    pub message: Words<'a>,
}

/// The payload of `bye`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Bye {
    /// The code of the close that follows.
    pub code: CloseCode,
    /// Whether to come back.
    pub retry: bool,
    /// When, at the earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
}

/// The payload of `error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Failure<'a> {
    /// Why, for programs.
    pub code: ErrorCode,
    /// Why and what to do, for people.
    #[serde(borrow)]
    pub message: Words<'a>,
    /// Whether the same message may succeed later.
    pub retryable: bool,
    /// When, at the earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details<'a>>,
}

/// What an error is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Details<'a> {
    /// The part of the message, such as `payload.rooms[2].since`.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub path: Option<Words<'a>>,
    /// The room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
}

/// A list that is absent where it is empty.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
