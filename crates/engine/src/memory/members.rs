//! Presence, and the leases that it hangs on.

use std::time::Duration;

use tautline_protocol::model::{ConnectionId, Member, NodeId, RoomName};

use super::{MemoryEngine, answer};
use crate::{Answer, EngineError, Members};

impl MemoryEngine {
    /// Whether there is a place for somebody who may be back until `end`.
    fn wait_for(&self, room: &RoomName, connection: ConnectionId, end: Duration) -> bool {
        let member = (room.clone(), connection);
        self.lost.lock().add(member, end, self.limits.lost_max)
    }
}

impl Members for MemoryEngine {
    fn renew(&self, node: NodeId, lease: Duration) -> Answer<'_, ()> {
        let end = self.clock.now().monotonic.saturating_add(lease);
        let renewed = self.leases.lock().renew(node, end, self.limits.nodes_max);
        answer(if renewed {
            Ok(())
        } else {
            Err(EngineError::Full("there are too many nodes"))
        })
    }

    fn enter<'a>(&'a self, room: &'a RoomName, member: Member) -> Answer<'a, u32> {
        let opened = self.open(room, |room, _, now| {
            // Asked under the room's lock: a sweep that ends the lease visits the room after it.
            let node = member.connection.node;
            if self.leases.lock().is_valid(node, now.monotonic) {
                room.enter(member, self.limits.members_max)
            } else {
                let reason = "the node has no lease; renew it before its members enter";
                Err(EngineError::Unavailable(reason.to_owned()))
            }
        });
        answer(opened.flatten())
    }

    fn leave<'a>(&'a self, room: &'a RoomName, connection: ConnectionId) -> Answer<'a, u32> {
        let left = self.rooms.vacate(room, |room| room.leave(connection));
        answer(Ok(left.unwrap_or(0)))
    }

    fn lose<'a>(
        &'a self,
        room: &'a RoomName,
        connection: ConnectionId,
        grace: Duration,
    ) -> Answer<'a, u32> {
        let end = self.clock.now().monotonic.saturating_add(grace);
        let may_wait = !grace.is_zero();
        let marked = self.rooms.find(room, |room| {
            (may_wait && room.lose(connection)).then(|| room.members_count())
        });
        match marked.flatten() {
            // One whose user has entered meanwhile is none that could be taken away.
            Some(count) if self.wait_for(room, connection, end) => answer(Ok(count)),
            Some(_) | None => Members::leave(self, room, connection),
        }
    }

    fn members<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Vec<Member>> {
        let members = self.rooms.find(room, |room| room.members());
        answer(Ok(members.unwrap_or_default()))
    }
}
