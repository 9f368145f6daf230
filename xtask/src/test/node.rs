//! The steps whose tests run under Node, against the server that the Rust step has built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Verdict;
use super::counts::Counts;
use super::rust::counted;
use super::suites::left_out;
use crate::process;
use crate::workspace::{self, Workspace};

/// Node's tests live here; those with `browser` in their path drive Chromium.
const E2E: &str = "e2e";
/// Installing the packages of `e2e/`.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Clients in Node against the real server.
pub(super) fn interoperation(workspace: &Workspace) -> io::Result<Verdict> {
    node_tests(workspace, |path| !is_browser_test(path), None)
}

/// The development page in a real browser.
pub(super) fn browser(workspace: &Workspace) -> io::Result<Verdict> {
    match workspace::program("CHROMIUM", &CHROMIUM) {
        Some(chromium) => node_tests(workspace, is_browser_test, Some(chromium)),
        None => Ok(left_out(
            "needs Chromium: apt-get install chromium, or set CHROMIUM to its path",
        )),
    }
}

fn is_browser_test(path: &Path) -> bool {
    path.to_string_lossy().contains("browser")
}

/// Runs the chosen test files under Node, against the server that the Rust step has built.
fn node_tests(
    workspace: &Workspace,
    chosen: impl Fn(&Path) -> bool,
    chromium: Option<PathBuf>,
) -> io::Result<Verdict> {
    let Some(node) = workspace::on_path(&["node"]) else {
        return Ok(left_out(
            "needs Node 20 or newer: apt-get install nodejs npm",
        ));
    };
    let folder = workspace.root.join(E2E);
    if folder.join("package-lock.json").exists() && !folder.join("node_modules").exists() {
        let Some(npm) = workspace::on_path(&["npm"]) else {
            return Ok(left_out(
                "needs npm, once, for the packages of e2e/: apt-get install npm",
            ));
        };
        let mut install = Command::new(npm);
        install
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&folder);
        let installed = process::capture_quietly(install, INSTALL_LIMIT)?;
        if !installed.success {
            return Ok(Verdict::Ran {
                counts: Counts::one(false),
                output: installed.output,
            });
        }
    }
    let mut files = Vec::new();
    test_files(&folder, Path::new(""), &mut files)?;
    files.retain(|file| chosen(file));
    if files.is_empty() {
        let output = format!(
            "no test file in {E2E}/ belongs to this step: expected *.test.js or *.test.mjs"
        );
        return Ok(Verdict::Ran {
            counts: Counts::one(false),
            output,
        });
    }
    files.sort();
    let mut command = Command::new(node);
    command
        .args(["--test", "--test-reporter=spec"])
        .args(files)
        .current_dir(folder);
    command.env(
        "TAUTLINE_BIN",
        workspace.target.join("debug").join("tautline"),
    );
    if let Some(chromium) = chromium {
        command.env("CHROMIUM", chromium);
    }
    counted(command)
}

/// All test files below `folder`, as paths relative to it.
fn test_files(folder: &Path, below: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let name = entry.file_name();
        let path = below.join(&name);
        if entry.file_type()?.is_dir() {
            if name != "node_modules" {
                test_files(folder, &path, found)?;
            }
        } else if [".test.js", ".test.mjs"]
            .iter()
            .any(|end| name.to_string_lossy().ends_with(end))
        {
            found.push(path);
        }
    }
    Ok(())
}
