//! Presence is of this process, and is not stored.

use std::time::Duration;

use tautline_protocol::model::{ConnectionId, Member, NodeId, RoomName};

use super::EmbeddedEngine;
use crate::{Answer, Members};

impl Members for EmbeddedEngine {
    fn renew(&self, node: NodeId, lease: Duration) -> Answer<'_, ()> {
        self.memory().renew(node, lease)
    }

    fn enter<'a>(&'a self, room: &'a RoomName, member: Member) -> Answer<'a, u32> {
        self.memory().enter(room, member)
    }

    fn leave<'a>(&'a self, room: &'a RoomName, connection: ConnectionId) -> Answer<'a, u32> {
        self.memory().leave(room, connection)
    }

    fn lose<'a>(
        &'a self,
        room: &'a RoomName,
        connection: ConnectionId,
        grace: Duration,
    ) -> Answer<'a, u32> {
        self.memory().lose(room, connection, grace)
    }

    fn members<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Vec<Member>> {
        self.memory().members(room)
    }
}
