//! The attackers: one thread that does as a plan says, at its pace, until it is told to stop.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mio::{Events, Interest, Poll, Token};

use super::arms::Arms;
use super::fate::Tally;
use super::foe::Foe;
use super::plan::{Manner, Plan};

/// Between two looks at what may be done next.
const TICK: Duration = Duration::from_millis(5);
/// What could not be done is made up for as far back as this.
const CATCH_UP: Duration = Duration::from_millis(50);
/// How long the attackers read on in the end to hear how it ended, where they had stopped reading.
const AFTERMATH: Duration = Duration::from_secs(3);

/// All attackers.
#[derive(Debug)]
pub(super) struct Raid<'a> {
    plan: &'a Plan,
    arms: &'a Arms,
    server: SocketAddr,
    foes: Vec<Option<Foe>>,
    /// The place whose turn it is.
    turn: usize,
    poll: Poll,
    scratch: Vec<u8>,
    tally: Tally,
}

impl<'a> Raid<'a> {
    pub(super) fn new(plan: &'a Plan, arms: &'a Arms, server: SocketAddr) -> Result<Self> {
        Ok(Self {
            plan,
            arms,
            server,
            foes: (0..plan.pace.connections).map(|_| None).collect(),
            turn: 0,
            poll: Poll::new()?,
            scratch: vec![0; 64 * 1024],
            tally: Tally::default(),
        })
    }

    /// Attacks until it is told to stop.
    pub(super) fn run(mut self, stop: &AtomicBool) -> Result<Tally> {
        let mut events = Events::with_capacity(1024);
        let mut connects = Budget::new(self.plan.pace.connects);
        let mut strikes = Budget::new(self.plan.pace.strikes);
        let mut last = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let passed = last.elapsed();
            last += passed;
            connects.grow(passed);
            strikes.grow(passed);
            self.connect(&mut connects)?;
            self.strike(&mut strikes);
            self.listen(&mut events)?;
        }
        if self.plan.manner == Manner::StopReading {
            self.read_on();
        }
        Ok(self.tally)
    }

    fn connect(&mut self, budget: &mut Budget) -> Result<()> {
        for (place, free) in self.foes.iter_mut().enumerate() {
            if free.is_some() {
                continue;
            }
            if !budget.take() {
                break;
            }
            let mut foe = Foe::open(self.plan, self.arms, self.tally.begun, self.server)
                .context("the attackers cannot connect")?;
            self.tally.begun += 1;
            let both = Interest::READABLE | Interest::WRITABLE;
            let registry = self.poll.registry();
            registry.register(&mut foe.stream, Token(place), both)?;
            *free = Some(foe);
        }
        Ok(())
    }

    /// Shares the strikes out among those who are ready, each one's in one write.
    fn strike(&mut self, budget: &mut Budget) {
        let is_ready = |foe: &Option<Foe>| foe.as_ref().is_some_and(|foe| foe.is_ready(self.plan));
        let ready = self.foes.iter().filter(|foe| is_ready(foe)).count();
        if ready == 0 || self.plan.pace.strikes == 0 {
            return;
        }
        let share = budget.whole().div_ceil(ready);
        for _ in 0..self.foes.len() {
            let place = self.turn % self.foes.len();
            self.turn = place + 1;
            let foe = self.foes.get_mut(place).and_then(Option::as_mut);
            let Some(foe) = foe.filter(|foe| foe.is_ready(self.plan)) else {
                continue;
            };
            let mut blow = Vec::new();
            for _ in 0..share {
                if !budget.take() {
                    break;
                }
                blow.extend((self.plan.strike)(self.arms, self.tally.strikes));
                self.tally.strikes += 1;
            }
            if blow.is_empty() {
                return;
            }
            foe.send(&blow);
        }
    }

    /// Writes and reads where that is possible.
    fn listen(&mut self, events: &mut Events) -> Result<()> {
        match self.poll.poll(events, Some(TICK)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in events.iter() {
            let Some(place) = self.foes.get_mut(event.token().0) else {
                continue;
            };
            let Some(foe) = place else {
                continue;
            };
            if event.is_writable() {
                foe.flush();
            }
            if foe.has_stopped(self.plan) {
                continue;
            }
            let was_inside = foe.inside;
            let fate = foe.read(self.plan, self.arms, &mut self.scratch);
            self.tally.inside += u64::from(foe.inside && !was_inside);
            if let Some(fate) = fate {
                self.tally.note(fate);
                *place = None;
            }
        }
        Ok(())
    }

    /// Reads what the server had to say to those who did not listen.
    fn read_on(&mut self) {
        let until = Instant::now() + AFTERMATH;
        while Instant::now() < until && self.foes.iter().any(Option::is_some) {
            for place in &mut self.foes {
                let fate = place
                    .as_mut()
                    .and_then(|foe| foe.read(self.plan, self.arms, &mut self.scratch));
                if let Some(fate) = fate {
                    self.tally.note(fate);
                    *place = None;
                }
            }
            std::thread::sleep(TICK);
        }
    }
}

/// How much may be done, which grows with time.
#[derive(Debug)]
struct Budget {
    per_second: f64,
    left: f64,
}

impl Budget {
    fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second),
            left: 0.0,
        }
    }

    fn grow(&mut self, passed: Duration) {
        let most = (self.per_second * CATCH_UP.as_secs_f64()).max(1.0);
        self.left = (self.left + self.per_second * passed.as_secs_f64()).min(most);
    }

    fn take(&mut self) -> bool {
        let is_there = self.left >= 1.0;
        self.left -= f64::from(u8::from(is_there));
        is_there
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between zero and what a second allows"
    )]
    fn whole(&self) -> usize {
        self.left as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_grows_with_time_and_not_without_end() {
        let mut budget = Budget::new(100);
        assert!(!budget.take());
        budget.grow(Duration::from_millis(10));
        assert!(budget.take() && !budget.take());
        budget.grow(Duration::from_mins(1));
        assert_eq!(budget.whole(), 5);
    }

    #[test]
    fn a_slow_budget_lets_one_through_in_the_end() {
        let mut budget = Budget::new(1);
        for _ in 0..100 {
            budget.grow(Duration::from_millis(10));
        }
        assert!(budget.take());
    }
}
