//! `cargo xtask prove`: builds the server and the judge as the tests are built, then becomes the latter.

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
    let mut build = workspace.cargo(["build", "-p", "tautline", "-p", "tautline-e2e", "--bins"]);
    if !build.status()?.success() {
        return Ok(false);
    }
    process::become_program(command(workspace, arguments))
}

/// The judge, with the server of this tree.
pub(crate) fn command(workspace: &Workspace, arguments: &[String]) -> Command {
    let built = workspace.target.join("debug");
    let mut prove = Command::new(built.join("prove"));
    prove
        .arg("--server")
        .arg(built.join("tautline"))
        .arg("--directory")
        .arg(workspace.target.join("prove"))
        .args(arguments)
        .current_dir(&workspace.root);
    prove
}
