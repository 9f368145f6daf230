//! The steps whose tests run under Node, against the server that the Rust step has built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Verdict;
use super::counts::Counts;
use super::rust::{check, counted};
use super::suites::left_out;
use crate::npm::{self, Packages};
use crate::process;
use crate::prove;
use crate::workspace::{self, Workspace};

/// Node's tests live here; those with `browser` in their path drive Chromium, those with `interop` everything.
const E2E: &str = "e2e";
/// Where Debian's packages of Python are seen, whichever Python comes first on the `PATH`.
const DEBIAN_PYTHON: &str = "/usr/bin/python3";
/// Trying one Python.
const PYTHON_LIMIT: Duration = Duration::from_mins(1);
/// Tells the tests which server to start, …
const SERVER: &str = "TAUTLINE_BIN";
/// … and which browser, where there is one.
const BROWSER: &str = "CHROMIUM";
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
const NO_CHROMIUM: &str = "needs Chromium: apt-get install chromium, or set CHROMIUM to its path";
const NO_PYTHON: &str = "needs Python 3.11 with websockets and msgpack: apt-get install python3-websockets python3-msgpack, \
    or set PYTHON to one that has them";

/// The packages are built, and are as they should be: formatted, typed, generated, small.
pub(super) fn packages(workspace: &Workspace) -> io::Result<Verdict> {
    if let Some(verdict) = without_packages(&workspace.root)? {
        return Ok(verdict);
    }
    let built = check(npm::build(workspace))?;
    let checked = check(npm::command(&workspace.root, ["run", "check"]))?;
    Ok(built.and(checked))
}

/// The packages' own tests. Those in a browser skip themselves where there is none.
pub(super) fn package_tests(workspace: &Workspace) -> io::Result<Verdict> {
    if let Some(verdict) = without_packages(&workspace.root)? {
        return Ok(verdict);
    }
    let mut command = npm::command(&workspace.root, ["test"]);
    command.env(SERVER, server(workspace));
    if let Some(chromium) = workspace::program(BROWSER, &CHROMIUM) {
        command.env(BROWSER, chromium);
    }
    counted(command)
}

/// The TypeScript client under faults and kills of the server, for about a minute.
pub(super) fn prove(workspace: &Workspace) -> io::Result<Verdict> {
    for folder in [&workspace.root, &workspace.root.join(E2E)] {
        if let Some(verdict) = without_packages(folder)? {
            return Ok(verdict);
        }
    }
    let arguments = ["--quick", prove::TYPESCRIPT].map(str::to_owned);
    check(prove::command(workspace, &arguments))
}

/// Clients in Node against the real server.
pub(super) fn clients(workspace: &Workspace) -> io::Result<Verdict> {
    let chosen = |path: &Path| !is_named(path, "browser") && !is_named(path, "interop");
    node_tests(workspace, chosen, &[])
}

/// The plain page and the examples in a real browser.
pub(super) fn browser(workspace: &Workspace) -> io::Result<Verdict> {
    match workspace::program(BROWSER, &CHROMIUM) {
        Some(chromium) => node_tests(
            workspace,
            |path| is_named(path, "browser"),
            &[(BROWSER, chromium)],
        ),
        None => Ok(left_out(NO_CHROMIUM)),
    }
}

/// Small clients in Python, Node, Rust and a browser, in one room.
pub(super) fn interoperation(workspace: &Workspace) -> io::Result<Verdict> {
    let programs = (python(), workspace::program(BROWSER, &CHROMIUM));
    match programs {
        (Some(python), Some(chromium)) => node_tests(
            workspace,
            |path| is_named(path, "interop"),
            &[("PYTHON", python), (BROWSER, chromium)],
        ),
        (Some(_), None) => Ok(left_out(NO_CHROMIUM)),
        (None, Some(_)) => Ok(left_out(NO_PYTHON)),
        (None, None) => Ok(left_out(&format!("{NO_PYTHON}; and {NO_CHROMIUM}"))),
    }
}

/// A Python with the packages that the small clients need: the one that is named, or else the first that has them.
fn python() -> Option<PathBuf> {
    let candidates = [
        workspace::program("PYTHON", &["python3"]),
        Some(PathBuf::from(DEBIAN_PYTHON)),
    ];
    candidates.into_iter().flatten().find(|python| {
        let mut imports = Command::new(python);
        imports.args(["-c", "import websockets, msgpack; from datetime import UTC"]);
        process::capture_quietly(imports, PYTHON_LIMIT).is_ok_and(|finished| finished.success)
    })
}

/// The server that the Rust step has built.
fn server(workspace: &Workspace) -> PathBuf {
    workspace.target.join("debug").join("tautline")
}

fn is_named(path: &Path, word: &str) -> bool {
    path.to_string_lossy().contains(word)
}

/// Runs the chosen test files under Node, against the server that the Rust step has built.
fn node_tests(
    workspace: &Workspace,
    chosen: impl Fn(&Path) -> bool,
    programs: &[(&str, PathBuf)],
) -> io::Result<Verdict> {
    let folder = workspace.root.join(E2E);
    if let Some(verdict) = without_packages(&folder)? {
        return Ok(verdict);
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
    let mut command = Command::new("node");
    command
        .args(["--test", "--test-reporter=spec"])
        .args(files)
        .current_dir(folder);
    command.env(SERVER, server(workspace));
    for (variable, program) in programs {
        command.env(variable, program);
    }
    counted(command)
}

/// Installs the packages of a folder. What the step comes to, if they are not there then.
fn without_packages(folder: &Path) -> io::Result<Option<Verdict>> {
    Ok(match npm::install(folder)? {
        Packages::Ready => None,
        Packages::LeftOut(why) => Some(left_out(why)),
        Packages::Failed(output) => Some(Verdict::Ran {
            counts: Counts::one(false),
            output,
        }),
    })
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
