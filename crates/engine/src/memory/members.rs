//! Presence, and the leases that it hangs on.

use std::time::Duration;

use tautline_protocol::model::{ConnectionId, Member, NodeId, RoomName};

use super::{MemoryEngine, answer};
use crate::{Answer, EngineError, Members};

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

    fn members<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Vec<Member>> {
        let members = self.rooms.find(room, |room| room.members());
        answer(Ok(members.unwrap_or_default()))
    }
}
