//! How long the members of each node are kept.

use std::collections::HashMap;
use std::time::Duration;

use tautline_protocol::model::NodeId;

/// When each node's lease ends.
#[derive(Debug, Default)]
pub(super) struct Leases(HashMap<NodeId, Duration>);

impl Leases {
    /// Sets the end of a node's lease; false if it would be a new one beyond `nodes_max`.
    pub(super) fn renew(&mut self, node: NodeId, end: Duration, nodes_max: usize) -> bool {
        let known = self.0.contains_key(&node);
        if known || self.0.len() < nodes_max {
            self.0.insert(node, end);
        }
        known || self.0.contains_key(&node)
    }

    pub(super) fn is_valid(&self, node: NodeId, now: Duration) -> bool {
        self.0.get(&node).is_some_and(|end| now < *end)
    }

    /// Takes away the leases that have ended.
    pub(super) fn take_ended(&mut self, now: Duration) -> Vec<NodeId> {
        self.0
            .extract_if(|_, end| *end <= now)
            .map(|(node, _)| node)
            .collect()
    }
}
