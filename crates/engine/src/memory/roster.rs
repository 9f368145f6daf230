//! Who is present in a room.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tautline_protocol::model::{ConnectionId, Member, NodeId};

use crate::MemberChange;

/// The members of a room, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: BTreeMap<u64, Member>,
    arrivals: HashMap<ConnectionId, u64>,
    next_arrival: u64,
    /// Those whose connections are lost, by their users: each in its place until its user is back.
    lost: BTreeSet<(Arc<str>, u64)>,
}

impl Roster {
    /// Adds a member, puts it in the place of a lost one, or has it show something else. Answers what that changes.
    pub(super) fn add(&mut self, member: Member) -> Option<MemberChange> {
        let arrival = self.arrivals.get(&member.connection);
        if let Some(known) = arrival.and_then(|arrival| self.members.get_mut(arrival)) {
            return (*known != member).then(|| {
                known.clone_from(&member);
                MemberChange::Changed(member)
            });
        }
        if let Some(arrival) = self.lost_of(&member.user) {
            return self.replace(arrival, member);
        }
        let arrival = self.next_arrival;
        self.next_arrival += 1;
        self.arrivals.insert(member.connection, arrival);
        self.members.insert(arrival, member.clone());
        Some(MemberChange::Joined(member))
    }

    pub(super) fn remove(&mut self, connection: ConnectionId) -> Option<Member> {
        let arrival = self.arrivals.remove(&connection)?;
        let member = self.members.remove(&arrival)?;
        self.lost.remove(&(Arc::clone(&member.user), arrival));
        Some(member)
    }

    /// Notes that a member's connection is lost. False if it is no member.
    pub(super) fn lose(&mut self, connection: ConnectionId) -> bool {
        let arrival = self.arrivals.get(&connection);
        let member = arrival.and_then(|arrival| Some((arrival, self.members.get(arrival)?)));
        if let Some((arrival, member)) = member {
            self.lost.insert((Arc::clone(&member.user), *arrival));
        }
        member.is_some()
    }

    /// Whether this member would be none more: its connection is known, or a lost one waits for its user.
    pub(super) fn has_place_of(&self, member: &Member) -> bool {
        self.arrivals.contains_key(&member.connection) || self.lost_of(&member.user).is_some()
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

    /// The place of a user's first lost member.
    fn lost_of(&self, user: &Arc<str>) -> Option<u64> {
        let all = (Arc::clone(user), 0)..=(Arc::clone(user), u64::MAX);
        self.lost.range(all).next().map(|(_, arrival)| *arrival)
    }

    fn replace(&mut self, arrival: u64, member: Member) -> Option<MemberChange> {
        self.lost.remove(&(Arc::clone(&member.user), arrival));
        let known = self.members.get_mut(&arrival)?;
        let was = known.connection;
        let state = member.state.or_else(|| known.state.take());
        *known = Member { state, ..member };
        let member = known.clone();
        self.arrivals.remove(&was);
        self.arrivals.insert(member.connection, arrival);
        Some(MemberChange::Returned { member, was })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn member(slot: u32, user: u8, state: Option<u8>) -> Member {
        Member {
            connection: ConnectionId {
                node: NodeId(1),
                shard: 0,
                slot,
                serial: 1,
            },
            user: format!("u{user}").into(),
            name: "Somebody".into(),
            state: state.map(|state| Bytes::from(state.to_string())),
        }
    }

    #[derive(Debug, Clone)]
    enum Act {
        /// A new connection of a user.
        Enter(u8, Option<u8>),
        /// The nth of those who are there.
        Show(usize, Option<u8>),
        Lose(usize),
        Remove(usize),
    }

    fn act() -> impl Strategy<Value = Act> {
        let state = || prop::option::of(0..3_u8);
        prop_oneof![
            4 => (0..3_u8, state()).prop_map(|(user, state)| Act::Enter(user, state)),
            1 => (0..8_usize, state()).prop_map(|(nth, state)| Act::Show(nth, state)),
            3 => (0..8_usize).prop_map(Act::Lose),
            2 => (0..8_usize).prop_map(Act::Remove),
        ]
    }

    /// Somebody who knows only what is told.
    fn hear(list: &mut Vec<Member>, change: MemberChange) {
        let place = |list: &[Member], connection| {
            let mut connections = list.iter().map(|known| known.connection);
            connections.position(|known| known == connection).unwrap()
        };
        match change {
            MemberChange::Joined(member) => list.push(member),
            MemberChange::Left(member) => drop(list.remove(place(list, member.connection))),
            MemberChange::Changed(member) => {
                let at = place(list, member.connection);
                list[at] = member;
            }
            MemberChange::Returned { member, was } => {
                let at = place(list, was);
                assert_eq!(list[at].user, member.user);
                list[at] = member;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn who_hears_of_all_changes_knows_who_is_there(acts in prop::collection::vec(act(), 0..100)) {
            let (mut roster, mut list) = (Roster::default(), Vec::new());
            let mut lost: Vec<ConnectionId> = Vec::new();
            for (slot, act) in (0..).zip(acts) {
                let nth = |list: &[Member], nth: usize| list.get(nth).cloned();
                let change = match act {
                    Act::Enter(user, state) => {
                        let entering = member(slot, user, state);
                        let is_of_user = |known: &&Member| known.user == entering.user && lost.contains(&known.connection);
                        let awaited = list.iter().find(is_of_user).cloned();
                        prop_assert_eq!(roster.has_place_of(&entering), awaited.is_some());
                        let change = roster.add(entering.clone());
                        let expected = match awaited {
                            None => MemberChange::Joined(entering),
                            Some(Member { connection: was, state, .. }) => {
                                lost.retain(|lost| *lost != was);
                                let state = entering.state.clone().or(state);
                                MemberChange::Returned { member: Member { state, ..entering }, was }
                            }
                        };
                        prop_assert_eq!(change.as_ref(), Some(&expected));
                        change
                    }
                    Act::Show(at, state) => nth(&list, at).and_then(|known| {
                        let state = state.map(|state| Bytes::from(state.to_string()));
                        roster.add(Member { state, ..known })
                    }),
                    Act::Lose(at) => {
                        let known = nth(&list, at).map(|known| known.connection);
                        lost.extend(known.filter(|known| !lost.contains(known)));
                        prop_assert!(known.is_none_or(|known| roster.lose(known)));
                        None
                    }
                    Act::Remove(at) => nth(&list, at).and_then(|known| {
                        lost.retain(|lost| *lost != known.connection);
                        roster.remove(known.connection).map(MemberChange::Left)
                    }),
                };
                if let Some(change) = change {
                    hear(&mut list, change);
                }
                prop_assert_eq!(roster.to_vec(), list.clone());
                prop_assert_eq!((roster.len(), roster.lost.len()), (list.len(), lost.len()));
                prop_assert_eq!(roster.arrivals.len(), list.len());
            }
            for known in &list {
                prop_assert!(roster.remove(known.connection).is_some());
            }
            prop_assert!(roster.lost.is_empty() && roster.arrivals.is_empty());
        }
    }
}
