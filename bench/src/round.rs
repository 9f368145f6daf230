//! The rounds of a case: every system in turn, again and again, so that what disturbs the machine
//! disturbs all alike.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::case::{Case, Kind, Presence};
use crate::load::churn;
use crate::load::durable::Durable;
use crate::load::echo::Echo;
use crate::load::fanout::{FanOut, Shape, Work};
use crate::load::idle::Idle;
use crate::load::latency::{Paced, Percentiles};
use crate::load::link::Target;
use crate::load::recovery::Recovery;
use crate::load::rows::Rows;
use crate::process::Process;
use crate::sample::{Load, Memory, Row, Sample};
use crate::system::{Site, System};

/// Connections that come and go before memory is measured, so that what a server allocates once is
/// not counted as theirs.
const FIRST_GUESTS: usize = 10;
/// The room in which ticks are delivered.
const TICKS: Shape = Shape {
    rooms: 1,
    members: 1000,
    burst: 16,
};
/// A collector gets this long to give memory back.
const COLLECTING: Duration = Duration::from_millis(300);

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// How long one system is under load in one round.
    pub(crate) window: Duration,
    /// No further round begins that would end later than this after the first one began.
    pub(crate) time: Duration,
}

/// Rows, and what went wrong instead of one.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) rows: Vec<Row>,
    pub(crate) failures: Vec<String>,
}

struct Contender {
    system: System,
    process: Option<Process>,
    samples: Vec<Sample>,
    /// How long its last round took.
    taken: Duration,
}

/// Measures one case; `progress` is told of every step.
pub(crate) fn measure(
    case: &'static Case,
    systems: &[System],
    site: &Site,
    effort: Effort,
    progress: &mut dyn FnMut(&str),
) -> Measured {
    let mut measured = Measured::default();
    let takes = systems.iter().filter(|system| case.takes(**system));
    let mut contenders: Vec<Contender> = takes
        .map(|&system| Contender {
            system,
            process: None,
            samples: Vec::new(),
            taken: Duration::ZERO,
        })
        .collect();
    let rounds = rounds(case, effort);
    let begin = Instant::now();
    for round in 0..rounds {
        let next = contenders.iter().filter(|one| one.takes(case, round));
        let next: Duration = next.map(|one| one.taken).sum();
        if round > 0 && begin.elapsed() + next > effort.time {
            break;
        }
        contenders.retain_mut(|contender| {
            if !contender.takes(case, round) {
                return true;
            }
            let begin = Instant::now();
            progress(&format!(
                "{} · round {} of {rounds} · {}",
                case.name,
                round + 1,
                contender.system.name()
            ));
            let taken = contender.take_round(case, site, effort.window);
            contender.taken = begin.elapsed();
            if let Err(error) = &taken {
                let said = contender
                    .process
                    .as_ref()
                    .map(Process::said)
                    .unwrap_or_default();
                let name = contender.system.name();
                measured
                    .failures
                    .push(format!("{} · {name}: {error:#}\n{said}", case.name));
            }
            taken.is_ok()
        });
    }
    measured.rows = contenders
        .iter()
        .filter_map(|one| Row::of(case, one.system, &one.samples))
        .collect();
    measured
}

/// Memory hardly varies, and filling a server takes long: fewer rounds do.
fn rounds(case: &Case, effort: Effort) -> usize {
    match case.kind {
        Kind::Idle { connections, .. } if connections > 10_000 => effort.rounds.min(2),
        Kind::Idle { .. } => effort.rounds.min(3),
        Kind::FanOut(_)
        | Kind::Latency { .. }
        | Kind::Echo { .. }
        | Kind::Connect
        | Kind::Ticks(_)
        | Kind::Recovery { .. }
        | Kind::Durable { .. } => effort.rounds,
    }
}

impl Contender {
    /// Whether it takes part in a round. Peers need minutes to fill a large case, and are far from the
    /// limit there: once is enough to say how far.
    fn takes(&self, case: &Case, round: usize) -> bool {
        round == 0 || !(case.is_large() && self.system.is_peer())
    }

    /// One round: the server lives on from round to round, its connections do not.
    fn take_round(&mut self, case: &Case, site: &Site, window: Duration) -> Result<()> {
        if let Kind::Idle {
            connections,
            presence,
            ..
        } = case.kind
        {
            let process = self.system.start(case, site)?;
            let process = self.process.insert(process);
            let target = self.system.target(case, site, process)?;
            let memory = idle(process, &target, connections, presence)?;
            self.samples.push(Sample::Idle(memory));
            return Ok(());
        }
        let first = self.process.is_none();
        if first {
            self.process = Some(self.system.start(case, site)?);
        }
        let process = self.process.as_ref().context("the server was started")?;
        process.settle()?;
        // Compilers at run time want to see the first round twice as long.
        let warm_up = if first { window } else { window / 4 };
        let target = self.system.target(case, site, process)?;
        let load = match (self.system, case.kind) {
            (System::Sqlite | System::Engine, Kind::Durable { publishers }) => {
                let mut rows = Rows::connect(target.address, publishers)?;
                rows.run(warm_up)?;
                clocked(process, || Ok((rows.run(window)?, None)))?
            }
            (_, kind) => under_load(target, process, kind, [warm_up, window])?,
        };
        self.samples.push(Sample::Load(load));
        Ok(())
    }
}

fn under_load(
    target: Target,
    process: &Process,
    kind: Kind,
    [warm_up, window]: [Duration; 2],
) -> Result<Load> {
    match kind {
        Kind::FanOut(shape) => {
            let mut fan_out = FanOut::connect(target, shape)?;
            fan_out.run(warm_up)?;
            clocked(process, || Ok((fan_out.run(window)?, None)))
        }
        Kind::Ticks(_) => {
            let mut fan_out = FanOut::connect(target, TICKS)?;
            fan_out.run(warm_up)?;
            clocked(process, || Ok((fan_out.run(window)?, None)))
        }
        Kind::Recovery { clients, messages } => {
            let mut recovery = Recovery::prepare(target, clients, messages)?;
            recovery.run(warm_up)?;
            clocked(process, || Ok((recovery.run(window)?, None)))
        }
        Kind::Durable { publishers } => {
            let mut durable = Durable::connect(target, publishers)?;
            durable.run(warm_up)?;
            clocked(process, || Ok((durable.run(window)?, None)))
        }
        Kind::Latency { members } => {
            let mut paced = Paced::connect(target, members)?;
            paced.run(warm_up)?;
            clocked(process, || {
                paced
                    .run(window)
                    .map(|(work, latency)| (work, Some(latency)))
            })
        }
        Kind::Echo { in_flight } => {
            let mut echo = Echo::connect(target, in_flight)?;
            echo.run(warm_up)?;
            clocked(process, || Ok((echo.run(window)?, None)))
        }
        Kind::Connect | Kind::Idle { .. } => {
            churn::run(target.clone(), warm_up)?;
            clocked(process, || Ok((churn::run(target, window)?, None)))
        }
    }
}

/// Does some work between two looks at the server's clocks, both taken while it rests.
fn clocked(
    process: &Process,
    work: impl FnOnce() -> Result<(Work, Option<Percentiles>)>,
) -> Result<Load> {
    let before = process.settle()?;
    let begin = Instant::now();
    let (work, latency) = work()?;
    let wall = begin.elapsed();
    let after = process.settle()?;
    Ok(Load {
        work,
        wall,
        scheduled: after.scheduled.saturating_sub(before.scheduled),
        ticked: after.ticked.saturating_sub(before.ticked),
        latency,
    })
}

fn idle(
    process: &Process,
    target: &Target,
    connections: usize,
    presence: Presence,
) -> Result<Memory> {
    let has_echo = target.wire.echo("").is_some();
    let room = match presence {
        Presence::Off => "bench:idle",
        Presence::On => "bench:presence:idle",
    };
    let resident = || -> Result<u64> {
        std::thread::sleep(COLLECTING);
        process.settle()?;
        process.resident()
    };
    let mut guests = Idle::connect(target.clone(), FIRST_GUESTS, room)?;
    if has_echo {
        guests.echo_large()?;
    }
    drop(guests);
    let base = resident()?;
    let each = |resident: u64| resident.saturating_sub(base) as f64 / connections as f64;
    let mut swarm = Idle::connect(target.clone(), connections, room)?;
    let idle = each(resident()?);
    let mut after_large = None;
    if has_echo {
        swarm.echo_large()?;
        after_large = Some(each(resident()?));
    }
    Ok(Memory {
        idle,
        after_large,
        base,
    })
}

/// The size of the frames that a system delivers.
pub(crate) fn frame_bytes(system: System, case: &'static Case, site: &Site) -> Result<usize> {
    let process = system.start(case, site)?;
    let mut one = FanOut::connect(
        system.target(case, site, &process)?,
        Shape {
            rooms: 1,
            members: 1,
            burst: 1,
        },
    )?;
    let work = one
        .run(Duration::ZERO)
        .with_context(|| format!("it said: {}", process.said()))?;
    Ok(usize::try_from(work.bytes / work.units)?)
}

/// The size of the frame in which Tautline sends all that was missed, if that is among the cases.
pub(crate) fn welcome_bytes(cases: &[&'static Case], site: &Site) -> Result<Option<usize>> {
    for case in cases {
        if let Kind::Recovery { messages, .. } = case.kind {
            let process = System::Tautline.start(case, site)?;
            let target = System::Tautline.target(case, site, &process)?;
            let work = Recovery::prepare(target, 1, messages)
                .and_then(|mut one| one.run(Duration::ZERO))
                .with_context(|| format!("it said: {}", process.said()))?;
            return Ok(Some(usize::try_from(work.bytes / work.units)?));
        }
    }
    Ok(None)
}
