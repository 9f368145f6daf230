//! One attack from beginning to end: the bystanders alone, and then under attack.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};

use super::arms::Arms;
use super::crowd::{Crowd, Places};
use super::fate::Tally;
use super::plan::{Manner, Plan};
use super::raid::Raid;
use super::row::Row;
use crate::load::latency::Percentiles;
use crate::load::link::Target;
use crate::load::wire::Wire;
use crate::process::{self, Process};
use crate::system::{self, SECRET, Site};

/// The server's cores: one, like those who measure.
const SERVER_CORES: usize = 1;
/// How long is measured without the attack, and as long with it: handshakes that are not completed in
/// time end within it, and readers that stop.
const WINDOW: Duration = Duration::from_secs(6);
/// Between two looks at the server's memory.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What was seen in one window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spell {
    /// Of the bystanders, in milliseconds.
    pub(crate) latency: Percentiles,
    /// The most resident bytes of the server.
    pub(crate) resident: u64,
    /// The server's CPU time, as a share of one core.
    pub(crate) cpu: f64,
}

/// One round.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) before: Spell,
    pub(crate) during: Spell,
    pub(crate) tally: Tally,
}

/// Judges how an attack is borne, in so many rounds with a new server each; `progress` is told of
/// every step.
pub(crate) fn judge(
    plan: &'static Plan,
    site: &Site,
    rounds_max: usize,
    progress: &mut dyn FnMut(&str),
) -> Result<Row> {
    let mut rounds = Vec::new();
    for nth in 1..=rounds_max {
        progress(&format!("{} · round {nth} of {rounds_max}", plan.name));
        rounds.push(round(plan, site).context(plan.name)?);
    }
    Row::of(plan, rounds)
}

fn round(plan: &Plan, site: &Site) -> Result<Round> {
    let server = system::production(site)?;
    attacked(plan, &server).with_context(|| format!("it said:\n{}", server.said()))
}

fn attacked(plan: &Plan, server: &Process) -> Result<Round> {
    let places = match plan.manner {
        Manner::StopReading => Places::QuietAndBusy,
        Manner::Strike | Manner::Linger | Manner::Leave => Places::Quiet,
    };
    let mut crowd = Crowd::gather(bystanders(server, places)?, places)?;
    crowd.talk(WINDOW / 4)?;
    let before = spell(server, &mut crowd)?;

    let arms = Arms::new()?;
    let raid = Raid::new(plan, &arms, server.address)?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let attackers = scope.spawn(|| {
            process::stand_aside(SERVER_CORES)?;
            raid.run(&stop)
        });
        let during = spell(server, &mut crowd);
        stop.store(true, Ordering::Relaxed);
        let tally = attackers
            .join()
            .map_err(|_panic| anyhow!("the attackers failed"))??;
        Ok(Round {
            before,
            during: during.context("a bystander suffers")?,
            tally,
        })
    })
}

/// Each is a user of its own.
fn bystanders(server: &Process, places: Places) -> Result<Target> {
    let tokens = (0..Crowd::size(places))
        .map(|nth| system::token(&format!("bystander-{nth}"), SECRET))
        .collect::<Result<_>>()?;
    Ok(Target {
        address: server.address,
        wire: Wire::Plain,
        tokens,
        tls: None,
        missed: None,
        introduction: None,
    })
}

/// Lets the crowd talk, and looks at the server meanwhile.
fn spell(server: &Process, crowd: &mut Crowd) -> Result<Spell> {
    let id = server.id();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(process::resident(id)?);
                thread::sleep(LOOK_EVERY);
            }
            anyhow::Ok(most)
        });
        let (before, begin) = (server.usage()?.scheduled, Instant::now());
        let latency = crowd.talk(WINDOW);
        let (after, wall) = (server.usage()?.scheduled, begin.elapsed());
        over.store(true, Ordering::Relaxed);
        let latency = latency?;
        let resident = watching.join();
        let resident = resident.map_err(|_panic| anyhow!("nobody watched"))??;
        Ok(Spell {
            latency,
            resident,
            cpu: after.saturating_sub(before).as_secs_f64() / wall.as_secs_f64(),
        })
    })
}
