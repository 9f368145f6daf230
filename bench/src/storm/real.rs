//! The crowd of the real client: all its members in one runtime of one thread, on the load client's core.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{interval, sleep};

use super::crowd::{Crowd, GATHER_EVERY, LOOK_EVERY};
use super::guest::Guest;
use super::notes::Notes;
use super::{EVERY, MEMBERS, Record};

/// The crowd.
#[derive(Debug)]
pub(super) struct RealCrowd {
    server: SocketAddr,
    tokens: Vec<String>,
    guests: Vec<Guest>,
    notes: Notes,
    silence: Arc<AtomicBool>,
    runtime: Runtime,
}

impl RealCrowd {
    /// Lets everybody in, one for each token.
    pub(super) fn gather(
        server: SocketAddr,
        tokens: Vec<String>,
        record: &mut Record,
        patience: Duration,
    ) -> Result<Self> {
        let mut crowd = Self {
            server,
            guests: Vec::new(),
            notes: Notes::new(tokens.len()),
            tokens,
            silence: Arc::default(),
            runtime: Builder::new_current_thread().enable_all().build()?,
        };
        crowd.come_in_turn()?;
        crowd.wait_for_all(record, patience)?;
        Ok(crowd)
    }

    /// Everybody comes, one after another; who is there goes before.
    fn come_in_turn(&mut self) -> Result<()> {
        let mut before = std::mem::take(&mut self.guests).into_iter();
        let (guests, notes, server) = (&mut self.guests, &self.notes, self.server);
        self.runtime.block_on(async {
            let mut pace = interval(GATHER_EVERY);
            for (who, token) in self.tokens.iter().enumerate() {
                pace.tick().await;
                if let Some(guest) = before.next() {
                    guest.go();
                }
                guests.push(Guest::come(server, token, notes.pen(who))?);
            }
            Ok(())
        })
    }

    fn live_on(
        &mut self,
        record: &mut Record,
        patience: Duration,
        until: &mut dyn FnMut(&Notes, &Record) -> bool,
    ) -> Result<bool> {
        let end = Instant::now() + patience;
        loop {
            self.notes.copy_to(record)?;
            if until(&self.notes, record) {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            // The timer is made where the runtime runs.
            self.runtime.block_on(async { sleep(LOOK_EVERY).await });
        }
    }
}

impl Crowd for RealCrowd {
    fn renew(&mut self, record: &mut Record, patience: Duration) -> Result<()> {
        self.come_in_turn()?;
        self.wait_for_all(record, patience)
            .context("who had gone did not come again")
    }

    fn begin_to_talk(&mut self) {
        let _inside = self.runtime.enter();
        let count = u32::try_from(self.guests.len()).unwrap_or(u32::MAX);
        for (nth, guest) in (0..count).zip(&self.guests).step_by(MEMBERS) {
            let after = EVERY.mul_f64(f64::from(nth) / f64::from(count));
            guest.talk(after, &self.silence);
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
        self.silence.store(true, Ordering::Relaxed);
        self.live_on(record, patience, &mut |notes, record| {
            (0..record.diary.size()).all(|who| {
                let has_all = record.history.is_up_to_date(who, who / MEMBERS);
                !record.diary.is_inside(who) || has_all && !notes.is_waiting(who)
            })
        })
    }
}
