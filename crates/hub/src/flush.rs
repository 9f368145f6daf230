//! Which connections have something to be written, and in which order that is done.

use std::collections::VecDeque;

/// So many connections are written to before other work of the shard gets its turn.
pub(crate) const WRITES_PER_TURN: usize = 1000;

/// Connections with something to be written. Those that only a large room wrote to wait in a queue of
/// their own, so that a small room is not behind thousands of a large one's writes.
#[derive(Debug, Default)]
pub(crate) struct FlushQueue {
    few: VecDeque<u32>,
    many: VecDeque<u32>,
}

impl FlushQueue {
    /// Appends a connection that was written to by a room, or another cause, of so many recipients.
    pub(crate) fn push(&mut self, slot: u32, recipients: usize) {
        if recipients <= WRITES_PER_TURN {
            self.few.push_back(slot);
        } else {
            self.many.push_back(slot);
        }
    }

    /// One turn's worth: what the few wait for, then what the many do. Both get their turn.
    pub(crate) fn turn(&mut self) -> impl Iterator<Item = u32> + '_ {
        let few = self.few.len().min(WRITES_PER_TURN);
        let many = self.many.len().min(WRITES_PER_TURN);
        self.few.drain(..few).chain(self.many.drain(..many))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.few.is_empty() && self.many.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_room_overtakes_a_large_one_and_neither_starves() {
        let mut queue = FlushQueue::default();
        for slot in 0..5000 {
            queue.push(slot, 5000);
        }
        for slot in 9000..9010 {
            queue.push(slot, 10);
        }
        let first: Vec<u32> = queue.turn().collect();
        assert_eq!(
            first[..11],
            [
                9000, 9001, 9002, 9003, 9004, 9005, 9006, 9007, 9008, 9009, 0
            ]
        );
        assert_eq!(first.len(), 10 + WRITES_PER_TURN);
        let mut turns = 1;
        while !queue.is_empty() {
            queue.push(9000, 10);
            turns += 1;
            let turn: Vec<u32> = queue.turn().collect();
            assert_eq!(turn[0], 9000);
        }
        assert_eq!(turns, 5);
    }
}
