//! What clients did and saw, and whether it is what was promised.
//!
//! Each client writes down its own [`History`]; in the end, whoever judges reads each room's [`Log`].
//! [`check`] holds them against one another: `order` what all must agree on, `follower` what one client
//! may see next.

mod event;
mod follower;
mod order;
mod violation;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use self::follower::Follower;
use self::order::Order;

pub use event::{Entry, Event, History, Key, Log, Missed, Promise, Rewind, Room};
pub use violation::{Fault, Violation};

/// What was looked at, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Publications that were sent, each time counted.
    pub sent: usize,
    /// Publications whose place was told to who sent them.
    pub acknowledged: usize,
    /// Messages that clients received.
    pub deliveries: usize,
    /// Times that a client was told that it had missed something.
    pub gaps: usize,
    /// What breaks a promise.
    pub violations: Vec<Violation>,
}

/// Whether all histories, and the rooms' logs at the end, keep every promise. Each rewind ends an era.
pub fn check(histories: &[History], logs: &[Log], rewinds: &[Rewind]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut order = Order::new(rewinds);
    for history in histories {
        for entry in &history.entries {
            verdict.count(&entry.event);
            order.note(history, entry, &mut verdict.violations);
        }
    }
    for log in logs {
        order.note_log(log, &mut verdict.violations);
    }
    order.finish(logs, &mut verdict.violations);
    for history in histories {
        follow(history, rewinds, &mut verdict.violations);
    }
    verdict
}

/// Whether one client saw each room as it may.
fn follow(history: &History, rewinds: &[Rewind], violations: &mut Vec<Violation>) {
    let mut followers: HashMap<&Room, Follower> = HashMap::new();
    for entry in &history.entries {
        let follower = followers.entry(&entry.room).or_default();
        for fault in follower.handle((entry.era, &entry.event), rewinds) {
            violations.push(Violation::of(history, &entry.room, fault));
        }
    }
}

impl Verdict {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Sent(_) => self.sent += 1,
            Event::Published { .. } => self.acknowledged += 1,
            Event::Delivered { .. } => self.deliveries += 1,
            Event::Missed(_) | Event::Joined { gap: Some(_), .. } => self.gaps += 1,
            Event::Joined { gap: None, .. }
            | Event::Redelivered { .. }
            | Event::Acked { .. }
            | Event::Left => {}
        }
    }
}
