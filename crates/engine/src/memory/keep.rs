//! Cursors, and keys that end by themselves.

use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::{Position, RoomName};

use super::cursors::Step;
use super::{MemoryEngine, answer};
use crate::{Answer, EngineError, Keep};

impl Keep for MemoryEngine {
    fn cursor<'a>(&'a self, room: &'a RoomName, user: &'a str) -> Answer<'a, Option<Position>> {
        let cursor = self.rooms.find(room, |room| room.cursor(user));
        answer(Ok(cursor.flatten()))
    }

    fn begin<'a>(
        &'a self,
        room: &'a RoomName,
        user: &'a str,
        at: Position,
    ) -> Answer<'a, Position> {
        self.go(room, user, Step::Begin(at))
    }

    fn advance<'a>(
        &'a self,
        room: &'a RoomName,
        user: &'a str,
        to: Position,
    ) -> Answer<'a, Position> {
        self.go(room, user, Step::To(to))
    }

    fn put_if_absent<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> Answer<'a, bool> {
        let now = self.clock.now().monotonic;
        let mut kept = self.kept.lock();
        if kept.get(key, now).is_some() {
            return answer(Ok(false));
        }
        kept.expire(now);
        if kept.len() >= self.limits.kept_max {
            return answer(Err(EngineError::Full("no more values can be kept")));
        }
        kept.insert(key.into(), value, now, ttl);
        answer(Ok(true))
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Bytes>> {
        let now = self.clock.now().monotonic;
        answer(Ok(self.kept.lock().get(key, now).cloned()))
    }
}

impl MemoryEngine {
    fn go<'a>(&self, room: &RoomName, user: &str, step: Step) -> Answer<'a, Position> {
        let cursors_max = self.limits.cursors_max;
        let opened = self.open(room, |room, _, _| room.go(user, step, cursors_max));
        answer(opened.flatten())
    }
}
