//! `cargo xtask fuzz`: each fuzz target for a bounded time, on the stable compiler.
//!
//! The targets are a workspace of their own, because the coverage flags must not reach the others' builds.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::process::Command;

use crate::help;
use crate::workspace::Workspace;

/// The packages with the targets: folders, each a workspace.
const PACKAGES: [&str; 2] = ["crates/protocol/fuzz", "crates/websocket/fuzz"];
/// How long each target runs when nothing is said.
pub(crate) const DEFAULT_SECONDS: u32 = 20;

/// What cargo-fuzz hands to the compiler for a run without sanitizers: our crates have no unsafe code.
const COVERAGE: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// A program that feeds arbitrary bytes to something.
pub(crate) struct Target {
    package: &'static str,
    name: String,
}

/// Runs every target in the foreground, and stops at the first that finds something.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    out: &mut dyn Write,
) -> io::Result<bool> {
    let seconds = match arguments {
        [] => DEFAULT_SECONDS,
        [seconds] => seconds
            .parse()
            .ok()
            .ok_or_else(|| help::unknown_argument("fuzz", seconds))?,
        [_, unknown, ..] => return Err(help::unknown_argument("fuzz", unknown)),
    };
    let targets = targets(workspace)?;
    out.flush()?;
    for mut build in builds(workspace)? {
        if !build.status()?.success() {
            return Ok(false);
        }
    }
    for target in &targets {
        writeln!(out, "fuzzing {} for {seconds} s", target.name)?;
        if !one(workspace, target, seconds)?.status()?.success() {
            return Ok(false);
        }
    }
    writeln!(out, "{} passed, 0 failed", targets.len())?;
    Ok(true)
}

/// The targets: one file each.
pub(crate) fn targets(workspace: &Workspace) -> io::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for package in PACKAGES {
        let mut names = Vec::new();
        for entry in fs::read_dir(workspace.root.join(package).join("fuzz_targets"))? {
            let file = entry?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".rs"));
            names.extend(name.map(str::to_owned));
        }
        names.sort();
        targets.extend(names.into_iter().map(|name| Target { package, name }));
    }
    Ok(targets)
}

/// The commands that build all targets.
///
/// With `--target`, the flags reach the targets and their dependencies but no build script.
pub(crate) fn builds(workspace: &Workspace) -> io::Result<[Command; PACKAGES.len()]> {
    let triple = host_triple()?;
    Ok(PACKAGES.map(|package| {
        let mut command =
            workspace.cargo(["build", "--release", "--target", &triple, "--manifest-path"]);
        command.arg(workspace.root.join(package).join("Cargo.toml"));
        command
            .env("CARGO_TARGET_DIR", workspace.target.join("fuzz"))
            .env("RUSTFLAGS", COVERAGE);
        command
    }))
}

/// The command that runs one target. What it learns stays in the target directory for the next run.
pub(crate) fn one(workspace: &Workspace, target: &Target, seconds: u32) -> io::Result<Command> {
    let Target { package, name } = target;
    let folder = workspace.target.join("fuzz");
    let corpus = folder.join("corpus").join(name);
    fs::create_dir_all(&corpus)?;
    let mut command = Command::new(folder.join(host_triple()?).join("release").join(name));
    command
        .current_dir(&workspace.root)
        .arg(format!("-max_total_time={seconds}"));
    // Where an input that breaks something is written, to be tried again.
    command.arg(format!("-artifact_prefix={}/{name}-", folder.display()));
    command.arg(corpus);
    let seeds = workspace.root.join(package).join("seeds").join(name);
    command.args(Some(seeds).filter(|seeds| seeds.is_dir()));
    Ok(command)
}

/// This machine's name for the compiler, such as `x86_64-unknown-linux-gnu`.
fn host_triple() -> io::Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").output()?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| io::Error::other("`rustc -vV` does not name this machine"))
}
