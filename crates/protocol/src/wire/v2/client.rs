//! What a client says in v2.
//!
//! The order of an enum's variants and of a struct's fields is the compact encoding: new ones are added
//! at the end, and none is ever taken away.

use serde::{Deserialize, Deserializer, Serialize};

use super::{Data, Empty, Fault, Text};
use crate::model::{Epoch, EventName, Position, RoomName};
use crate::wire::Token;

/// A name that a client chooses for itself, its version, a method, or what it conflates by.
pub type Label<'a> = Text<'a, 1, 64>;
/// A client's name for one publication.
pub type KeyText<'a> = Text<'a, 1, 128>;

/// The most rooms that a `hello` restores.
pub const HELLO_ROOMS_MAX: usize = 128;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
pub enum ClientMessage<'a> {
    /// Greets the server, proves who is there, and restores the rooms of an earlier connection. Always the first
    /// message. Answered by `welcome`.
    #[serde(borrow)]
    Hello(Hello<'a>),
    /// Hands in a new token before the old one ends. Answered by `refreshed`.
    Refresh(Refresh),
    /// Becomes a member of a room. Answered by `joined`.
    Join(Join<'a>),
    /// Is no member any more. Answered by `left`.
    Leave(Leave),
    /// Publishes to a room. Answered by `published`.
    Publish(Publish<'a>),
    /// Relays something to who is there now: never stored, never queued, never answered.
    Cast(Cast<'a>),
    /// Has received a room's publications up to an offset. Not answered.
    Ack(Ack),
    /// Reads a room's past. Answered by `history`.
    History(ReadHistory),
    /// Asks who is present. Answered by `members`.
    Members(ReadMembers),
    /// Changes what others see of this member. Answered by `presenceSet`.
    Presence(Presence<'a>),
    /// Asks the application. Answered by `response`, unless it is canceled.
    Request(Request<'a>),
    /// Asks for a `pong`.
    Ping(Empty),
    /// Answers a `ping`. Not answered.
    Pong(Empty),
    /// Does not wait any more for the answer to the request that has the same `requestId`. Not answered, nor is that.
    Cancel(Empty),
}

/// The payload of `hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Hello<'a> {
    /// The proof of identity; absent if the handshake had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// Which program this is.
    #[serde(borrow)]
    pub client: Client<'a>,
    /// Random, and the same for as long as the program runs: who published, whatever the connection.
    pub producer: Label<'a>,
    /// How the connection before this one ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// The rooms to be in, at most 128.
    #[serde(
        default,
        deserialize_with = "hello_rooms",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[cfg_attr(test, schemars(length(max = 128)))]
    pub rooms: Vec<Wanted<'a>>,
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Client<'a> {
    /// Such as `@tautline/client`.
    #[serde(borrow)]
    pub name: Label<'a>,
    /// Such as `1.2.3`.
    pub version: Label<'a>,
}

/// A room that a `hello` restores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Wanted<'a> {
    /// The room.
    pub room: RoomName,
    /// The last publication that the client has seen of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Position>,
    /// What others are to see of this member.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Data<'a>>,
}

/// How the client's last connection ended, as the client saw it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and all of them may hold together"
)]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The close code; 1006 where there was none.
    pub code: u16,
    /// Whether the close was clean.
    pub clean: bool,
    /// Whether an error was told before the close.
    pub error_first: bool,
    /// How long the connection lived.
    pub age_ms: u64,
    /// How long nothing had come in when it ended.
    pub idle_ms: u64,
    /// How long the machine slept meanwhile.
    pub asleep_ms: u64,
    /// Whether the page was hidden.
    pub hidden: bool,
    /// Whether the page came back from the browser's cache.
    pub bfcache: bool,
    /// Whether the browser said that it was offline.
    pub offline: bool,
    /// How many attempts to connect failed since.
    pub attempts: u32,
}

/// The payload of `refresh`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refresh {
    /// The new token, of the same user.
    pub token: Token,
}

/// The payload of `join`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Join<'a> {
    /// The room.
    pub room: RoomName,
    /// The last publication that the client has seen of it: what came after it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Position>,
    /// Without `since`: how many of the newest publications follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// What others are to see of this member.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Data<'a>>,
}

/// The payload of `leave`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Leave {
    /// The room.
    pub room: RoomName,
}

/// The payload of `publish`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Publish<'a> {
    /// The room.
    pub room: RoomName,
    /// What kind of publication it is.
    pub event: EventName,
    /// What is published.
    #[serde(borrow)]
    pub data: Data<'a>,
    /// Makes a second attempt recognizable: the same key yields the same place in the room's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyText<'a>>,
}

/// The payload of `cast`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cast<'a> {
    /// The room.
    pub room: RoomName,
    /// What kind of message it is.
    pub event: EventName,
    /// What is sent.
    #[serde(borrow)]
    pub data: Data<'a>,
    /// A later cast with the same word replaces one that still waits to be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflate: Option<Label<'a>>,
}

/// The payload of `ack`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ack {
    /// The room.
    pub room: RoomName,
    /// The epoch that the offset counts in.
    pub epoch: Epoch,
    /// Everything up to this offset has been received.
    pub offset: u64,
}

/// The payload of the client's `history`. With neither `before` nor `after`: the newest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReadHistory {
    /// The room.
    pub room: RoomName,
    /// What came before this offset, the newest of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// What came after this position, the oldest of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Position>,
    /// How many at most.
    pub limit: u32,
}

/// Which part of a room's past is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The newest.
    Newest,
    /// What came before this offset, the newest of it.
    Before(u64),
    /// What came after this position, the oldest of it.
    After(Position),
}

impl ReadHistory {
    /// Which part is read; saying two is one too many.
    pub fn part(&self) -> Result<Part, Fault> {
        match (self.before, self.after) {
            (None, None) => Ok(Part::Newest),
            (Some(offset), None) => Ok(Part::Before(offset)),
            (None, Some(position)) => Ok(Part::After(position)),
            (Some(_), Some(_)) => {
                let fault = Fault::must("absent where before is given");
                Err(fault.in_field("after").in_field("payload"))
            }
        }
    }
}

/// The payload of the client's `members`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReadMembers {
    /// The room.
    pub room: RoomName,
}

/// The payload of `presence`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Presence<'a> {
    /// The room.
    pub room: RoomName,
    /// What others see of this member from now on.
    #[serde(borrow)]
    pub state: Data<'a>,
}

/// The payload of `request`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Request<'a> {
    /// What is asked.
    #[serde(borrow)]
    pub method: Label<'a>,
    /// With what; `null` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Data<'a>>,
}

fn hello_rooms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Wanted<'de>>, D::Error> {
    let rooms: Vec<Wanted<'de>> = Option::deserialize(deserializer)?.unwrap_or_default();
    if rooms.len() > HELLO_ROOMS_MAX {
        let reason = format!("must have at most {HELLO_ROOMS_MAX} rooms");
        return Err(serde::de::Error::custom(reason));
    }
    Ok(rooms)
}
