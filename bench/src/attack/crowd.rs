//! The bystanders: people in rooms who talk at a steady rate, and wait for what others say.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::address;
use super::moves::BUSY;
use crate::load::frame::{self, TEXT};
use crate::load::latency::{Percentiles, percentiles};
use crate::load::link::Target;
use crate::load::swarm::{Deadline, Swarm};

/// Rooms in which people talk now and then.
const ROOMS: usize = 20;
/// How many are in each.
const MEMBERS: usize = 10;
/// How often each of them says something.
const EVERY: Duration = Duration::from_secs(2);
/// How many are in the busy room.
const BUSY_MEMBERS: usize = 24;
/// How often each of those says something: below the limit of a connection.
const BUSY_EVERY: Duration = Duration::from_millis(60);

/// The digits of the instant at which a text was sent.
const DIGITS: usize = 16;
/// What stands before a text in a delivered message.
const BEFORE_TEXT: &[u8] = br#""text":""#;
/// Behind the digits, so that a text is as long as a message of a chat.
const FILLING: &str = " Sphinx of black quartz, judge my vow. Pack my box with five dozen liquor \
                       jugs. How vexingly quick daft zebras jump.";
/// The same in the busy room: nearly as long as a text may be, in letters of three bytes.
const BUSY_FILLING: [char; 980] = ['€'; 980];

/// Where the bystanders are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    /// In rooms of their own.
    Quiet,
    /// There, and more of them in a busy room.
    QuietAndBusy,
}

/// All bystanders.
#[derive(Debug)]
pub(super) struct Crowd {
    swarm: Swarm,
    /// Texts tell the time since then.
    epoch: Instant,
}

impl Crowd {
    /// How many there are.
    pub(super) const fn size(places: Places) -> usize {
        match places {
            Places::Quiet => ROOMS * MEMBERS,
            Places::QuietAndBusy => ROOMS * MEMBERS + BUSY_MEMBERS,
        }
    }

    /// Lets everybody in. The tokens of the target are one for each.
    pub(super) fn gather(mut target: Target, places: Places) -> Result<Self> {
        target.introduction = Some(address::of_bystander);
        let swarm = Swarm::connect(target, (0..Self::size(places)).map(room))?;
        Ok(Self {
            swarm,
            epoch: Instant::now(),
        })
    }

    /// Talks for as long as `window`, and waits for the last word. From a text's sending to each
    /// of its deliveries, by one clock.
    pub(super) fn talk(&mut self, window: Duration) -> Result<Percentiles> {
        let begin = Instant::now();
        let mut turns = self.turns(window);
        let (mut latencies, mut due) = (Vec::new(), 0);
        let mut deadline = Deadline::new();
        loop {
            while let Some(&Reverse((at, index))) = turns.peek()
                && at <= begin.elapsed()
            {
                turns.pop();
                due += self.say(index)?;
                deadline = Deadline::new();
                let next = at + every(index);
                if next < window {
                    turns.push(Reverse((next, index)));
                }
            }
            if turns.is_empty() && latencies.len() >= due {
                return percentiles(latencies);
            }
            deadline.check("what bystanders said to reach everybody")?;
            let next = turns.peek().map(|Reverse((at, _))| *at);
            let wait =
                next.map_or_else(|| deadline.left(), |at| at.saturating_sub(begin.elapsed()));
            let epoch = self.epoch;
            self.swarm.turn(wait, |_, frame| {
                latencies.push(epoch.elapsed().saturating_sub(sent(frame.payload)?));
                Ok(())
            })?;
        }
    }

    /// When each of them speaks for the first time: one after the other, evenly.
    fn turns(&self, window: Duration) -> BinaryHeap<Reverse<(Duration, usize)>> {
        let count = u32::try_from(self.swarm.links.len()).unwrap_or(u32::MAX);
        let first = (0..count).map(|nth| {
            let index = nth as usize;
            Reverse((every(index) * nth / count.max(1), index))
        });
        first.filter(|Reverse((at, _))| *at < window).collect()
    }

    /// Says something in the name of one of them; how many will hear it.
    fn say(&mut self, index: usize) -> Result<usize> {
        let time = self.epoch.elapsed().as_micros();
        let text = if is_busy(index) {
            let filling: String = BUSY_FILLING.iter().collect();
            format!("{time:0DIGITS$}{filling}")
        } else {
            format!("{time:0DIGITS$}{FILLING}")
        };
        let message = self.swarm.target.wire.publish(&room(index), &text);
        self.swarm
            .links
            .get_mut(index)
            .context("every bystander is connected")?
            .send(&frame::from_client(TEXT, &message))?;
        Ok(if is_busy(index) {
            BUSY_MEMBERS
        } else {
            MEMBERS
        })
    }
}

fn is_busy(index: usize) -> bool {
    index >= ROOMS * MEMBERS
}

fn room(index: usize) -> String {
    if is_busy(index) {
        return BUSY.to_owned();
    }
    format!("bench:{}", index / MEMBERS)
}

fn every(index: usize) -> Duration {
    if is_busy(index) { BUSY_EVERY } else { EVERY }
}

/// When the text of a delivered message was sent.
fn sent(message: &[u8]) -> Result<Duration> {
    let digits = message
        .windows(BEFORE_TEXT.len())
        .position(|window| window == BEFORE_TEXT)
        .map(|at| at + BEFORE_TEXT.len())
        .and_then(|at| std::str::from_utf8(message.get(at..at + DIGITS)?).ok());
    let time = digits.and_then(|digits| digits.parse().ok());
    time.map(Duration::from_micros).with_context(|| {
        let message = String::from_utf8_lossy(message);
        format!("a bystander was told: {message}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_when_it_was_sent() {
        let message = br#"{"type":"chat","text":"0000000000001500 and more","sentAt":""}"#;
        assert_eq!(sent(message).unwrap(), Duration::from_micros(1500));
    }

    #[test]
    fn what_else_is_told_to_a_bystander_is_an_error() {
        assert!(sent(br#"{"type":"error","code":"rate_limited"}"#).is_err());
    }

    #[test]
    fn every_room_has_its_members() {
        let in_room = |name: &str| {
            let all = 0..Crowd::size(Places::QuietAndBusy);
            all.filter(|index| room(*index) == name).count()
        };
        assert_eq!(in_room("bench:0"), MEMBERS);
        assert_eq!(in_room("bench:19"), MEMBERS);
        assert_eq!(in_room(BUSY), BUSY_MEMBERS);
    }
}
