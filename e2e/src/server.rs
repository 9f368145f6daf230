//! The real server, which can be killed, stopped, asked to end, and started again.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

/// A server that does not listen by then has failed.
const START_MAX: Duration = Duration::from_mins(1);
/// Lines that explain why a server does not start.
const LINES_MAX: usize = 64;

/// A line of its log, as far as it is of interest.
#[derive(Deserialize)]
struct Record {
    message: String,
    address: Option<SocketAddr>,
}

/// A server's process. It is killed when dropped.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    config: PathBuf,
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the program with a configuration of this text, which is kept in `directory`.
    pub fn start(binary: &Path, directory: &Path, config: &str) -> io::Result<Self> {
        let file = directory.join("tautline.toml");
        fs::write(&file, config)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        let (child, address) = start(binary, &file)?;
        Ok(Self {
            binary: binary.to_owned(),
            config: file,
            child,
            address,
        })
    }

    /// Where it listens now.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Has it stand still: it does nothing, and the kernel keeps its connections.
    pub fn freeze(&self) -> io::Result<()> {
        self.tell(Signal::STOP)
    }

    /// Has it go on.
    pub fn thaw(&self) -> io::Result<()> {
        self.tell(Signal::CONT)
    }

    /// Asks it to end, as whoever deploys another one does.
    pub fn terminate(&self) -> io::Result<()> {
        self.tell(Signal::TERM)
    }

    fn tell(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Starts it again, where it has ended. It listens elsewhere then.
    pub fn start_again(&mut self) -> io::Result<()> {
        (self.child, self.address) = start(&self.binary, &self.config)?;
        Ok(())
    }

    /// Where its configuration is.
    pub fn directory(&self) -> &Path {
        self.config.parent().unwrap_or_else(|| Path::new("/"))
    }

    /// The program's command for its store: to copy it, or to bring it back.
    pub fn store(&self, act: &str, file: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["store", act, "--config"]);
        command.arg(&self.config).arg(file);
        command
    }

    /// A token of this user for everything.
    pub fn token(&self, user: &str) -> io::Result<String> {
        let output = Command::new(&self.binary)
            .args(["token", "--config"])
            .arg(&self.config)
            .args(["--user", user, "--room", "*", "--ttl", "12h"])
            .args(["--can", "join,publish,history"])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() && !text.is_empty() {
            return Ok(text);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("no token for {user}: {said}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn start(binary: &Path, config: &Path) -> io::Result<(Child, SocketAddr)> {
    let mut child = Command::new(binary)
        .args(["serve", "--config"])
        .arg(config)
        .args(["--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().map(BufReader::new);
    let (sender, lines) = sync_channel(LINES_MAX);
    thread::spawn(move || {
        for line in stderr
            .into_iter()
            .flat_map(BufReader::lines)
            .map_while(Result::ok)
        {
            // Nobody listens any more once it has started; the pipe is emptied all the same.
            drop(sender.try_send(line));
        }
    });
    match listening(&lines) {
        Ok(address) => Ok((child, address)),
        Err(error) => {
            drop(child.kill());
            drop(child.wait());
            Err(error)
        }
    }
}

fn listening(lines: &Receiver<String>) -> io::Result<SocketAddr> {
    let mut said = Vec::new();
    while let Ok(line) = lines.recv_timeout(START_MAX) {
        let record = serde_json::from_str(&line).ok();
        let address = record.filter(|record: &Record| record.message == "listening");
        if let Some(address) = address.and_then(|record| record.address) {
            return Ok(address);
        }
        said.push(line);
    }
    Err(io::Error::other(format!(
        "the server does not listen; it said:\n{}",
        said.join("\n")
    )))
}
