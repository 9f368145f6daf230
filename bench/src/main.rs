//! `tautline-bench`: what a delivery, an echo, a connection costs, measured side by side with the
//! physical limit and with the servers that people would use instead. `cargo xtask bench` builds
//! and runs it; `docs/benchmark.md` tells the method.
#![expect(
    clippy::cast_precision_loss,
    reason = "counts and bytes of one run are far below 2^52"
)]

mod case;
mod certificate;
mod goal;
mod json;
mod limit;
mod load;
mod machine;
mod plot;
mod process;
mod report;
mod round;
mod sample;
mod system;
mod table;

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, ValueEnum as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::case::{ALL, Case};
use crate::certificate::Certificate;
use crate::machine::Machine;
use crate::report::Report;
use crate::round::Effort;
use crate::system::{Site, System};

/// The delivered frame of Tautline, for a run without it.
const FRAME_BYTES: usize = 300;

/// The time for all cases together. On a busy machine there are fewer rounds, and the report says
/// so.
const TIME_MAX: Duration = Duration::from_secs(690);

/// Measures Tautline beside the physical limit and other servers.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    server: Option<Bare>,
    /// Measure this case only; may be given several times.
    #[arg(long = "case", value_name = "NAME", value_parser = PossibleValuesParser::new(case::names()))]
    cases: Vec<String>,
    /// Measure these systems only, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    systems: Vec<System>,
    /// Two short rounds instead of five: for a look, not for figures.
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
}

#[derive(Debug, Subcommand)]
enum Bare {
    /// The bare server; the bench starts it itself.
    #[command(hide = true)]
    ServeLimit {
        #[arg(long)]
        coalesced: bool,
        #[arg(long, default_value_t = FRAME_BYTES)]
        frame_bytes: usize,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Bare::ServeLimit {
        coalesced,
        frame_bytes,
    }) = arguments.server
    {
        return limit::serve(
            limit::Settings {
                coalesced,
                frame_bytes,
            },
            &mut io::stderr(),
        );
    }
    let report = run(&arguments)?;
    table::print(&report, &mut io::stdout().lock())?;
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&json::of(&report))?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let (Some(file), Some(picture)) = (&arguments.plot, plot::svg(&report)) {
        fs::write(file, picture).with_context(|| format!("cannot write {}", file.display()))?;
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
        certificate: Certificate::make()?,
    };
    let mut systems = Vec::new();
    let mut left_out = Vec::new();
    for &system in System::value_variants() {
        if arguments.systems.is_empty() || arguments.systems.contains(&system) {
            match system.missing(&site) {
                Some(why) => left_out.push(format!("{}: {why}", system.name())),
                None => systems.push(system),
            }
        }
    }
    let first = ALL.first().context("there are cases")?;
    if systems.contains(&System::Tautline) {
        site.frame_bytes = round::frame_bytes(System::Tautline, first, &site)?;
    }
    let (rounds, window) = if arguments.quick {
        (2, Duration::from_millis(250))
    } else {
        (5, Duration::from_millis(800))
    };
    let mut progress = Progress {
        terminal: io::stderr().is_terminal(),
    };
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    let cases: Vec<&Case> = ALL.iter().filter(|case| arguments.wants(case)).collect();
    for (case, left) in cases.iter().zip((1..=u32::try_from(cases.len())?).rev()) {
        let time = TIME_MAX.saturating_sub(begin.elapsed()) / left;
        let effort = Effort {
            rounds,
            window,
            time,
        };
        let measured = round::measure(case, &systems, &site, effort, &mut |text| {
            progress.say(text);
        });
        rows.extend(measured.rows);
        failures.extend(measured.failures);
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
        rows,
        left_out,
        failures,
        seconds: begin.elapsed().as_secs(),
    })
}

impl Arguments {
    fn wants(&self, case: &Case) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| name == case.name)
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
