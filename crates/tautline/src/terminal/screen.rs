//! What happens in rooms, as people read it: one line each, in columns.

use tautline_client::{
    Cast, Gap, GapReason, Member, PresenceEvent, Publication, RoomEvent, RoomName, RoomStatus,
    Timestamp,
};

use super::object::compact;
use super::status::Look;
use crate::color::{CYAN, DIM, GREEN, YELLOW};
use crate::plain::escape;

/// How wide the columns are at least.
const OFFSET_WIDTH: usize = 6;
const NAME_WIDTH: usize = 12;
const TIME_WIDTH: usize = 9;
/// A room's column is no wider, unless its name is.
const ROOM_WIDTH_MAX: usize = 24;
/// So many of who is present are named.
const NAMES_MAX: usize = 20;

/// The columns of a terminal.
#[derive(Debug)]
pub(super) struct Screen {
    look: Look,
    /// How wide the column of the rooms is; none where there is one room.
    room_width: Option<usize>,
    /// What is printed is acknowledged.
    acknowledges: bool,
}

/// A line in columns. What does not apply is empty.
struct Row<'a> {
    time: String,
    room: &'a RoomName,
    place: String,
    event: &'a str,
    user: Option<&'a str>,
    data: &'a [u8],
}

impl Screen {
    pub(super) fn new(look: Look, rooms: &[RoomName], acknowledges: bool) -> Self {
        let widest = rooms.iter().map(|room| room.as_str().len()).max();
        Self {
            look,
            room_width: widest
                .filter(|_| rooms.len() > 1)
                .map(|width| width.min(ROOM_WIDTH_MAX)),
            acknowledges,
        }
    }

    /// What is to be said of it; nothing if that is not for people.
    pub(super) fn event(&self, room: &RoomName, event: &RoomEvent) -> String {
        match event {
            RoomEvent::Message(message) => self.message(message),
            RoomEvent::Gap(gap) => self.remark(room, YELLOW, &format!("… {}", missing(gap))),
            RoomEvent::Cast(cast) => self.cast(room, cast),
            RoomEvent::Presence(change) => self.remark(room, DIM, &presence(change)),
            RoomEvent::Status(RoomStatus::Live {
                position,
                recovered,
                wants_acks,
            }) => {
                let mut said = if *recovered {
                    format!("goes on behind {}, nothing is missing", position.offset)
                } else {
                    format!("joined at {}", position.offset)
                };
                if *wants_acks && !self.acknowledges {
                    said.push_str("; it asks for acknowledgements, see --ack");
                }
                self.remark(room, DIM, &said)
            }
            RoomEvent::Status(
                RoomStatus::Joining | RoomStatus::Denied { .. } | RoomStatus::Left,
            ) => String::new(),
        }
    }

    fn message(&self, message: &Publication) -> String {
        self.row(&Row {
            time: clock(message.sent_at),
            room: &message.room,
            place: message.position.offset.to_string(),
            event: message.event.as_str(),
            user: message.user.as_deref(),
            data: &message.data,
        })
    }

    fn cast(&self, room: &RoomName, cast: &Cast) -> String {
        self.row(&Row {
            time: String::new(),
            room,
            place: "cast".to_owned(),
            event: cast.event.as_str(),
            user: cast.user.as_deref(),
            data: &cast.data,
        })
    }

    fn row(&self, row: &Row<'_>) -> String {
        let user = escape(row.user.unwrap_or("-"));
        let data = compact(&String::from_utf8_lossy(row.data));
        let cells = [
            self.look.paint(DIM, &format!("{:TIME_WIDTH$}", row.time)),
            self.room(row.room),
            self.look
                .paint(DIM, &format!("{:>OFFSET_WIDTH$}", row.place)),
            self.look.paint(CYAN, &format!("{:NAME_WIDTH$}", row.event)),
            self.look.paint(GREEN, &format!("{user:NAME_WIDTH$}")),
            escape(&data),
        ];
        let cells: Vec<String> = cells.into_iter().filter(|cell| !cell.is_empty()).collect();
        format!("{}\n", cells.join("  "))
    }

    /// A line that is no message.
    fn remark(&self, room: &RoomName, color: &str, said: &str) -> String {
        let room = self.room(room);
        let between = if room.is_empty() { "" } else { "  " };
        format!("{room}{between}{}\n", self.look.paint(color, said))
    }

    fn room(&self, room: &RoomName) -> String {
        let fill = |width| format!("{:width$}", room.as_str());
        self.room_width.map_or_else(String::new, fill)
    }
}

/// What is missing, and why.
pub(super) fn missing(gap: &Gap) -> String {
    let one = gap.from == gap.to;
    let why = match gap.reason {
        GapReason::Evicted if one => "the room does not keep it any more",
        GapReason::Evicted => "the room does not keep them any more",
        GapReason::EpochChanged => "the room has begun a new order",
        GapReason::Limit => "that is more than is delivered at once",
        GapReason::SlowConsumer => "the connection was too slow",
        GapReason::ClientOverflow => "what reads this was too slow",
    };
    match (gap.from, gap.to) {
        (from, to) if to < from => format!("{why}, and what follows is all of it"),
        (from, _) if one => format!("{from} is missing: {why}"),
        (from, to) => format!("{from} to {to} are missing: {why}"),
    }
}

fn presence(change: &PresenceEvent) -> String {
    match change {
        PresenceEvent::Members(members) => here(members),
        PresenceEvent::Joined(member) => format!("+ {}", name(member)),
        PresenceEvent::Left(member) => format!("- {}", name(member)),
        PresenceEvent::Changed { member, was: None } => format!("~ {}", name(member)),
        PresenceEvent::Changed { member, .. } => format!("~ {} is back", name(member)),
        PresenceEvent::Count(count) => format!("= {count} are here"),
    }
}

/// Those of one user stand together.
fn here(members: &[Member]) -> String {
    let users: Vec<&[Member]> = members
        .chunk_by(|one, other| one.user == other.user)
        .collect();
    let named = users.iter().take(NAMES_MAX).filter_map(|connections| {
        let user = escape(&connections.first()?.user);
        Some(match connections.len() {
            1 => user,
            count => format!("{user} ×{count}"),
        })
    });
    let named: Vec<String> = named.collect();
    let more = match users.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match members.len() {
        0 => "= nobody is here".to_owned(),
        1 => format!("= 1 is here: {}", named.concat()),
        count => format!("= {count} are here: {}{more}", named.join(", ")),
    }
}

fn name(member: &Member) -> String {
    let state = member.state.as_deref().map(|state| {
        let state = compact(&String::from_utf8_lossy(state));
        format!("  {}", escape(&state))
    });
    format!("{}{}", escape(&member.user), state.unwrap_or_default())
}

/// The time of day, in UTC.
fn clock(at: Timestamp) -> String {
    let second = at.0 / 1000 % 86_400;
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{hour:02}:{minute:02}:{:02}Z", second % 60)
}

#[cfg(test)]
mod tests {
    use tautline_client::{Epoch, EventName, Position, PublicationId};

    use super::*;

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).unwrap()
    }

    fn position(offset: u64) -> Position {
        Position {
            epoch: Epoch(1),
            offset,
            id: PublicationId::default(),
        }
    }

    fn message(name: &str, user: Option<&str>, data: &'static [u8]) -> RoomEvent {
        RoomEvent::Message(Publication {
            room: room(name),
            position: position(42),
            event: EventName::parse("chat").unwrap(),
            data: data.into(),
            user: user.map(Into::into),
            tag: None,
            sent_at: Timestamp(1_767_323_045_678),
        })
    }

    fn screen(rooms: &[&str], is_colored: bool) -> Screen {
        let look = Look {
            is_colored,
            redraws: true,
        };
        let rooms: Vec<RoomName> = rooms.iter().map(|name| room(name)).collect();
        Screen::new(look, &rooms, false)
    }

    #[test]
    fn a_message_is_a_line_in_columns_with_the_room_where_there_are_several() {
        let event = message("a", Some("ann"), b"{ \"text\": \"hi\" }");
        assert_eq!(
            screen(&["a"], false).event(&room("a"), &event),
            "03:04:05Z      42  chat          ann           {\"text\":\"hi\"}\n"
        );
        assert_eq!(
            screen(&["a", "lobby"], false).event(&room("a"), &event),
            "03:04:05Z  a          42  chat          ann           {\"text\":\"hi\"}\n"
        );
        let backend = message("a", None, b"1");
        let line = screen(&["a"], false).event(&room("a"), &backend);
        assert!(line.ends_with("  -             1\n"), "{line}");
    }

    #[test]
    fn nothing_that_others_chose_steers_the_terminal() {
        let event = message(
            "a",
            Some("a\u{1b}[2J\u{202e}"),
            "\"\u{9b}2J\u{200f}\"".as_bytes(),
        );
        let line = screen(&["a"], false).event(&room("a"), &event);
        let line = line.strip_suffix('\n').unwrap();
        assert!(!line.chars().any(crate::plain::steers), "{line:?}");
        let colored = screen(&["a"], true).event(&room("a"), &event);
        assert!(colored.contains(CYAN), "{colored:?}");
    }

    #[test]
    fn a_gap_says_what_is_missing_and_why() {
        let gap = |from, to, reason| {
            let gap = Gap {
                from,
                to,
                position: position(to),
                reason,
            };
            screen(&["a"], false).event(&room("a"), &RoomEvent::Gap(gap))
        };
        assert_eq!(
            gap(5, 9, GapReason::Evicted),
            "… 5 to 9 are missing: the room does not keep them any more\n"
        );
        assert_eq!(
            gap(5, 5, GapReason::Evicted),
            "… 5 is missing: the room does not keep it any more\n"
        );
        assert_eq!(
            gap(1, 0, GapReason::EpochChanged),
            "… the room has begun a new order, and what follows is all of it\n"
        );
    }

    #[test]
    fn who_is_there_is_counted_by_connection_and_named_by_user() {
        let member = |serial: u32, user: &str| Member {
            connection: tautline_client::ConnectionId::parse(&format!("{serial:028x}")).unwrap(),
            user: user.into(),
            name: user.into(),
            state: None,
        };
        let shown = |change| {
            let presence = RoomEvent::Presence(change);
            screen(&["a"], false).event(&room("a"), &presence)
        };
        let members = vec![member(1, "ann"), member(2, "ann"), member(3, "bob")];
        assert_eq!(
            shown(PresenceEvent::Members(members)),
            "= 3 are here: ann ×2, bob\n"
        );
        let many = (0..25).map(|at| member(at, &format!("u{at}"))).collect();
        assert!(shown(PresenceEvent::Members(many)).ends_with("u19 and 5 more\n"));
        assert_eq!(
            shown(PresenceEvent::Members(vec![member(1, "ann")])),
            "= 1 is here: ann\n"
        );
        let nobody = PresenceEvent::Members(Vec::new());
        assert_eq!(shown(nobody), "= nobody is here\n");
        assert_eq!(shown(PresenceEvent::Left(member(1, "ann"))), "- ann\n");
    }
}
