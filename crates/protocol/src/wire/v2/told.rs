//! What all members of a room are told, in the words of v2: made once for everybody who has the same encoding.

use super::{
    Data, Gap, GapReason, Member, MemberChange, MemberChanged, MemberCount, Message, Missing,
    Relayed, ServerMessage, Words,
};
use crate::model::{self, Publication, RoomName};
use crate::wire;

impl<'a> ServerMessage<'a> {
    /// The message that tells the members of a room of it; none if v2 says it to one client only, as an answer.
    pub fn told(message: &wire::Message<'a>) -> Option<Self> {
        Some(match *message {
            wire::Message::Publication(publication) => Self::Message(publication.into()),
            wire::Message::Cast {
                room,
                event,
                data: sent,
                user,
            } => Self::Cast(Relayed {
                room: room.clone(),
                event: event.clone(),
                data: data(sent),
                user: user.map(Words::from),
            }),
            wire::Message::MemberChanged { room, member, was } => {
                Self::MemberChanged(MemberChanged {
                    room: room.clone(),
                    member: member.into(),
                    was,
                })
            }
            wire::Message::MemberJoined { room, member, .. } => {
                Self::MemberJoined(change(room, member))
            }
            wire::Message::MemberLeft { room, member, .. } => {
                Self::MemberLeft(change(room, member))
            }
            wire::Message::MemberCount { room, count } => Self::MemberCount(MemberCount {
                room: room.clone(),
                count,
            }),
            wire::Message::Gap { room, gap } => {
                let Missing { from, to, reason } = gap.into();
                Self::Gap(Gap {
                    room: room.clone(),
                    from,
                    to,
                    position: gap.until,
                    reason,
                })
            }
            wire::Message::Authenticated { .. }
            | wire::Message::Joined { .. }
            | wire::Message::Left { .. }
            | wire::Message::Subscribed { .. }
            | wire::Message::Unsubscribed { .. }
            | wire::Message::History { .. }
            | wire::Message::Response { .. }
            | wire::Message::Pong { .. }
            | wire::Message::Error { .. } => return None,
        })
    }
}

impl From<model::Gap> for Missing {
    fn from(gap: model::Gap) -> Self {
        Self {
            from: gap.from,
            to: gap.until.offset,
            reason: match gap.reason {
                model::GapReason::Evicted => GapReason::Evicted,
                model::GapReason::EpochChanged => GapReason::EpochChanged,
                model::GapReason::Limit => GapReason::Limit,
                model::GapReason::SlowConsumer => GapReason::SlowConsumer,
            },
        }
    }
}

fn change<'a>(room: &RoomName, member: &'a model::Member) -> MemberChange<'a> {
    MemberChange {
        room: room.clone(),
        member: member.into(),
    }
}

impl<'a> From<&'a model::Member> for Member<'a> {
    fn from(member: &'a model::Member) -> Self {
        Self {
            connection: member.connection,
            user: Words::from(&*member.user),
            name: Words::from(&*member.name),
            state: member.state.as_deref().map(data),
        }
    }
}

impl<'a> From<&'a Publication> for Message<'a> {
    fn from(publication: &'a Publication) -> Self {
        Self {
            room: publication.room.clone(),
            offset: publication.position.offset,
            id: publication.position.id,
            event: publication.event.clone(),
            data: data(&publication.data),
            user: publication.user.as_deref().map(Words::from),
            sent_at: publication.sent_at,
            producer: publication.tag.as_deref().map(Words::from),
        }
    }
}

/// Data that was checked when it came in; a value that should not be there says nothing.
pub(super) fn data(json: &[u8]) -> Data<'_> {
    Data::parse(json).unwrap_or(Data::NULL)
}
