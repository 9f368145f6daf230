//! A command of the terminal as a child process, between pipes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::HANG;

/// A running `sub`, `pub`, `request` or `members`. Killed when it is dropped.
pub(crate) struct Tool {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

/// The command that speaks to a server in development mode, or one that takes another token.
pub(crate) fn tool(address: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tautline"));
    command
        .args(arguments)
        .env("TAUTLINE_URL", format!("ws://{address}/ws"))
        .env("TAUTLINE_TOKEN", "dev-token");
    command
}

impl Tool {
    pub(crate) fn start(address: SocketAddr, arguments: &[&str]) -> Self {
        Self::spawn(tool(address, arguments))
    }

    /// In somebody else's name.
    pub(crate) fn start_as(address: SocketAddr, token: &str, arguments: &[&str]) -> Self {
        let mut command = tool(address, arguments);
        command.env("TAUTLINE_TOKEN", token);
        Self::spawn(command)
    }

    /// A `sub` that has joined its rooms, of which there are so many.
    pub(crate) fn joined(address: SocketAddr, arguments: &[&str], rooms: usize) -> Self {
        let mut tool = Self::start(address, arguments);
        for _ in 0..rooms {
            tool.next_that(|line| line["status"] == "live");
        }
        tool
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // Who drops the lines has seen enough, and the pipe closes.
                if to.send(line).is_err() {
                    break;
                }
            }
        });
        let mut errors = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        Self {
            input: child.stdin.take(),
            child,
            lines,
            errors: Some(errors),
        }
    }

    /// The next line; none if there are no more.
    pub(crate) fn line(&mut self) -> Option<Value> {
        match self.lines.recv_timeout(HANG) {
            Ok(line) => Some(serde_json::from_str(&line).unwrap()),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the command neither prints nor ends"),
        }
    }

    /// The next line that is meant, whatever comes before it.
    pub(crate) fn next_that(&mut self, is_meant: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.line().expect("a line that is meant");
            if is_meant(&line) {
                return line;
            }
        }
    }

    /// The next line of this type.
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        self.next_that(|line| line["type"] == kind)
    }

    /// Writes to its standard input.
    pub(crate) fn write(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// Stops reading what it prints.
    pub(crate) fn read_no_more(&mut self) {
        let (_, nothing) = channel();
        self.lines = nothing;
    }

    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Closes its input and waits for its end: the exit code, the lines that were not read, and what it said besides.
    pub(crate) fn ended(mut self) -> (Option<i32>, Vec<Value>, String) {
        drop(self.input.take());
        let rest = std::iter::from_fn(|| self.line()).collect();
        let errors = self.errors.take().unwrap().join().unwrap();
        (self.child.wait().unwrap().code(), rest, errors)
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
