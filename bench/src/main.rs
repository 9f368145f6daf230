//! `tautline-bench`: what a delivery, an echo, a connection costs, measured side by side with the
//! physical limit and with the servers that people would use instead. `cargo xtask bench` builds
//! and runs it; `docs/benchmark.md` tells the method.
#![expect(
    clippy::cast_precision_loss,
    reason = "counts and bytes of one run are far below 2^52"
)]

mod attack;
mod case;
mod certificate;
mod disk;
mod engine;
mod goal;
mod json;
mod limit;
mod load;
mod machine;
mod plot;
mod process;
mod report;
mod round;
mod rows;
mod sample;
mod selection;
mod storm;
mod system;
mod table;

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::case::{ALL, Case};
use crate::certificate::Certificate;
use crate::disk::Disk;
use crate::machine::Machine;
use crate::report::Report;
use crate::round::{Effort, Measured};
use crate::selection::Pattern;
use crate::system::{Site, System};

/// The delivered frame of Tautline, for a run without it.
const FRAME_BYTES: usize = 300;
/// Its frame with a hundred missed messages, likewise.
const WELCOME_BYTES: usize = 36_000;

/// The time for all cases together. On a busy machine there are fewer rounds, and the report says
/// so.
const TIME_MAX: Duration = Duration::from_secs(690);

/// Measures Tautline beside the physical limit and other servers, and what others notice while it is
/// attacked.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = selection::help())]
struct Arguments {
    #[command(subcommand)]
    server: Option<Bare>,
    /// Measure this case only, or those that begin like this: attack-*; may be given several times
    /// [default: all but attacks and outages]
    #[arg(long = "case", value_name = "NAME", value_parser = Pattern::parse)]
    cases: Vec<Pattern>,
    /// Measure these systems only, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    systems: Vec<System>,
    /// Two short rounds instead of five, one of an attack instead of three, and a fifth of a crowd: for a
    /// look, not for figures.
    #[arg(long)]
    quick: bool,
    /// The tautline binary [default: the one beside this program]
    #[arg(long = "server", value_name = "PATH")]
    tautline: Option<PathBuf>,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the fan-out cases into this SVG file.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Draw who comes back when, after storms and drains, into this SVG file.
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Bare {
    /// The bare server; the bench starts it itself.
    #[command(name = "serve-limit", hide = true)]
    Limit {
        #[arg(long)]
        coalesced: bool,
        #[arg(long, default_value_t = FRAME_BYTES)]
        frame_bytes: usize,
        #[arg(long, default_value_t = 0)]
        joined_bytes: usize,
        #[arg(long)]
        directory: Option<PathBuf>,
    },
    /// The bare writer; the bench starts it itself.
    #[command(name = "serve-rows", hide = true)]
    Rows { directory: PathBuf },
    /// The engine behind the same socket; the bench starts it itself.
    #[command(name = "serve-engine", hide = true)]
    Engine { directory: PathBuf },
}

fn main() -> Result<()> {
    let mut arguments = Arguments::parse();
    match arguments.server.take() {
        Some(Bare::Limit {
            coalesced,
            frame_bytes,
            joined_bytes,
            directory,
        }) => {
            let settings = limit::Settings {
                coalesced,
                frame_bytes,
                joined_bytes,
                directory,
            };
            return limit::serve(&settings, &mut io::stderr());
        }
        Some(Bare::Rows { directory }) => return rows::serve(&directory, &mut io::stderr()),
        Some(Bare::Engine { directory }) => {
            return engine::serve(&directory, &mut io::stderr());
        }
        None => {}
    }
    let report = run(&arguments)?;
    table::print(&report, &mut io::stdout().lock())?;
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&json::of(&report))?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    for (file, picture) in [
        (&arguments.plot, plot::svg(&report)),
        (&arguments.timeline, storm::svg(&report.crowds)),
    ] {
        if let (Some(file), Some(picture)) = (file, picture) {
            fs::write(file, picture).with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    report.check()
}

fn run(arguments: &Arguments) -> Result<Report> {
    let begin = Instant::now();
    let machine = Machine::here()?;
    raise_descriptor_limit()?;
    let beside = std::env::current_exe()?.with_file_name("tautline");
    let mut site = Site {
        server: arguments.tautline.clone().unwrap_or(beside),
        frame_bytes: FRAME_BYTES,
        welcome_bytes: WELCOME_BYTES,
        disk: Disk::new()?,
        certificate: Certificate::make()?,
    };
    let cases = selection::cases(&arguments.cases);
    let mut systems = Vec::new();
    let mut left_out = Vec::new();
    for &system in System::value_variants() {
        // Nobody else is attacked.
        let has_part = system == System::Tautline || !cases.is_empty();
        if has_part && arguments.wants(system) {
            match system.missing(&site) {
                Some(why) => left_out.push(format!("{}: {why}", system.name())),
                None => systems.push(system),
            }
        }
    }
    let mut progress = Progress {
        terminal: io::stderr().is_terminal(),
    };
    if systems.contains(&System::Tautline) && !cases.is_empty() {
        let first = ALL.first().context("there are cases")?;
        site.frame_bytes = round::frame_bytes(System::Tautline, first, &site)?;
        if let Some(bytes) = round::welcome_bytes(&cases, &site)? {
            site.welcome_bytes = bytes;
        }
    }
    let measured = arguments.measure(&cases, &systems, &site, (begin, &mut progress))?;
    let mut failures = measured.failures;
    let (mut attacks, mut crowds) = (Vec::new(), Vec::new());
    if systems.contains(&System::Tautline) {
        attacks = arguments.attack(&site, &mut failures, &mut progress);
        crowds = arguments.strike(&site, &mut failures, &mut progress);
    }
    progress.say("");
    let mut versions: Vec<(String, String)> = systems
        .iter()
        .filter_map(|system| Some((system.name().to_owned(), system.version(&site)?)))
        .collect();
    for program in ["rustc", "node"] {
        versions.extend(
            system::version(program, &["--version"]).map(|version| (program.to_owned(), version)),
        );
    }
    Ok(Report {
        machine,
        versions,
        rows: measured.rows,
        attacks,
        crowds,
        left_out,
        failures,
        seconds: begin.elapsed().as_secs(),
    })
}

impl Arguments {
    fn wants(&self, system: System) -> bool {
        self.systems.is_empty() || self.systems.contains(&system)
    }

    /// Measures cases one after another, within the time for all together.
    fn measure(
        &self,
        cases: &[&'static Case],
        systems: &[System],
        site: &Site,
        (begin, progress): (Instant, &mut Progress),
    ) -> Result<Measured> {
        let (rounds, window) = if self.quick {
            (2, Duration::from_millis(250))
        } else {
            (5, Duration::from_millis(800))
        };
        let mut all = Measured::default();
        for (case, left) in cases.iter().zip((1..=u32::try_from(cases.len())?).rev()) {
            let time = TIME_MAX.saturating_sub(begin.elapsed()) / left;
            let effort = Effort {
                rounds,
                window,
                time,
            };
            let measured = round::measure(case, systems, site, effort, &mut |text| {
                progress.say(text);
            });
            all.rows.extend(measured.rows);
            all.failures.extend(measured.failures);
        }
        Ok(all)
    }

    /// Has the server attacked as is asked for.
    fn attack(
        &self,
        site: &Site,
        failures: &mut Vec<String>,
        progress: &mut Progress,
    ) -> Vec<attack::Row> {
        let rounds = if self.quick { 1 } else { 3 };
        let mut rows = Vec::new();
        for plan in selection::attacks(&self.cases) {
            match attack::judge(plan, site, rounds, &mut |text| progress.say(text)) {
                Ok(row) => rows.push(row),
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
        rows
    }

    /// Has crowds endure what is asked for.
    fn strike(
        &self,
        site: &Site,
        failures: &mut Vec<String>,
        progress: &mut Progress,
    ) -> Vec<storm::Row> {
        let effort = if self.quick {
            storm::Effort::Quick
        } else {
            storm::Effort::Whole
        };
        let mut rows = Vec::new();
        for ordeal in selection::ordeals(&self.cases) {
            for policy in storm::policies(ordeal, effort) {
                let what = format!("{} · {}", ordeal.name, policy.name);
                progress.say(&what);
                match storm::endure(ordeal, policy, (site, effort)) {
                    Ok(row) => rows.push(row),
                    Err(error) => failures.push(format!("{what}: {error:#}")),
                }
            }
        }
        rows
    }
}

/// Servers inherit the limit, and the load client has as many connections as they.
fn raise_descriptor_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )
    .context("cannot raise the limit of open files")
}

/// One line that is written over and over, on a terminal only.
struct Progress {
    terminal: bool,
}

impl Progress {
    fn say(&mut self, text: &str) {
        if self.terminal {
            let mut out = io::stderr().lock();
            write!(out, "\r\x1b[2K{text}")
                .and_then(|()| out.flush())
                .ok();
        }
    }
}
