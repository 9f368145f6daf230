//! A server's process: on which cores it runs, and what it has used so far.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use rustix::process::{Pid, Signal, kill_process, nice};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;

/// A server that does not listen by then has failed.
const START_MAX: Duration = Duration::from_secs(20);
/// Lines of a server's log that are kept to explain a failure: its first ones, then reading goes on
/// and forgets.
const LOG_LINES_MAX: usize = 64;
/// Between two looks at whether a server has become quiet.
const QUIET_STEP: Duration = Duration::from_millis(5);
/// CPU time in one such step below which a server counts as quiet.
const QUIET_CPU: Duration = Duration::from_micros(100);
/// A server that never becomes quiet is measured all the same.
const QUIET_MAX: Duration = Duration::from_secs(5);
/// The kernel's `USER_HZ`, in which `/proc/PID/stat` counts.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time that a process has used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Run time of all living threads as the scheduler counts it, in nanoseconds.
    pub(crate) scheduled: Duration,
    /// User and system time, in ticks of 10 ms: the cross-check.
    pub(crate) ticked: Duration,
}

/// A running server; it is killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Receiver<String>,
}

impl Process {
    /// Starts a server on its own cores and waits for the line that says where it listens.
    pub(crate) fn start(command: Command, cores: usize) -> Result<Self> {
        let said = format!("{command:?}");
        let mut process = Self::spawn(command, cores)?;
        process.address = process
            .listening()
            .with_context(|| format!("{said} does not listen"))?;
        Ok(process)
    }

    /// Starts a server that was told its address, and waits until it accepts connections there.
    pub(crate) fn start_at(command: Command, cores: usize, address: SocketAddr) -> Result<Self> {
        let mut process = Self::spawn(command, cores)?;
        process.address = address;
        let deadline = Instant::now() + START_MAX;
        while let Err(error) = TcpStream::connect(address) {
            ensure!(
                Instant::now() < deadline,
                "nobody listens on {address}: {error}; it said:\n{}",
                process.said()
            );
            thread::sleep(QUIET_STEP);
        }
        Ok(process)
    }

    fn spawn(mut command: Command, cores: usize) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        // A child inherits the cores of the thread that starts it.
        pin(Side::Server { cores })?;
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {command:?}"));
        pin(Side::Client {
            server_cores: cores,
        })?;
        let mut child = child?;
        let stderr = child.stderr.take().context("the log was asked for")?;
        let (sender, log) = sync_channel(LOG_LINES_MAX);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                sender.try_send(line).ok();
            }
        });
        Ok(Self {
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            child,
            log,
        })
    }

    fn listening(&self) -> Result<SocketAddr> {
        let deadline = Instant::now() + START_MAX;
        let mut said = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self
                .log
                .recv_timeout(left)
                .map_err(|_ended| anyhow!("it said:\n{said}"))?;
            if let Some(address) = address(&line) {
                return address
                    .parse()
                    .with_context(|| format!("no address in {line}"));
            }
            said.push_str(&line);
            said.push('\n');
        }
    }

    /// What the server wrote to its log so far, to explain a failure.
    pub(crate) fn said(&self) -> String {
        self.log.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// CPU time so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let pid = self.child.id();
        let mut scheduled = Duration::ZERO;
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end between the listing and the reading.
            let Ok(schedstat) = fs::read_to_string(task?.path().join("schedstat")) else {
                continue;
            };
            let nanoseconds = schedstat
                .split(' ')
                .next()
                .context("schedstat begins with the run time")?;
            scheduled += Duration::from_nanos(nanoseconds.parse()?);
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name of the program may hold blanks and ends with the last parenthesis.
        let (_, fields) = stat.rsplit_once(") ").context("stat has a name")?;
        let ticks: f64 = fields
            .split(' ')
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<f64>().ok())
            .sum();
        Ok(Usage {
            scheduled,
            ticked: Duration::from_secs_f64(ticks / TICKS_PER_SECOND),
        })
    }

    /// Waits until the server does nothing any more: before and after whatever is measured.
    pub(crate) fn settle(&self) -> Result<Usage> {
        let begin = Instant::now();
        let mut last = self.usage()?;
        let mut quiet = 0;
        while quiet < 3 && begin.elapsed() < QUIET_MAX {
            thread::sleep(QUIET_STEP);
            let now = self.usage()?;
            quiet = if now.scheduled.saturating_sub(last.scheduled) < QUIET_CPU {
                quiet + 1
            } else {
                0
            };
            last = now;
        }
        Ok(last)
    }

    /// Resident bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        resident(self.id())
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn end(&mut self, patience: Duration) -> Result<()> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM)?;
        let deadline = Instant::now() + patience;
        while self.child.try_wait()?.is_none() {
            ensure!(
                Instant::now() < deadline,
                "it has not ended within {patience:?}; it said:\n{}",
                self.said()
            );
            thread::sleep(QUIET_STEP);
        }
        Ok(())
    }

    /// The number that the system knows it by.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// Resident bytes of a process, counted page by page; the kernel's quick counters are off by some
/// per core.
pub(crate) fn resident(process: u32) -> Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let rss = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Rss:"))
        .context("smaps_rollup has Rss")?;
    let kilobytes: u64 = rss.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The address in a server's line `listening`, whose fields stand at the top or under `fields`.
fn address(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields").unwrap_or(&line);
    let listening = fields.get("message")?.as_str()? == "listening";
    let address = fields
        .get("address")
        .or_else(|| line.get("address"))?
        .as_str()?;
    listening.then(|| address.to_owned())
}

/// Who runs where.
#[derive(Debug, Clone, Copy)]
enum Side {
    /// The first cores.
    Server { cores: usize },
    /// The first core behind the server's; where there is none, the last core, shared.
    Client { server_cores: usize },
    /// The core behind the client's; where there is none, the last core, shared.
    Attacker { server_cores: usize },
}

/// Moves this thread, which attacks a server, away from those who measure what others notice; on a
/// machine without a core to spare it gives way to them.
pub(crate) fn stand_aside(server_cores: usize) -> Result<()> {
    const YIELDING: i32 = 10;
    pin(Side::Attacker { server_cores })?;
    // On Linux, this is of the thread alone.
    nice(YIELDING).context("cannot give way")?;
    Ok(())
}

/// Moves this thread, and with it what it starts.
fn pin(side: Side) -> Result<()> {
    let cores = cores()?;
    let last = cores.saturating_sub(1);
    let chosen: BTreeSet<usize> = match side {
        Side::Server { cores } => (0..cores).map(|core| core.min(last)).collect(),
        Side::Client { server_cores } => BTreeSet::from([server_cores.min(last)]),
        Side::Attacker { server_cores } => BTreeSet::from([(server_cores + 1).min(last)]),
    };
    let mut set = CpuSet::new();
    for core in chosen {
        set.set(core);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// The cores of this machine, as the first caller found them: later this thread is pinned.
pub(crate) fn cores() -> Result<usize> {
    static CORES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let set = sched_getaffinity(None)?;
    Ok(*CORES.get_or_init(|| usize::try_from(set.count()).unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_flat_and_in_nested_logs() {
        let flat = r#"{"message":"listening","address":"127.0.0.1:9"}"#;
        let nested = r#"{"level":"INFO","fields":{"message":"listening","address":"127.0.0.1:9"}}"#;
        for line in [flat, nested] {
            assert_eq!(address(line).as_deref(), Some("127.0.0.1:9"));
        }
    }

    #[test]
    fn other_lines_hold_no_address() {
        for line in [
            "warming up",
            "{}",
            r#"{"message":"connected","address":"127.0.0.1:9"}"#,
        ] {
            assert_eq!(address(line), None);
        }
    }
}
