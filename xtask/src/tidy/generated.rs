//! Files that a program writes: each must be what its program would write today.
//!
//! A Rust test compares each with its source, and writes it where `UPDATE_GENERATED` is set; so `cargo test`
//! finds a stale one as well. Here is the list of those tests.

use std::io::{self, Write};
use std::time::Duration;

use super::Violation;
use crate::process;
use crate::workspace::Workspace;

/// A committed file and the cargo command that compares it.
struct Generated {
    path: &'static str,
    command: &'static [&'static str],
}

const ALL: [Generated; 6] = [
    Generated {
        path: "docs/reference/codes.md",
        command: &[
            "test",
            "--quiet",
            "-p",
            "tautline-protocol",
            "--test",
            "codes",
        ],
    },
    Generated {
        path: "protocol/schema/v2.json",
        command: &[
            "test",
            "--quiet",
            "-p",
            "tautline-protocol",
            "--lib",
            "the_committed_schema_is_current",
        ],
    },
    Generated {
        path: "docs/reference/configuration.md",
        command: &in_the_server("config::reference"),
    },
    Generated {
        path: "docs/reference/metrics.md",
        command: &in_the_server("metrics::reference::the_page_is_current"),
    },
    Generated {
        path: "docs/reference/cli.md",
        command: &in_the_server("cli::reference"),
    },
    Generated {
        path: "docs/reference/openapi.json",
        command: &in_the_server("description"),
    },
];

/// A test of the server's library.
const fn in_the_server(name: &'static str) -> [&'static str; 6] {
    ["test", "--quiet", "-p", "tautline", "--lib", name]
}

/// Tells the tests to write instead of to compare.
const UPDATE: &str = "UPDATE_GENERATED";
/// Building and running such a test.
const LIMIT: Duration = Duration::from_mins(20);

/// Runs every comparison; what a failing one says is printed, for it may not even compile.
pub(super) fn check(workspace: &Workspace, out: &mut dyn Write) -> io::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for generated in &ALL {
        let command = workspace.cargo(generated.command.iter().copied());
        let finished = process::capture_quietly(command, LIMIT)?;
        if !finished.success {
            write!(out, "{}", finished.output)?;
            violations.push(stale(generated));
        }
    }
    Ok(violations)
}

/// Rewrites every file.
pub(super) fn write(workspace: &Workspace, out: &mut dyn Write) -> io::Result<bool> {
    let mut written = true;
    for generated in &ALL {
        let mut command = workspace.cargo(generated.command.iter().copied());
        command.env(UPDATE, "1");
        let finished = process::capture_quietly(command, LIMIT)?;
        if !finished.success {
            writeln!(out, "{}{} was not written", finished.output, generated.path)?;
        }
        written = written && finished.success;
    }
    Ok(written)
}

fn stale(generated: &Generated) -> Violation {
    Violation {
        path: generated.path.to_owned(),
        line: 1,
        what: format!("`cargo {}` failed", generated.command.join(" ")),
        why: "a generated file must say what the program does",
        fix: "run `cargo xtask tidy --write` and commit the file",
    }
}
