//! What happens to the server while clients are at work.

use std::io;
use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::blows::{Blows, Interlude};
use super::report::JUDGE;
use super::{LOOK_EVERY, Run, is_witness};
use crate::crowd::{Notice, Sort};

/// The server stands still for so long: all clients wait for a sign of life for four seconds, the one until its
/// next ping is due included.
const STILL: Duration = Duration::from_secs(6);
/// Who finds nothing but silence before that was cut off by the network already.
const CUT_OFF: Duration = Duration::from_secs(3);
/// What is done to the server does not count if nobody has noticed by then.
const NOTICE_PATIENCE: Duration = Duration::from_secs(6);
/// So many times as often as is wanted is tried at most what has to be noticed.
const TRIES_MAX: u32 = 4;

impl Run {
    /// Lets the network and the server fail until all that is asked for has happened, and was noticed.
    pub(super) async fn trouble(&mut self) -> io::Result<()> {
        let mut next_at = Instant::now() + self.scale.life;
        while !self.is_enough() && !self.is_in_vain() {
            sleep(LOOK_EVERY).await;
            self.show("faults");
            if Instant::now() >= next_at {
                let life = self.strike().await?;
                next_at = Instant::now() + life;
            }
        }
        for what in self.missing() {
            self.note(JUDGE, what);
        }
        Ok(())
    }

    fn is_enough(&self) -> bool {
        self.proxy.tally().sum() >= self.scale.faults
            && self.toll.blows.kills >= self.scale.blows.kills
            && self.progress.delivered.load(Ordering::Relaxed) >= self.scale.deliveries
            && self.missing().is_empty()
    }

    fn is_in_vain(&self) -> bool {
        let Blows { stops, drains, .. } = self.scale.blows;
        self.toll.interludes >= TRIES_MAX * (stops + drains) && !self.missing().is_empty()
    }

    /// What was to be noticed, and was not: by anybody each time, and by each sort of clients ever.
    fn missing(&self) -> Vec<String> {
        let (had, wanted) = (self.toll.blows, self.scale.blows);
        let mut missing = Vec::new();
        for (notice, had, wanted, what) in [
            (Notice::Silence, had.stops, wanted.stops, "stands still"),
            (Notice::Farewell, had.drains, wanted.drains, "goes away"),
        ] {
            if had < wanted {
                missing.push(format!(
                    "{had} times and not {wanted} has anybody noticed that the server {what}"
                ));
            }
            let unaware = |sort: &Sort| wanted > 0 && !self.progress.notices.has(notice, *sort);
            for sort in self.sorts().into_iter().filter(unaware) {
                missing.push(format!("no {sort} has noticed that the server {what}"));
            }
        }
        missing
    }

    /// The sorts of clients that are there.
    fn sorts(&self) -> Vec<Sort> {
        let script = self.script.as_ref().map(|_| Sort::Script);
        let ours = [Sort::Native, Sort::Witness];
        ours.into_iter().chain(script).collect()
    }

    /// Does what has its turn, and says for how long the server is left alone then. Interludes leave the seed's chance alone, so that
    /// what is between them is the same with and without them.
    async fn strike(&mut self) -> io::Result<Duration> {
        let life = self.scale.life;
        match self.toll.turn(self.scale.interlude_every, self.scale.blows) {
            Some(Interlude::Stop) => {
                self.stop().await?;
                return Ok(life / 2);
            }
            Some(Interlude::Drain) => {
                self.drain().await?;
                return Ok(life / 2);
            }
            None => {}
        }
        let kills = self.toll.blows.kills;
        if self.random.u8(..4) == 0 {
            self.proxy.reset_all();
        } else if (kills + 1).is_multiple_of(self.scale.rewind_every) {
            self.rewind().await?;
        } else {
            self.server.kill()?;
            self.start_again()?;
            self.toll.blows.kills += 1;
        }
        Ok(life.mul_f64(0.5 + self.random.f64()))
    }

    /// Starts the server again, which has ended.
    pub(super) fn start_again(&mut self) -> io::Result<()> {
        self.server.start_again()?;
        self.proxy.lead_to(self.server.address());
        Ok(())
    }

    /// Has the server stand still: connections stay, and nothing comes. Then it reads what it was sent before clients gave it up, beside
    /// what they send again.
    async fn stop(&mut self) -> io::Result<()> {
        self.server.freeze()?;
        sleep(CUT_OFF).await;
        self.progress.notices.expect(Some(Notice::Silence));
        let before = self.progress.notices.times(Notice::Silence);
        sleep(STILL.saturating_sub(CUT_OFF)).await;
        let is_noticed = self.is_noticed(Notice::Silence, before).await;
        self.progress.notices.expect(None);
        self.server.thaw()?;
        self.toll.blows.stops += u32::from(is_noticed);
        Ok(())
    }

    /// Has the server replaced, as on a deploy. Only one process at a time may have the disk: clients are told to move, find nobody else, stay
    /// to the end, and come back to the next one.
    async fn drain(&mut self) -> io::Result<()> {
        self.progress.notices.expect(Some(Notice::Farewell));
        let before = self.progress.notices.times(Notice::Farewell);
        self.server.terminate()?;
        let late = |_| io::Error::other("the server was asked to end, and does not");
        let calm = self.scale.calm;
        let status = timeout(calm, self.ended()).await.map_err(late)??;
        if !status.success() {
            let what = format!("the server was asked to end, and ended with {status}");
            return Err(io::Error::other(what));
        }
        self.start_again()?;
        let is_noticed = self.is_noticed(Notice::Farewell, before).await;
        self.progress.notices.expect(None);
        self.toll.blows.drains += u32::from(is_noticed);
        Ok(())
    }

    /// Waits until the server has ended.
    async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.server.ended()? {
                return Ok(status);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until something was noticed more often than before; false if nobody does.
    async fn is_noticed(&self, notice: Notice, before: u64) -> bool {
        let noticed = async {
            while self.progress.notices.times(notice) == before {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(NOTICE_PATIENCE, noticed).await.is_ok()
    }

    /// Waits until all members have read what the server has said, which must be dead.
    pub(super) async fn pause(&mut self) -> io::Result<()> {
        let members = (0..self.scale.clients).filter(|number| !is_witness(*number));
        self.progress.pausing.store(0, Ordering::Relaxed);
        self.progress.pause.fetch_add(1, Ordering::Release);
        self.proxy.reset_all();
        let all = async {
            while self.progress.pausing.load(Ordering::Acquire) < members.clone().count() {
                sleep(LOOK_EVERY).await;
            }
        };
        let late = |_| io::Error::other("members do not notice that the server is dead");
        timeout(self.scale.calm, all).await.map_err(late)
    }
}
