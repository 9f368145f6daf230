//! A server that listens.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Operators, Process};

/// A process that has said where it listens.
pub(crate) struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// A server in development mode, with a configuration of its own.
    pub(crate) fn development(config: &str) -> Self {
        Self::start(config, &["--dev"], "info")
    }

    /// A server in development mode that logs what happens to connections.
    pub(crate) fn logging(config: &str, level: &str) -> Self {
        Self::start(config, &["--dev"], level)
    }

    /// A server that is configured to be used.
    pub(crate) fn production(config: &str) -> Self {
        Self::start(config, &[], "info")
    }

    /// A server on a free port of loopback.
    pub(crate) fn start(config: &str, arguments: &[&str], level: &str) -> Self {
        let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
        Self::listening(Process::serve(config, &arguments, level))
    }

    /// A server of development mode that sees a small disk of its own at this path, if the system lets us
    /// have one.
    pub(crate) fn with_disk(config: &str, disk: &Path) -> Option<Self> {
        const SCRIPT: &str = "mount -t tmpfs -o size=1m none \"$0\" && exec \"$@\"";
        Self::unshared(
            config,
            disk,
            &["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT],
        )
    }

    /// The same, but the disk has less than it says: one day it fails to keep what it was given. It is in `disk` in this
    /// path. Only root may have one.
    pub(crate) fn with_failing_disk(config: &str, place: &Path) -> Option<Self> {
        const SCRIPT: &str = "PATH=\"$PATH:/usr/sbin\" && mount -t tmpfs -o size=24m none \"$0\" && cd \"$0\" && \
                              truncate -s 128m image && mkfs.ext4 -q image && mkdir disk && \
                              mount -o loop image disk && cd / && exec \"$@\"";
        Self::unshared(config, place, &["--mount", "sh", "-c", SCRIPT])
    }

    /// A server in namespaces of its own, in which a script has mounted something before.
    fn unshared(config: &str, place: &Path, arguments: &[&str]) -> Option<Self> {
        let mut trial = Command::new("unshare");
        let trial = trial.args(arguments).arg(place).arg("true");
        if !trial.status().is_ok_and(|status| status.success()) {
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(arguments);
        command.arg(place).arg(env!("CARGO_BIN_EXE_tautline"));
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--dev",
            "--admin-listen",
            "127.0.0.1:0",
        ];
        let process = Process::serve_by(command, config, (&arguments, "debug"));
        Some(Self::listening(process))
    }

    fn listening(mut process: Process) -> Self {
        let address = process.find(|line| {
            let record: Value = serde_json::from_str(line).ok()?;
            (record["message"] == "listening")
                .then(|| record["address"].as_str()?.parse().ok())
                .flatten()
        });
        Self { process, address }
    }

    pub(crate) fn kill(self) {
        self.process.kill();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it answers operators.
    pub(crate) fn operators(&mut self) -> Operators {
        let record = self.record("listening for operators", |_| true);
        Operators::new(record["address"].as_str().unwrap().parse().unwrap())
    }

    /// The first record with this message that `is_meant`, already written or still to come.
    pub(crate) fn record(&mut self, message: &str, is_meant: impl Fn(&Value) -> bool) -> Value {
        self.process.find(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            (record["message"] == message && is_meant(&record)).then_some(record)
        })
    }
}

impl Deref for Server {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}
