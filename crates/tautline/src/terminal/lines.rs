//! What happens, as programs read it: one object of JSON per line. The types and fields are those of the wire
//! where it has them, and a promise to scripts: docs/guide/terminal.md.

use std::time::{Duration, Instant, UNIX_EPOCH};

use tautline_client::{
    Acknowledged, ConnectionState, Gap, GapReason, Level, Member, PresenceEvent, Publication,
    PublishError, RoomEvent, RoomName, RoomStatus,
};

use super::object::Object;

/// The end of the year 9999, the last that a text can say.
const LAST_MS: u64 = 253_402_300_799_999;

/// Something that happened in a room.
pub(super) fn event(room: &RoomName, event: &RoomEvent) -> String {
    let typed = |kind: &str| Object::typed(kind).field("room", room.as_str());
    match event {
        RoomEvent::Message(publication) => message(publication),
        RoomEvent::Gap(gap) => missing(room, gap),
        RoomEvent::Cast(cast) => typed("cast")
            .field("event", cast.event.as_str())
            .optional("user", cast.user.as_deref())
            .json("data", &String::from_utf8_lossy(&cast.data))
            .line(),
        RoomEvent::Status(status) => standing(room, status),
        RoomEvent::Presence(change) => match change {
            PresenceEvent::Members(members) => {
                let members: Vec<String> = members.iter().map(member).collect();
                let members = format!("[{}]", members.join(","));
                typed("members").json("members", &members).line()
            }
            PresenceEvent::Joined(one) => typed("memberJoined").json("member", &member(one)).line(),
            PresenceEvent::Left(one) => typed("memberLeft").json("member", &member(one)).line(),
            PresenceEvent::Changed { member: one, was } => typed("memberChanged")
                .json("member", &member(one))
                .optional("was", was.map(|was| was.to_string()))
                .line(),
            PresenceEvent::Count(count) => typed("memberCount").field("count", *count).line(),
        },
    }
}

/// How the connection stands.
pub(super) fn connection(now: Instant, state: &ConnectionState) -> String {
    let typed = |state: &str| Object::typed("connection").field("state", state);
    match state {
        ConnectionState::Idle => typed("idle").line(),
        ConnectionState::Connecting { attempt } => {
            typed("connecting").field("attempt", *attempt).line()
        }
        ConnectionState::Connected { connection, user } => typed("connected")
            .field("connection", connection.to_string())
            .field("user", &**user)
            .line(),
        ConnectionState::Reconnecting {
            attempt,
            retry_at,
            cause,
        } => {
            let wait = retry_at.map(|at| at.saturating_duration_since(now).as_millis());
            typed("reconnecting")
                .field("attempt", *attempt)
                .optional("inMs", wait.and_then(|wait| u64::try_from(wait).ok()))
                .field("code", cause.code)
                .field("reason", cause.to_string())
                .line()
        }
        ConnectionState::Closed { cause } => typed("closed")
            .field("code", cause.code)
            .field("reason", cause.to_string())
            .line(),
    }
}

/// The place that a publication has got.
pub(super) fn published(room: &RoomName, line: Option<u64>, placed: &Acknowledged) -> String {
    Object::typed("published")
        .field("room", room.as_str())
        .optional("line", line)
        .field("offset", placed.position.offset)
        .field("id", placed.position.id.to_string())
        .field("position", placed.position.to_string())
        .field("duplicate", placed.duplicate)
        .field("level", level(placed.level))
        .line()
}

/// Why there is none.
pub(super) fn failed(room: &RoomName, line: Option<u64>, error: &PublishError) -> String {
    let (outcome, code) = match error {
        PublishError::NotSent(_) => ("not-published", None),
        PublishError::Unknown(_) => ("unknown", None),
        PublishError::Refused { code, .. } => ("refused", Some(code.name())),
    };
    Object::typed("failed")
        .field("room", room.as_str())
        .optional("line", line)
        .field("outcome", outcome)
        .optional("code", code)
        .field("message", error.to_string())
        .line()
}

/// Someone who is present, as a line.
pub(super) fn present(room: &RoomName, one: &Member) -> String {
    let object = Object::typed("member").field("room", room.as_str());
    described(object, one).line()
}

/// The word for what a publication has survived.
pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Memory => "memory",
        Level::Broker => "broker",
        Level::Disk => "disk",
    }
}

fn message(message: &Publication) -> String {
    let sent_at = UNIX_EPOCH + Duration::from_millis(message.sent_at.0.min(LAST_MS));
    Object::typed("message")
        .field("room", message.room.as_str())
        .field("offset", message.position.offset)
        .field("id", message.position.id.to_string())
        .field("position", message.position.to_string())
        .field("event", message.event.as_str())
        .optional("user", message.user.as_deref())
        .field(
            "sentAt",
            humantime::format_rfc3339_millis(sent_at).to_string(),
        )
        .optional("producer", message.tag.as_deref())
        .json("data", &String::from_utf8_lossy(&message.data))
        .line()
}

fn missing(room: &RoomName, gap: &Gap) -> String {
    let reason = match gap.reason {
        GapReason::Evicted => "evicted",
        GapReason::EpochChanged => "epoch-changed",
        GapReason::Limit => "limit",
        GapReason::SlowConsumer => "slow-consumer",
        GapReason::ClientOverflow => "client-overflow",
    };
    Object::typed("gap")
        .field("room", room.as_str())
        .field("from", gap.from)
        .field("to", gap.to)
        .field("position", gap.position.to_string())
        .field("reason", reason)
        .line()
}

fn standing(room: &RoomName, status: &RoomStatus) -> String {
    let typed = |status: &str| {
        Object::typed("status")
            .field("room", room.as_str())
            .field("status", status)
    };
    match status {
        RoomStatus::Joining => typed("joining").line(),
        RoomStatus::Live {
            position,
            recovered,
            wants_acks,
        } => typed("live")
            .field("position", position.to_string())
            .field("recovered", *recovered)
            .field("wantsAcks", *wants_acks)
            .line(),
        RoomStatus::Denied { code, message } => typed("denied")
            .field("code", code.name())
            .field("message", message.as_str())
            .line(),
        RoomStatus::Left => typed("left").line(),
    }
}

fn member(member: &Member) -> String {
    described(Object::new(), member).close()
}

fn described(object: Object, member: &Member) -> Object {
    let object = object
        .field("connection", member.connection.to_string())
        .field("user", &*member.user)
        .field("name", &*member.name);
    match &member.state {
        Some(state) => object.json("state", &String::from_utf8_lossy(state)),
        None => object,
    }
}
