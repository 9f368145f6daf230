//! Who is present in a room.

use std::collections::{BTreeMap, HashMap};

use tautline_protocol::model::{ConnectionId, Member, NodeId};

use crate::MemberChange;

/// The members of a room, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: BTreeMap<u64, Member>,
    arrivals: HashMap<ConnectionId, u64>,
    next_arrival: u64,
}

impl Roster {
    /// Adds a member, or has it show something else. Answers what that changes.
    pub(super) fn add(&mut self, member: Member) -> Option<MemberChange> {
        let arrival = self.arrivals.get(&member.connection);
        if let Some(known) = arrival.and_then(|arrival| self.members.get_mut(arrival)) {
            return (*known != member).then(|| {
                known.clone_from(&member);
                MemberChange::Changed(member)
            });
        }
        let arrival = self.next_arrival;
        self.next_arrival += 1;
        self.arrivals.insert(member.connection, arrival);
        self.members.insert(arrival, member.clone());
        Some(MemberChange::Joined(member))
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
