//! Cursors of rooms that are on the disk, and values that end by themselves.

use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::{Position, RoomName};

use super::EmbeddedEngine;
use super::call::{Asker, Call};
use crate::memory::answer;
use crate::memory::cursors::Step;
use crate::{Answer, Keep};

impl Keep for EmbeddedEngine {
    fn cursor<'a>(&'a self, room: &'a RoomName, user: &'a str) -> Answer<'a, Option<Position>> {
        self.memory().cursor(room, user)
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

    /// On the disk, too: what is used up stays so after a crash.
    fn put_if_absent<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> Answer<'a, bool> {
        let (asker, answered) = Asker::new();
        let key = key.into();
        let call = Call::Put {
            key,
            value,
            ttl,
            asker,
        };
        match self.push(call) {
            Ok(()) => answered,
            Err(why) => answer(Err(why)),
        }
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Bytes>> {
        self.memory().get(key)
    }
}

impl EmbeddedEngine {
    fn go<'a>(&self, room: &RoomName, user: &str, step: Step) -> Answer<'a, Position> {
        let cursors_max = self.memory().limits.cursors_max;
        let opened = self.memory().open(room, |found, _, _| {
            if !found.is_anchored() {
                return answer(found.go(user, step, cursors_max));
            }
            let (asker, answered) = Asker::new();
            let call = Call::Go {
                room: room.clone(),
                user: user.into(),
                step,
                asker,
            };
            match self.push(call) {
                Ok(()) => {
                    found.wait();
                    answered
                }
                Err(why) => answer(Err(why)),
            }
        });
        opened.unwrap_or_else(|why| answer(Err(why)))
    }
}
