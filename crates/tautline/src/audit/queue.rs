//! What waits for the writer: bounded by the memory that it holds. The shards never wait for it.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::event::Event;
use super::log::now;

/// The events that wait.
#[derive(Debug)]
pub(super) struct Queue {
    bytes_max: usize,
    state: Mutex<State>,
    /// There is something to take, or no more will come.
    stirred: Condvar,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    /// What the events hold that wait here or are being written.
    bytes: usize,
    lost: Option<Lost>,
    ended: bool,
}

/// Events that found no room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lost {
    pub(super) events: u64,
    /// When the first was lost, and the last.
    pub(super) from: u64,
    pub(super) until: u64,
}

/// What the writer takes at once. The loss is behind the events.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) events: Vec<Event>,
    pub(super) lost: Option<Lost>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    Waits,
    Lost,
}

impl Queue {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            state: Mutex::default(),
            stirred: Condvar::new(),
        }
    }

    /// Has an event wait, or counts it as lost if there is no room.
    pub(super) fn push(&self, event: Event) -> Pushed {
        let weight = event.weight();
        let mut state = self.state.lock();
        if state.bytes + weight > self.bytes_max {
            let time = now();
            let lost = state.lost.get_or_insert(Lost {
                events: 0,
                from: time,
                until: time,
            });
            lost.events += 1;
            lost.until = time;
            return Pushed::Lost;
        }
        state.bytes += weight;
        state.events.push(event);
        let is_first = state.events.len() == 1;
        drop(state);
        if is_first {
            self.stirred.notify_one();
        }
        Pushed::Waits
    }

    /// Waits until there is something to write, and takes it all; none when no more will come.
    pub(super) fn take(&self) -> Option<Taken> {
        let mut state = self.state.lock();
        while state.events.is_empty() && state.lost.is_none() {
            if state.ended {
                return None;
            }
            self.stirred.wait(&mut state);
        }
        Some(Taken {
            events: std::mem::take(&mut state.events),
            lost: state.lost.take(),
        })
    }

    /// There is room again for what has been taken and written.
    pub(super) fn written(&self, bytes: usize) {
        let mut state = self.state.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    /// Whether events are lost that no row tells of yet.
    pub(super) fn has_lost(&self) -> bool {
        self.state.lock().lost.is_some()
    }

    /// No more will come.
    pub(super) fn end(&self) {
        self.state.lock().ended = true;
        self.stirred.notify_one();
    }

    /// Waits so long, or until no more will come; whether that is so.
    pub(super) fn wait_for_end(&self, patience: Duration) -> bool {
        let mut state = self.state.lock();
        let deadline = std::time::Instant::now() + patience;
        while !state.ended && !self.stirred.wait_until(&mut state, deadline).timed_out() {}
        state.ended
    }

    /// How many wait, and how many are lost already.
    pub(super) fn left(&self) -> u64 {
        let state = self.state.lock();
        let waiting = u64::try_from(state.events.len()).unwrap_or(u64::MAX);
        waiting + state.lost.map_or(0, |lost| lost.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_until_there_is_room_again() {
        let weight = Event::started().weight();
        let queue = Queue::new(2 * weight);
        for pushed in [Pushed::Waits, Pushed::Waits, Pushed::Lost, Pushed::Lost] {
            assert_eq!(queue.push(Event::started()), pushed);
        }
        let taken = queue.take().unwrap();
        assert_eq!(taken.events.len(), 2);
        assert_eq!(taken.lost.map(|lost| lost.events), Some(2));
        assert_eq!(
            queue.push(Event::started()),
            Pushed::Lost,
            "what is being written is held still"
        );
        queue.written(weight);
        assert_eq!(queue.push(Event::started()), Pushed::Waits);
        assert!(queue.has_lost());
    }

    #[test]
    fn nothing_comes_behind_the_end() {
        let queue = Queue::new(usize::MAX);
        assert_eq!(queue.push(Event::stopped()), Pushed::Waits);
        queue.end();
        assert!(queue.take().is_some_and(|taken| taken.events.len() == 1));
        assert!(queue.take().is_none());
        assert!(queue.wait_for_end(Duration::from_hours(1)));
    }
}
