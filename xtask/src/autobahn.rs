//! `cargo xtask autobahn`: the WebSocket codec before Autobahn's fuzzing client.
//!
//! The judge itself is an example of `crates/websocket`; here both sides are built and brought together.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use crate::help;
use crate::workspace::{self, Workspace};

/// How to come by the test suite, for people.
pub(crate) const INSTALL: &str = "Autobahn's wstest is missing: .ci/run installs it into target/wstest, or set WSTEST to its path";

/// Which groups of cases are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Groups {
    /// 1 to 10: framing, UTF-8, close handling, limits; half a minute.
    Core,
    /// With 12 and 13, the compression; many minutes.
    All,
}

/// Runs the chosen groups in the foreground.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    out: &mut dyn Write,
) -> io::Result<bool> {
    let groups = match arguments {
        [] => Groups::Core,
        [full] if full == "--full" => Groups::All,
        [unknown, ..] => return Err(help::unknown_argument("autobahn", unknown)),
    };
    let wstest = find_wstest(workspace).ok_or_else(|| io::Error::other(INSTALL))?;
    out.flush()?;
    if !build(workspace).status()?.success() {
        return Ok(false);
    }
    Ok(judge(workspace, &wstest, groups).status()?.success())
}

/// `$WSTEST`, then the one that CI installs, then the `PATH`.
pub(crate) fn find_wstest(workspace: &Workspace) -> Option<PathBuf> {
    let installed = workspace.target.join("wstest").join("bin").join("wstest");
    workspace::program("WSTEST", &[])
        .or_else(|| Some(installed).filter(|place| place.is_file()))
        .or_else(|| workspace::on_path(&["wstest"]))
}

/// The command that builds the echo server and the judge.
pub(crate) fn build(workspace: &Workspace) -> Command {
    let examples = ["--example", "echo", "--example", "autobahn"];
    workspace.cargo(
        ["build", "--release", "-p", "tautline-websocket"]
            .into_iter()
            .chain(examples),
    )
}

/// The command that judges; it prints a table and fails if a case does.
pub(crate) fn judge(workspace: &Workspace, wstest: &PathBuf, groups: Groups) -> Command {
    let examples = workspace.target.join("release").join("examples");
    let mut command = Command::new(examples.join("autobahn"));
    command
        .current_dir(&workspace.root)
        .arg("--wstest")
        .arg(wstest);
    command.arg("--groups").arg(match groups {
        Groups::Core => "core",
        Groups::All => "all",
    });
    command.arg("--out").arg(workspace.target.join("autobahn"));
    command.arg("--echo").arg(examples.join("echo"));
    command
}
