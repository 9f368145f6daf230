//! What a room keeps and allows, chosen by its name.

use std::time::Duration;

use super::{Actions, Rate, RoomName};

/// Stands in a pattern for the subject.
const USER: &str = "{user}";

/// A set of rooms: a name with an optional trailing `*`, in which `{user}` stands for the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    open: bool,
    /// Whether the subject stands in the text.
    names_user: bool,
}

impl Pattern {
    /// Takes a text for a pattern; a `*` anywhere but at the end is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (stem, open) = text
            .strip_suffix('*')
            .map_or((text, false), |stem| (stem, true));
        let shape = stem.replace(USER, "u");
        let valid = if shape.is_empty() {
            open
        } else {
            RoomName::parse(&shape).is_ok()
        };
        valid.then(|| Self {
            text: stem.into(),
            open,
            names_user: stem.contains(USER),
        })
    }

    /// Whether `room` is in the set, seen by `user`.
    pub fn matches(&self, room: &RoomName, user: &str) -> bool {
        if !self.names_user {
            return self.matches_whoever_asks(room);
        }
        let mut rest = room.as_str();
        let mut parts = self.text.split(USER);
        if let Some(first) = parts.next() {
            let Some(after) = rest.strip_prefix(first) else {
                return false;
            };
            rest = after;
        }
        for part in parts {
            let Some(after) = rest
                .strip_prefix(user)
                .and_then(|rest| rest.strip_prefix(part))
            else {
                return false;
            };
            rest = after;
        }
        self.open || rest.is_empty()
    }

    /// Whether `room` is in the set, seen by anybody at all.
    pub fn matches_for_somebody(&self, room: &RoomName) -> bool {
        if !self.names_user {
            return self.matches_whoever_asks(room);
        }
        let Some((before, _)) = self.text.split_once(USER) else {
            return false;
        };
        let Some(rest) = room.as_str().strip_prefix(before) else {
            return false;
        };
        // Names are short, and of ASCII alone.
        let mut users = (1..=rest.len()).filter_map(|end| rest.get(..end));
        users.any(|user| self.matches(room, user))
    }

    /// Most patterns name nobody, and every message is held against all of them: this is to be cheap.
    fn matches_whoever_asks(&self, room: &RoomName) -> bool {
        let rest = room.as_str().strip_prefix(&*self.text);
        rest.is_some_and(|rest| self.open || rest.is_empty())
    }
}

/// How much of a room's past is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// At most so many publications; none keeps no history.
    pub count: u32,
    /// No longer than this.
    pub age: Duration,
}

/// What members of a room that asks for acknowledgements are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acks {
    /// What is not acknowledged within this time is given again.
    pub timeout: Duration,
    /// So many publications at most are given to a connection beyond what is acknowledged; at least one.
    pub in_flight_max: u32,
}

/// What holds for the rooms that match a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRule {
    /// The rooms.
    pub rooms: Pattern,
    /// How much of their past is kept.
    pub history: Retention,
    /// Whether a publication is answered and told only when it is on the disk.
    pub durable: bool,
    /// Whether members acknowledge what they are given, and how.
    pub acks: Option<Acks>,
    /// Whether their members are announced.
    pub presence: bool,
    /// What every authenticated user may do there without a grant, or the one that `{user}` stands for.
    pub everyone: Actions,
    /// What becomes of members who take less than they are sent.
    pub slow_consumers: SlowConsumers,
    /// How often may be published there, by all together and on each node.
    pub rate: Option<Rate>,
    /// The largest publication, in bytes of its data.
    pub data_bytes_max: usize,
}

/// What becomes of members who take less than they are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SlowConsumers {
    /// They are closed, and come back for what they have missed.
    #[default]
    Close,
    /// They stay. Once they have taken what waits they are given what the room keeps, as far as that is given at
    /// once, and are told of the gap. Who cannot be told of one is closed.
    Skip,
    /// They stay. While they take nothing, nothing waits for them but the newest publication of each event, and they
    /// are told which ones those replaced. Who cannot be told is closed when too much waits.
    Latest,
}

impl RoomRule {
    /// A rule that keeps, announces and allows nothing, and limits nothing.
    pub fn of(rooms: Pattern) -> Self {
        Self {
            rooms,
            history: Retention {
                count: 0,
                age: Duration::ZERO,
            },
            durable: false,
            acks: None,
            presence: false,
            everyone: Actions::NONE,
            slow_consumers: SlowConsumers::Close,
            rate: None,
            data_bytes_max: usize::MAX,
        }
    }
}

/// All rules, in the order of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<RoomRule>);

impl Rules {
    /// Keeps the rules in their order.
    pub fn new(rules: Vec<RoomRule>) -> Self {
        Self(rules)
    }

    /// The rule of a room: the first that matches for somebody, whoever asks. Without one, nothing is kept or
    /// announced there, and only a grant allows anything.
    pub fn of(&self, room: &RoomName) -> Option<&RoomRule> {
        self.0
            .iter()
            .find(|rule| rule.rooms.matches_for_somebody(room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, room: &str, user: &str) -> bool {
        Pattern::parse(pattern)
            .unwrap()
            .matches(&RoomName::parse(room).unwrap(), user)
    }

    #[test]
    fn a_pattern_is_a_name_or_a_prefix() {
        assert!(matches("chat:1", "chat:1", "u") && !matches("chat:1", "chat:12", "u"));
        assert!(matches("chat:*", "chat:12", "u") && matches("*", "x", "u"));
        assert!(!matches("chat:*", "cha", "u"));
    }

    #[test]
    fn user_stands_for_the_subject() {
        assert!(matches("inbox:{user}", "inbox:ann", "ann"));
        assert!(!matches("inbox:{user}", "inbox:anna", "ann"));
        assert!(!matches("inbox:{user}", "inbox:bob", "ann"));
        assert!(matches("u:{user}:*", "u:ann:x", "ann") && !matches("u:{user}:*", "u:ann", "ann"));
    }

    #[test]
    fn the_rule_of_a_room_is_the_same_whoever_asks() {
        let rules = ["inbox:{user}", "pair:{user}:{user}", "u:{user}:*", "*"];
        let rule = |text: &&str| RoomRule::of(Pattern::parse(text).unwrap());
        let rules = Rules::new(rules.iter().map(rule).collect());
        for (room, pattern) in [
            ("inbox:ann", "inbox:{user}"),
            ("inbox:ann:b", "inbox:{user}"),
            ("inbox:", "*"),
            ("pair:ann:ann", "pair:{user}:{user}"),
            ("pair:a:b:a:b", "pair:{user}:{user}"),
            ("pair:ann:bob", "*"),
            ("u:ann:", "u:{user}:*"),
            ("u:ann:x", "u:{user}:*"),
            ("u::x", "*"),
            ("u:ann", "*"),
        ] {
            let rule = rules.of(&RoomName::parse(room).unwrap()).unwrap();
            assert_eq!(rule.rooms, Pattern::parse(pattern).unwrap(), "{room}");
        }
    }

    #[test]
    fn a_star_stands_only_at_the_end() {
        for bad in ["", "a*b", "**", "a b*"] {
            assert_eq!(Pattern::parse(bad), None, "{bad:?}");
        }
    }
}
