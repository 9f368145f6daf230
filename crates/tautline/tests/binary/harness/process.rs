//! The program as a child process, and what it writes to standard error.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::HANG;

/// A running `tautline serve`. Killed when it is dropped; if the test has failed, its log is shown.
pub(crate) struct Process {
    child: Child,
    config: PathBuf,
    incoming: Receiver<String>,
    seen: Vec<String>,
}

impl Process {
    /// Starts `tautline serve --config` with a file of this text, these arguments, and this level of the log.
    pub(crate) fn serve(config: &str, arguments: &[&str], level: &str) -> Self {
        Self::serve_by(
            Command::new(env!("CARGO_BIN_EXE_tautline")),
            config,
            (arguments, level),
        )
    }

    /// The same by another command, which runs the program with the arguments that it is given.
    pub(crate) fn serve_by(
        mut command: Command,
        config: &str,
        (arguments, level): (&[&str], &str),
    ) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "binary-{}-{}.toml",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, config).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        // Several servers run at once, and one port would be theirs all.
        let is_said = config.contains("admin_listen");
        let free_port = (!is_said).then_some(("TAUTLINE_SERVER_ADMIN_LISTEN", "127.0.0.1:0"));
        let mut child = command
            .arg("serve")
            .arg("--config")
            .arg(&path)
            .args(arguments)
            .env("TAUTLINE_LOG", level)
            .envs(free_port)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (lines, incoming) = channel();
        thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            config: path,
            incoming,
            seen: Vec::new(),
        }
    }

    /// What `look` finds in the first line that it finds something in, already written or still to come.
    pub(crate) fn find<T>(&mut self, mut look: impl FnMut(&str) -> Option<T>) -> T {
        if let Some(found) = self.seen.iter().find_map(|line| look(line)) {
            return found;
        }
        while let Some(line) = self.next_line() {
            let found = look(&line);
            self.seen.push(line);
            if let Some(found) = found {
                return found;
            }
        }
        panic!("the process has ended and never wrote what was looked for");
    }

    /// Waits until the process has ended by itself: how, and every line that it wrote.
    pub(crate) fn ended(&mut self) -> (ExitStatus, &[String]) {
        while let Some(line) = self.next_line() {
            self.seen.push(line);
        }
        (self.child.wait().unwrap(), &self.seen)
    }

    /// Ends it without a chance to do anything about it, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// The memory that it holds now.
    pub(crate) fn resident_bytes(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let kilobytes: usize = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        kilobytes * 1024
    }

    /// None when the process has closed its standard error, which it does by ending.
    fn next_line(&self) -> Option<String> {
        match self.incoming.recv_timeout(HANG) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the process neither writes nor ends"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, and its file is only in the way.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_file(&self.config));
        if thread::panicking() {
            self.seen.extend(self.incoming.iter());
            let log = self.seen.join("\n");
            drop(writeln!(std::io::stderr(), "what the server wrote:\n{log}"));
        }
    }
}
