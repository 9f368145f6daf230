//! The steps that need nothing but Rust.

use std::io;
use std::process::Command;
use std::time::Duration;

use super::Verdict;
use super::counts::Counts;
use crate::process;
use crate::prove;
use crate::tidy;
use crate::workspace::Workspace;

/// The longest a step may take. Whatever takes longer hangs, and is stopped so that its words are seen.
pub(super) const STEP_LIMIT: Duration = Duration::from_mins(20);

/// The tests of the guides' examples, which need `curl`: a step of their own.
pub(super) const GUIDE: &str = "guide::";
/// The tests behind a real nginx: two steps, for its stream module is another package.
pub(super) const NGINX: &str = "nginx::";
/// The tests with a disk that fails, which need root: a part of another step.
pub(super) const POWER: &str = "power::";

pub(super) fn format(workspace: &Workspace) -> io::Result<Verdict> {
    check(workspace.cargo(["fmt", "--all", "--check", "--", "-l"]))
}

pub(super) fn clippy(workspace: &Workspace) -> io::Result<Verdict> {
    check(workspace.cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

pub(super) fn docs(workspace: &Workspace) -> io::Result<Verdict> {
    let mut command = workspace.cargo([
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    check(command)
}

/// Every Rust test, and before them every binary and example that tests and later steps start.
///
/// `--all-targets` also makes cargo choose the same dependency features as for the tests: one build.
pub(super) fn tests(workspace: &Workspace) -> io::Result<Verdict> {
    let built = process::capture_quietly(
        workspace.cargo(["build", "--workspace", "--all-targets"]),
        STEP_LIMIT,
    )?;
    if !built.success {
        return Ok(Verdict::Ran {
            counts: Counts::one(false),
            output: built.output,
        });
    }
    counted(workspace.cargo([
        "test",
        "--workspace",
        "--no-fail-fast",
        "--",
        "--skip",
        GUIDE,
        "--skip",
        NGINX,
        "--skip",
        POWER,
    ]))
}

/// The real server under faults and kills, for about a minute.
pub(super) fn prove(workspace: &Workspace) -> io::Result<Verdict> {
    check(prove::command(workspace, &["--quick".to_owned()]))
}

/// The tests without a socket: codec, protocol, engine, hub.
pub(super) fn machine_tests(workspace: &Workspace) -> io::Result<Verdict> {
    let libraries = counted(workspace.cargo([
        "test",
        "--lib",
        "-p",
        "tautline-protocol",
        "-p",
        "tautline-websocket",
    ]))?;
    let engines = counted(workspace.cargo([
        "test",
        "--no-fail-fast",
        "-p",
        "tautline-engine",
        "-p",
        "tautline-hub",
    ]))?;
    Ok(libraries.and(engines))
}

pub(super) fn tidy(workspace: &Workspace) -> io::Result<Verdict> {
    let mut output = Vec::new();
    let passed = tidy::check(workspace, &mut output)?;
    Ok(Verdict::Ran {
        counts: Counts::one(passed),
        output: String::from_utf8_lossy(&output).into_owned(),
    })
}

/// A program that is one check: it passes or it does not.
pub(super) fn check(command: Command) -> io::Result<Verdict> {
    let finished = process::capture_quietly(command, STEP_LIMIT)?;
    Ok(Verdict::Ran {
        counts: Counts::one(finished.success),
        output: finished.output,
    })
}

/// A test runner, whose closing lines are counted.
pub(super) fn counted(command: Command) -> io::Result<Verdict> {
    let finished = process::capture_quietly(command, STEP_LIMIT)?;
    Ok(Verdict::Ran {
        counts: Counts::read(&finished.output, finished.success),
        output: finished.output,
    })
}
