//! Casts of which only the newest is worth being written.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use tautline_engine::Cast;
use tautline_protocol::model::{EventName, RoomName};

use crate::OutboxLimits;

/// What a cast is the newest of: one that is the same in all of this takes its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    /// The sender's word for it, which tells most of them apart.
    word: Arc<str>,
    user: Option<Arc<str>>,
    event: EventName,
    room: RoomName,
}

impl Topic {
    /// The topic of a cast, if its sender says that only the newest counts.
    pub(crate) fn of(room: &RoomName, cast: &Cast) -> Option<Self> {
        Some(Self {
            word: Arc::clone(cast.conflate.as_ref()?),
            user: cast.user.clone(),
            event: cast.event.clone(),
            room: room.clone(),
        })
    }
}

/// The newest cast of each topic that waits for one connection, in the order in which the topics came.
#[derive(Debug, Default)]
pub(crate) struct Casts {
    waiting: Vec<(Rc<Topic>, Bytes)>,
    bytes: usize,
}

impl Casts {
    /// Keeps a cast in the place of an older one of its topic. If the bounds leave no room for it, both are lost, as
    /// casts are to somebody who does not read: one that is outdated says nothing.
    pub(crate) fn put(&mut self, topic: &Rc<Topic>, frame: Bytes, limits: &OutboxLimits) {
        let older = self.waiting.iter().position(|(known, _)| known == topic);
        let older_bytes = older
            .and_then(|at| self.waiting.get(at))
            .map_or(0, |(_, older)| older.len());
        self.bytes -= older_bytes;
        let fits = self.bytes + frame.len() <= limits.bytes_max;
        match older {
            Some(at) if !fits => drop(self.waiting.remove(at)),
            None if !fits || self.waiting.len() >= limits.latest_max as usize => {}
            Some(at) => {
                self.bytes += frame.len();
                if let Some((_, older)) = self.waiting.get_mut(at) {
                    *older = frame;
                }
            }
            None => {
                self.bytes += frame.len();
                self.waiting.push((Rc::clone(topic), frame));
            }
        }
    }

    /// Forgets those of a room.
    pub(crate) fn forget(&mut self, room: &RoomName) {
        self.waiting.retain(|(topic, _)| topic.room != *room);
        self.bytes = self.waiting.iter().map(|(_, frame)| frame.len()).sum();
    }

    /// The bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All of them, to be written now.
    pub(crate) fn into_frames(self) -> impl Iterator<Item = Bytes> {
        self.waiting.into_iter().map(|(_, frame)| frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: OutboxLimits = OutboxLimits {
        bytes_max: 10,
        messages_max: 1,
        latest_max: 3,
    };

    fn topic(room: &str, event: &str, user: &str, word: &str) -> Rc<Topic> {
        let cast = Cast {
            event: EventName::parse(event).unwrap(),
            data: Bytes::new(),
            user: Some(user.into()),
            conflate: Some(word.into()),
        };
        Rc::new(Topic::of(&RoomName::parse(room).unwrap(), &cast).unwrap())
    }

    fn waiting(casts: Casts) -> Vec<Bytes> {
        casts.into_frames().collect()
    }

    #[test]
    fn only_what_is_the_same_in_everything_is_replaced() {
        let mut casts = Casts::default();
        let limits = OutboxLimits {
            latest_max: 9,
            ..LIMITS
        };
        for (topic, frame) in [
            (topic("r", "e", "ann", "w"), "1"),
            (topic("s", "e", "ann", "w"), "2"),
            (topic("r", "f", "ann", "w"), "3"),
            (topic("r", "e", "bob", "w"), "4"),
            (topic("r", "e", "ann", "v"), "5"),
            (topic("r", "e", "ann", "w"), "6"),
        ] {
            casts.put(&topic, frame.into(), &limits);
        }
        assert_eq!(waiting(casts), ["6", "2", "3", "4", "5"]);
    }

    #[test]
    fn topics_and_bytes_are_bounded_and_a_known_topic_goes_on() {
        let mut casts = Casts::default();
        let put = |casts: &mut Casts, word: &str, frame: &'static str| {
            casts.put(&topic("r", "e", "ann", word), frame.into(), &LIMITS);
            assert!(casts.bytes() <= LIMITS.bytes_max);
        };
        for word in ["a", "b", "c", "d"] {
            put(&mut casts, word, "1");
        }
        put(&mut casts, "a", "22222222");
        put(&mut casts, "b", "333");
        put(&mut casts, "c", "3");
        assert_eq!(casts.bytes(), 9);
        assert_eq!(waiting(casts), ["22222222", "3"]);
    }

    #[test]
    fn a_room_that_was_left_is_forgotten() {
        let mut casts = Casts::default();
        for room in ["r", "s"] {
            casts.put(&topic(room, "e", "ann", "w"), "12".into(), &LIMITS);
        }
        casts.forget(&RoomName::parse("r").unwrap());
        assert_eq!((casts.bytes(), waiting(casts)), (2, vec!["12".into()]));
    }
}
