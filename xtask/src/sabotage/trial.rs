//! A server with a bug before its judge.

use std::fs;
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use super::planted::{Judge, Planted};
use super::tree::Tree;
use crate::process::{self, Finished};
use crate::prove;
use crate::workspace::Workspace;

/// Whether a fault meets a bug is chance: so many runs are tried, with one seed after another.
const ATTEMPTS: u32 = 12;
/// No build and no judge takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_mins(20);
/// What the judge's lines begin with that name a broken promise.
const BROKEN: &str = "broken: ";

/// Where servers are built and judged.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    workspace: &'a Workspace,
    copy: Workspace,
}

/// What came of a trial.
#[derive(Debug)]
pub(super) struct Found {
    /// What catches the bug; none if nothing does.
    pub(super) caught: Option<String>,
    /// How long the judge took.
    pub(super) time: Duration,
}

impl Found {
    pub(super) fn is_caught(&self) -> bool {
        self.caught.is_some()
    }
}

impl<'a> Trial<'a> {
    pub(super) fn new(workspace: &'a Workspace) -> io::Result<Self> {
        let folder = workspace.target.join("sabotage");
        let copy = Workspace {
            root: folder.join("tree"),
            target: folder.join("target"),
        };
        fs::create_dir_all(&copy.root)?;
        Ok(Self { workspace, copy })
    }

    /// The server as it is, which must not be found guilty of anything: else nothing that is found means anything.
    pub(super) fn control(&self) -> io::Result<Found> {
        self.prepare(None)?;
        self.build()?;
        let begun = Instant::now();
        let finished = self.attempt(1)?;
        if !finished.success {
            return Err(io::Error::other(format!(
                "the server is found guilty without any planted bug:\n{}",
                finished.output
            )));
        }
        Ok(Found {
            caught: None,
            time: begun.elapsed(),
        })
    }

    /// The server with this bug.
    pub(super) fn of(&self, bug: &Planted) -> io::Result<Found> {
        self.prepare(Some(bug))?;
        match &bug.judge {
            Judge::Run => {
                self.build()?;
                self.by_run()
            }
            Judge::Test(arguments) => self.by_test(arguments),
        }
    }

    fn prepare(&self, bug: Option<&Planted>) -> io::Result<()> {
        let tree = Tree::at(&self.copy.root);
        tree.follow(&Tree::at(&self.workspace.root))?;
        bug.map_or(Ok(()), |bug| tree.apply(&bug.path))
    }

    fn build(&self) -> io::Result<()> {
        let build = ["build", "--quiet", "-p", "tautline", "--bin", "tautline"];
        let built = process::capture_quietly(self.copy.cargo(build), LIMIT)?;
        if built.success {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "it does not build:\n{}",
            built.output
        )))
    }

    fn by_run(&self) -> io::Result<Found> {
        let begun = Instant::now();
        let mut caught = None;
        for seed in 1..=ATTEMPTS {
            let finished = self.attempt(seed)?;
            if finished.success {
                continue;
            }
            let promises = broken(&finished.output);
            if promises.is_empty() {
                return Err(io::Error::other(format!(
                    "the judge failed:\n{}",
                    finished.output
                )));
            }
            caught = Some(promises.join(", "));
            break;
        }
        let time = begun.elapsed();
        Ok(Found { caught, time })
    }

    fn attempt(&self, seed: u32) -> io::Result<Finished> {
        let server = self.copy.target.join("debug").join("tautline");
        let arguments = ["--short", "--seed", &seed.to_string()].map(str::to_owned);
        process::capture_quietly(prove::judge(self.workspace, &server, &arguments), LIMIT)
    }

    fn by_test(&self, arguments: &[String]) -> io::Result<Found> {
        let test: Command = self.copy.cargo(arguments.iter().map(String::as_str));
        // What has to be built first is no part of the judgment.
        let mut build = self.copy.cargo(arguments.iter().map(String::as_str));
        build.args(["--", "--list"]);
        let built = process::capture_quietly(build, LIMIT)?;
        let begun = Instant::now();
        let finished = process::capture_quietly(test, LIMIT)?;
        let time = begun.elapsed();
        let lists = built
            .output
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        let failed = lists
            .filter(|test| has_failed(&finished.output, test))
            .count();
        if !built.success || !finished.success && failed == 0 {
            return Err(io::Error::other(format!(
                "the test failed otherwise:\n{}",
                finished.output
            )));
        }
        let caught = (failed > 0).then(|| format!("{failed} of its tests"));
        Ok(Found { caught, time })
    }
}

fn has_failed(output: &str, test: &str) -> bool {
    let line = format!("test {test} ... FAILED");
    output.lines().any(|printed| printed == line)
}

/// The promises that the judge found broken, the worst first and no more than fit a line.
fn broken(output: &str) -> Vec<&str> {
    let promises = output.lines().filter_map(|line| line.strip_prefix(BROKEN));
    let names = promises.map(|promise| promise.rsplit_once(", ").map_or(promise, |(name, _)| name));
    names.take(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_broken_promises_are_read() {
        let output = "violations   12\nbroken: nothing twice, 9 times\nbroken: one order, 2 times\nbroken: an end, 1 times\n  room, broken: no\n";
        assert_eq!(broken(output), ["nothing twice", "one order"]);
        assert!(broken("violations   0\n").is_empty());
    }

    #[test]
    fn a_failed_test_is_told_from_others() {
        let output = "test a::b ... FAILED\ntest a::bc ... ok\n";
        assert!(has_failed(output, "a::b"));
        assert!(!has_failed(output, "a::bc"));
        assert!(!has_failed(output, "a"));
    }
}
