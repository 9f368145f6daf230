//! The light crowd: many members in one epoll loop, each on a line of its own, and all of them with one rule.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use mio::{Events, Interest, Poll, Token};

use super::crowd::{Crowd, GATHER_EVERY, LOOK_EVERY};
use super::diary::Step;
use super::line::{Line, News};
use super::member::Member;
use super::policy::Rule;
use super::words::Word;
use super::{EVERY, MEMBERS, Record};
use crate::attack::of_bystander;

/// Who has to come again meanwhile does after this.
const GATHER_AGAIN: Duration = Duration::from_millis(100);
/// So many alarms are heeded at most before anything is heard: all that a crowd sets at the same instant, so that those who
/// dial together do.
const ALARMS_AT_ONCE: usize = 8192;
/// The draws of every crowd are the same.
const SEED: u64 = 5;

/// What a member is to do at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Dial,
    /// Leave, and come again: nothing has been said yet.
    Renew,
    /// Give the attempt up, unless it has come to something.
    HangUp,
    Speak,
}

/// The crowd.
#[derive(Debug)]
pub(super) struct LightCrowd {
    server: SocketAddr,
    rule: &'static Rule,
    members: Vec<Member>,
    /// Who has to do what, and in which of its turns.
    alarms: BinaryHeap<Reverse<(Instant, usize, u32, Alarm)>>,
    mood: Mood,
    random: fastrand::Rng,
    poll: Poll,
    scratch: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Gathering,
    Talking,
    Listening,
}

impl LightCrowd {
    /// Lets everybody in, one for each token.
    pub(super) fn gather(
        server: SocketAddr,
        (rule, tokens): (&'static Rule, Vec<String>),
        record: &mut Record,
        patience: Duration,
    ) -> Result<Self> {
        let mut crowd = Self {
            server,
            rule,
            members: Vec::new(),
            alarms: BinaryHeap::new(),
            mood: Mood::Gathering,
            random: fastrand::Rng::with_seed(SEED),
            poll: Poll::new()?,
            scratch: vec![0; 64 * 1024],
        };
        let members = tokens.into_iter().enumerate();
        crowd.members = members
            .map(|(who, token)| Member::new(who, token))
            .collect();
        crowd.each_in_turn(Alarm::Dial);
        crowd.wait_for_all(record, patience)?;
        Ok(crowd)
    }

    fn each_in_turn(&mut self, alarm: Alarm) {
        let mut at = Instant::now();
        for member in &self.members {
            self.alarms
                .push(Reverse((at, member.who, member.turn, alarm)));
            at += GATHER_EVERY;
        }
    }

    fn live_on(
        &mut self,
        record: &mut Record,
        patience: Duration,
        until: &mut dyn FnMut(&[Member], &Record) -> bool,
    ) -> Result<bool> {
        let end = Instant::now() + patience;
        let mut events = Events::with_capacity(1024);
        let mut look_at = Instant::now();
        loop {
            let now = Instant::now();
            if now >= look_at {
                if until(&self.members, record) {
                    return Ok(true);
                }
                if now >= end {
                    return Ok(false);
                }
                look_at = now + LOOK_EVERY;
            }
            self.heed_alarms(record)?;
            self.listen(&mut events, record)?;
        }
    }

    fn heed_alarms(&mut self, record: &mut Record) -> Result<()> {
        for _ in 0..ALARMS_AT_ONCE {
            let now = Instant::now();
            let Some(&Reverse((at, who, turn, alarm))) = self.alarms.peek() else {
                return Ok(());
            };
            if at > now {
                return Ok(());
            }
            self.alarms.pop();
            let member = self.members.get_mut(who).context("alarms are of members")?;
            match alarm {
                Alarm::Dial if member.turn == turn => {
                    record.diary.late = record.diary.late.max(now - at);
                    self.dial(who, record)?;
                }
                Alarm::Renew => self.fall(who, record)?,
                Alarm::HangUp if member.turn == turn && !record.diary.is_inside(who) => {
                    self.fall(who, record)?;
                }
                Alarm::Dial | Alarm::HangUp => {}
                Alarm::Speak => {
                    if self.mood == Mood::Talking {
                        if record.diary.is_inside(who) {
                            member.publish();
                        }
                        self.alarms.push(Reverse((at + EVERY, who, turn, alarm)));
                    }
                }
            }
        }
        Ok(())
    }

    fn dial(&mut self, who: usize, record: &mut Record) -> Result<()> {
        let member = self.members.get_mut(who).context("members dial")?;
        let hang_up = Instant::now() + self.rule.patience;
        let alarm = (hang_up, who, member.turn, Alarm::HangUp);
        let request = format!(
            "{}GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: tautline.v2.json\r\n\r\n",
            of_bystander(who),
            self.server
        );
        record.diary.note(who, Step::Dials);
        let Some(mut line) = Line::dial(self.server, request) else {
            return self.fall(who, record);
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(line.stream(), Token(who), interest)?;
        member.line = Some(line);
        self.alarms.push(Reverse(alarm));
        Ok(())
    }

    fn listen(&mut self, events: &mut Events, record: &mut Record) -> Result<()> {
        let next = self.alarms.peek().map(|Reverse((at, ..))| *at);
        let wait = next.map_or(LOOK_EVERY, |at| {
            at.saturating_duration_since(Instant::now())
        });
        match self.poll.poll(events, Some(wait.min(LOOK_EVERY))) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let mut news = Vec::new();
        for event in events.iter() {
            let Token(who) = event.token();
            let Some(member) = self.members.get_mut(who) else {
                continue;
            };
            let Some(line) = &mut member.line else {
                continue;
            };
            line.go_on(&mut self.scratch, &mut news)?;
            for one in news.drain(..) {
                if self.learn(who, one, record)? == Fate::Over {
                    self.fall(who, record)?;
                    break;
                }
            }
        }
        Ok(())
    }

    fn learn(&mut self, who: usize, news: News, record: &mut Record) -> Result<Fate> {
        let member = self.members.get_mut(who).context("members learn")?;
        match news {
            News::Upgraded => member.greet(),
            News::Refused(status) => {
                record.diary.note(who, Step::IsRefused(status));
                return Ok(Fate::Over);
            }
            News::Ended => return Ok(Fate::Over),
            News::Said(Word::Welcome(entrance)) => {
                record.diary.note(who, Step::Enters);
                member.enter(*entrance, record);
            }
            News::Said(Word::Message(heard)) => member.hear(heard, record),
            News::Said(Word::Published(offset)) => member.note_answer(offset, record),
            News::Said(Word::Gap(position, gap)) => member.skip(position, gap, record),
            News::Said(Word::Ping) => member.answer_ping(),
            News::Said(Word::Error(error)) => bail!("a member was refused: {error}"),
            News::Said(Word::Other) => {}
        }
        Ok(Fate::GoesOn)
    }

    /// A member has lost its line, or its attempt has failed: it will come again, unless it gives up.
    fn fall(&mut self, who: usize, record: &mut Record) -> Result<()> {
        let member = self.members.get_mut(who).context("members fall")?;
        member.line = None;
        member.turn += 1;
        if record.diary.is_inside(who) {
            record.diary.note(who, Step::IsLost);
        }
        let wait = match self.mood {
            Mood::Gathering => Some(GATHER_AGAIN),
            Mood::Talking | Mood::Listening => member.wait(self.rule, self.random.f64()),
        };
        match wait {
            Some(wait) => {
                let at = Instant::now() + wait;
                let alarm = (at, who, member.turn, Alarm::Dial);
                self.alarms.push(Reverse(alarm));
            }
            None => record.diary.note(who, Step::GivesUp),
        }
        Ok(())
    }
}

impl Crowd for LightCrowd {
    fn renew(&mut self, record: &mut Record, patience: Duration) -> Result<()> {
        self.each_in_turn(Alarm::Renew);
        let count = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        self.live(record, GATHER_EVERY * count + GATHER_AGAIN, &mut |_| false)?;
        self.wait_for_all(record, patience)
    }

    fn begin_to_talk(&mut self) {
        self.mood = Mood::Talking;
        let now = Instant::now();
        let count = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        for (nth, who) in (0..count).zip(0..).step_by(MEMBERS) {
            let at = now + EVERY.mul_f64(f64::from(nth) / f64::from(count));
            self.alarms.push(Reverse((at, who, 0, Alarm::Speak)));
        }
    }

    fn live(
        &mut self,
        record: &mut Record,
        patience: Duration,
        until: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<bool> {
        self.live_on(record, patience, &mut |_, record| until(record))
    }

    fn fall_silent(&mut self, record: &mut Record, patience: Duration) -> Result<bool> {
        self.mood = Mood::Listening;
        self.live_on(record, patience, &mut |members, record| {
            members.iter().all(|member| {
                let has_all = record.history.is_up_to_date(member.who, member.room());
                !record.diary.is_inside(member.who) || has_all && !member.is_waiting
            })
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    GoesOn,
    Over,
}
