//! The packages of npm below a folder, and the scripts of its `package.json`.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Finished};
use crate::workspace::{self, Workspace};

/// Installing the packages of a folder.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);
const NO_NODE: &str = "needs Node 20 or newer: apt-get install nodejs npm";
const NO_NPM: &str = "needs npm: apt-get install npm";

/// What became of an installation.
#[derive(Debug)]
pub(crate) enum Packages {
    /// They are there.
    Ready,
    /// A program is missing; which, and how to install it.
    LeftOut(&'static str),
    /// They could not be installed; npm's words.
    Failed(String),
}

/// Installs what the lock file of `folder` names, unless it is there.
pub(crate) fn install(folder: &Path) -> io::Result<Packages> {
    if workspace::on_path(&["node"]).is_none() {
        return Ok(Packages::LeftOut(NO_NODE));
    }
    if workspace::on_path(&["npm"]).is_none() {
        return Ok(Packages::LeftOut(NO_NPM));
    }
    if is_installed(folder)? {
        return Ok(Packages::Ready);
    }
    let Finished { success, output } = process::capture_quietly(
        command(folder, ["ci", "--no-audit", "--no-fund"]),
        INSTALL_LIMIT,
    )?;
    Ok(if success {
        Packages::Ready
    } else {
        Packages::Failed(output)
    })
}

/// npm with these arguments, in a folder.
pub(crate) fn command<'a>(folder: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(folder);
    command
}

/// Builds the packages, and the examples into the folder that cargo builds into.
pub(crate) fn build(workspace: &Workspace) -> Command {
    let mut build = command(&workspace.root, ["run", "build"]);
    build.env("CARGO_TARGET_DIR", &workspace.target);
    build
}

/// Whether the packages of the lock file are there: npm notes when it has installed them.
fn is_installed(folder: &Path) -> io::Result<bool> {
    let wanted = fs::metadata(folder.join("package-lock.json"))?.modified()?;
    let noted = fs::metadata(folder.join("node_modules/.package-lock.json"));
    Ok(noted.is_ok_and(|note| note.modified().is_ok_and(|installed| installed >= wanted)))
}
