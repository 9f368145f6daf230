//! Which connections have something to be written, and in which order that is done.

use std::collections::VecDeque;
use std::time::Instant;

use crate::Histogram;

/// So many connections are written to before other work of the shard gets its turn.
pub(crate) const WRITES_PER_TURN: usize = 1000;

/// So many publications are measured on their way at once; while there are more, the newer are not.
const MEASURED_MAX: usize = 1024;

/// Connections with something to be written. Those that only a large room wrote to wait in a queue of
/// their own, so that a small room is not behind thousands of a large one's writes.
#[derive(Debug, Default)]
pub(crate) struct FlushQueue {
    few: Lane,
    many: Lane,
}

/// One of the queues.
#[derive(Debug, Default)]
struct Lane {
    slots: VecDeque<u32>,
    /// How many have had their turn, since the beginning.
    served: u64,
    /// Publications that are on their way, in their order.
    underway: VecDeque<Underway>,
}

/// A publication that is written when so many of its lane have had their turn.
#[derive(Debug)]
struct Underway {
    since: Instant,
    until_served: u64,
}

impl FlushQueue {
    /// Appends a connection that was written to by a room, or another cause, of so many recipients.
    pub(crate) fn push(&mut self, slot: u32, recipients: usize) {
        self.lane(recipients).slots.push_back(slot);
    }

    /// Notes that everyone a publication is for has been pushed: it is on its way since `since`.
    pub(crate) fn measure(&mut self, since: Instant, recipients: usize) {
        let lane = self.lane(recipients);
        if lane.underway.len() < MEASURED_MAX {
            let until_served = lane.served + lane.slots.len() as u64;
            lane.underway.push_back(Underway {
                since,
                until_served,
            });
        }
    }

    /// One turn's worth: what the few wait for, then what the many do. Both get their turn.
    pub(crate) fn turn(&mut self) -> impl Iterator<Item = u32> + '_ {
        self.few.turn().chain(self.many.turn())
    }

    /// Counts how long the publications took whose last connection has had its turn.
    pub(crate) fn count_written(&mut self, now: impl Fn() -> Instant, delays: &Histogram) {
        for lane in [&mut self.few, &mut self.many] {
            lane.count_written(&now, delays);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.few.slots.is_empty() && self.many.slots.is_empty()
    }

    fn lane(&mut self, recipients: usize) -> &mut Lane {
        if recipients <= WRITES_PER_TURN {
            &mut self.few
        } else {
            &mut self.many
        }
    }
}

impl Lane {
    fn turn(&mut self) -> impl Iterator<Item = u32> + '_ {
        let served = self.slots.len().min(WRITES_PER_TURN);
        self.served += served as u64;
        self.slots.drain(..served)
    }

    /// The clock is read once, and not at all where nothing was published.
    fn count_written(&mut self, now: impl Fn() -> Instant, delays: &Histogram) {
        let is_written = |underway: &Underway| underway.until_served <= self.served;
        if !self.underway.front().is_some_and(is_written) {
            return;
        }
        let now = now();
        while let Some(written) = self
            .underway
            .pop_front_if(|underway| underway.until_served <= self.served)
        {
            delays.observe(now.saturating_duration_since(written.since));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::Spread;

    use super::*;

    #[test]
    fn a_publication_is_written_when_the_last_of_its_connections_has_had_its_turn() {
        let (mut queue, delays) = (FlushQueue::default(), Histogram::default());
        let start = Instant::now();
        let counted = |queue: &mut FlushQueue, after: u64| {
            queue.turn().for_each(drop);
            queue.count_written(|| start + Duration::from_millis(after), &delays);
            let mut spread = Spread::default();
            delays.add_to(&mut spread);
            (
                spread.counts.iter().sum::<u64>(),
                spread.nanoseconds / 1_000_000,
            )
        };
        for slot in 0..2500 {
            queue.push(slot, 2500);
        }
        queue.measure(start, 2500);
        queue.push(9000, 1);
        queue.measure(start, 1);
        assert_eq!(counted(&mut queue, 1), (1, 1), "the small room's alone");
        assert_eq!(counted(&mut queue, 2), (1, 1));
        assert_eq!(counted(&mut queue, 4), (2, 5), "two thousand, and the rest");
        assert_eq!(counted(&mut queue, 9), (2, 5));
    }

    #[test]
    fn what_is_measured_at_once_is_bounded() {
        let mut queue = FlushQueue::default();
        for _ in 0..2 * MEASURED_MAX {
            queue.measure(Instant::now(), 1);
        }
        assert_eq!(queue.few.underway.len(), MEASURED_MAX);
        let delays = Histogram::default();
        queue.count_written(Instant::now, &delays);
        assert_eq!(queue.few.underway.len(), 0);
    }

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
