//! `cargo xtask bench`: builds the server and the load generator for release, then becomes the latter.

use std::io::{self, Write};
use std::process::Command;

use crate::process;
use crate::workspace::Workspace;

/// Builds both in one go and passes every argument on.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    out: &mut dyn Write,
) -> io::Result<bool> {
    out.flush()?;
    let mut build = workspace.cargo([
        "build",
        "--release",
        "-p",
        "tautline",
        "-p",
        "tautline-bench",
        "--bins",
    ]);
    if !build.status()?.success() {
        return Ok(false);
    }
    let mut bench = Command::new(workspace.target.join("release").join("tautline-bench"));
    bench
        .args(arguments)
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target);
    process::become_program(bench)
}
