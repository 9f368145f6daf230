//! Who is present in a room.

use std::collections::{BTreeMap, HashMap};

use tautline_protocol::model::{ConnectionId, Member, NodeId};

/// The members of a room, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: BTreeMap<u64, Member>,
    arrivals: HashMap<ConnectionId, u64>,
    next_arrival: u64,
}

impl Roster {
    /// Adds a member; false if the connection is one already.
    pub(super) fn add(&mut self, member: Member) -> bool {
        if self.contains(member.connection) {
            return false;
        }
        let arrival = self.next_arrival;
        self.next_arrival += 1;
        self.arrivals.insert(member.connection, arrival);
        self.members.insert(arrival, member);
        true
    }

    pub(super) fn remove(&mut self, connection: ConnectionId) -> Option<Member> {
        let arrival = self.arrivals.remove(&connection)?;
        self.members.remove(&arrival)
    }

    pub(super) fn contains(&self, connection: ConnectionId) -> bool {
        self.arrivals.contains_key(&connection)
    }

    pub(super) fn of_node(&self, node: NodeId) -> Vec<ConnectionId> {
        self.members
            .values()
            .map(|member| member.connection)
            .filter(|connection| connection.node == node)
            .collect()
    }

    pub(super) fn to_vec(&self) -> Vec<Member> {
        self.members.values().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }
}
