//! What the server says, as v1 text.

use super::object::Object;
use super::publication::{publication_bytes, write_publication};
use crate::model::{Member, RoomName};
use crate::wire::json::write_string;
use crate::wire::{ErrorCode, Message, RequestId};

/// Who speaks v1 is closed when something is missing. If not, this is what it can understand.
const MISSING: Message<'static> = Message::Error {
    code: ErrorCode::Unavailable,
    message: "messages are missing: join again to get what the room keeps",
    request: None,
};

/// What the server says, as the payload of one text message; empty if v1 does not say it.
pub fn encode(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, message);
    out
}

fn write(out: &mut Vec<u8>, message: &Message<'_>) {
    match *message {
        Message::Authenticated {
            connection,
            user,
            request,
        } => Object::begin(out, "auth_ok")
            .name("connectionId", &connection.to_string())
            .text("userId", user)
            .request(request)
            .end(),
        Message::Joined { room, request } => write_room(out, ("joined", "roomId"), room, request),
        Message::Left { room, request } => write_room(out, ("left", "roomId"), room, request),
        Message::Unsubscribed { room, request } => {
            write_room(out, ("unsubscribed", "topic"), room, request);
        }
        Message::Subscribed { rooms, request } => Object::begin(out, "subscribed")
            .list("topics", rooms, |out, room| {
                write_string(out, room.as_str());
            })
            .request(request)
            .end(),
        Message::History { room, publications } => {
            out.reserve(publications.iter().map(|it| publication_bytes(it)).sum());
            Object::begin(out, "history")
                .name("roomId", room.as_str())
                .list("messages", publications, |out, it| {
                    write_publication(out, it);
                })
                .end();
        }
        Message::Publication(publication) => write_publication(out, publication),
        Message::Gap { .. } => write(out, &MISSING),
        Message::Cast { .. } | Message::MemberChanged { .. } => {}
        Message::MemberJoined {
            room,
            member,
            count,
        } => {
            write_member(out, "userJoined", (room, member), count);
        }
        Message::MemberLeft {
            room,
            member,
            count,
        } => {
            write_member(out, "userLeft", (room, member), count);
        }
        Message::MemberCount { room, count } => Object::begin(out, "memberCount")
            .name("roomId", room.as_str())
            .count("memberCount", count)
            .end(),
        Message::Response { request, payload } => Object::begin(out, "response")
            .request(Some(request))
            .json("payload", payload.get().as_bytes())
            .end(),
        Message::Pong { sent_at, request } => Object::begin(out, "pong")
            .time("sentAt", sent_at)
            .request(request)
            .end(),
        Message::Error {
            code,
            message,
            request,
        } => Object::begin(out, "error")
            .name("code", code.name())
            .text("message", message)
            .request(request)
            .end(),
    }
}

fn write_room(
    out: &mut Vec<u8>,
    (kind, field): (&str, &str),
    room: &RoomName,
    request: Option<&RequestId>,
) {
    Object::begin(out, kind)
        .name(field, room.as_str())
        .request(request)
        .end();
}

fn write_member(out: &mut Vec<u8>, kind: &str, (room, member): (&RoomName, &Member), count: u32) {
    Object::begin(out, kind)
        .name("roomId", room.as_str())
        .text("userId", &member.user)
        .text("username", &member.name)
        .count("memberCount", count)
        .end();
}
