//! The audit log, read by the command that people read it with.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use super::HANG;

/// `tautline audit` on one directory.
pub(crate) struct Trail(PathBuf);

/// A running `tail -f`.
pub(crate) struct Following {
    child: Child,
    rows: Receiver<Value>,
    pub(crate) seen: Vec<Value>,
}

impl Trail {
    pub(crate) fn at(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Every row.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let output = self.run(&["export"]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The rows of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<Value> {
        let rows = self.rows().into_iter();
        rows.filter(|row| row["kind"] == kind).collect()
    }

    /// The rows that `query` finds with these arguments.
    pub(crate) fn query(&self, more: &[&str]) -> Vec<Value> {
        let output = self.run(&[&["query", "--json"], more].concat());
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What `verify` finds of a chain that holds.
    pub(crate) fn whole(&self, more: &[&str]) -> Value {
        let output = self.run(&[&["verify", "--json"], more].concat());
        assert!(output.status.success(), "{output:?}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["whole"], true);
        found
    }

    /// The row at which `verify` finds the chain broken, and why.
    pub(crate) fn broken(&self, more: &[&str]) -> (u64, String) {
        let output = self.run(&[&["verify", "--json"], more].concat());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["whole"], false);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("broken at row"), "{said}");
        (found["row"].as_u64().unwrap(), found["why"].to_string())
    }

    /// Follows the log from its first row on.
    pub(crate) fn follow(&self) -> Following {
        let mut command = self.command(&["tail", "--follow", "--json", "-n", "1000000"]);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, rows) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    break;
                }
            }
        });
        Following {
            child,
            rows,
            seen: Vec::new(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tautline"));
        let (name, more) = arguments.split_first().unwrap();
        command.args(["audit", name, "--directory"]);
        command.arg(&self.0).args(more);
        command
    }
}

impl Following {
    /// The next row of this kind, whatever comes before it.
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let row = self.rows.recv_timeout(HANG).expect(kind);
            self.seen.push(row.clone());
            if row["kind"] == kind {
                return row;
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
