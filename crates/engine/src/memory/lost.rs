//! Until when the users of lost connections may be back.

use std::collections::BTreeMap;
use std::time::Duration;

use tautline_protocol::model::{ConnectionId, RoomName};

/// Members whose connections are lost, in the order in which their time ends. One that is back, or has left, waits here
/// for its end like all others, and is nobody then.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// The number tells those apart that end together.
    waiting: BTreeMap<(Duration, u64), (RoomName, ConnectionId)>,
    added: u64,
}

impl Lost {
    /// Has a member wait until `end`; false if `waiting_max` do already.
    pub(super) fn add(
        &mut self,
        member: (RoomName, ConnectionId),
        end: Duration,
        waiting_max: usize,
    ) -> bool {
        let has_place = self.waiting.len() < waiting_max;
        if has_place {
            self.added += 1;
            self.waiting.insert((end, self.added), member);
        }
        has_place
    }

    /// Takes away those whose time has ended.
    pub(super) fn take_ended(&mut self, now: Duration) -> Vec<(RoomName, ConnectionId)> {
        let later = self.waiting.split_off(&(now, u64::MAX));
        let ended = std::mem::replace(&mut self.waiting, later);
        ended.into_values().collect()
    }
}
