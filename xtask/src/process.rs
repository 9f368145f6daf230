//! Running other programs: to read what they print, within a time limit, or to become them.

use std::io::{self, BufRead, BufReader, PipeReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that wait between the reader's thread and ours.
const LINES_MAX: usize = 1024;
/// How often a silent program is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How long we read on after a program ended while a child of its own holds the pipe open.
const DRAIN: Duration = Duration::from_secs(3);

/// What a program printed on both of its streams, and how it ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Whether it ended by itself, with status 0.
    pub(crate) success: bool,
    /// Both streams, in the order in which they were written.
    pub(crate) output: String,
}

/// Runs a program to its end or to `limit`, and gives each line to `on_line` as it comes.
pub(crate) fn capture(
    mut command: Command,
    limit: Duration,
    on_line: &mut dyn FnMut(&str),
) -> io::Result<Finished> {
    let (reader, writer) = io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .map_err(|error| cannot_start(&command, &error))?;
    // The command holds our ends of the pipe: without them, its end is the program's end.
    drop(command);

    let mut output = String::new();
    let mut keep = |line: String| {
        on_line(&line);
        output.push_str(&line);
        output.push('\n');
    };
    let timely = drain(&mut child, &lines(reader), limit, &mut keep)?;
    if !timely {
        kill_tree(child.id());
        keep(format!(
            "stopped: it had not ended after {} s",
            limit.as_secs()
        ));
    }
    let status = child.wait()?;
    Ok(Finished {
        success: timely && status.success(),
        output,
    })
}

/// Like [`capture`], for when only the end counts.
pub(crate) fn capture_quietly(command: Command, limit: Duration) -> io::Result<Finished> {
    capture(command, limit, &mut |_| {})
}

/// Becomes the program, so that signals and the exit status are its own; returns only on failure.
pub(crate) fn become_program(mut command: Command) -> io::Result<bool> {
    let error = command.exec();
    Err(cannot_start(&command, &error))
}

fn cannot_start(command: &Command, error: &io::Error) -> io::Error {
    io::Error::other(format!(
        "{} could not be started: {error}",
        command.get_program().display()
    ))
}

/// Reads the pipe in a thread of its own, because a read has no deadline.
fn lines(reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(LINES_MAX);
    thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if sender.send(line.trim_end_matches('\r').to_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Passes lines on until the program has ended; `false` when the limit came first.
fn drain(
    child: &mut Child,
    lines: &Receiver<String>,
    limit: Duration,
    keep: &mut dyn FnMut(String),
) -> io::Result<bool> {
    let started = Instant::now();
    let mut ended = None;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => keep(line),
            Err(RecvTimeoutError::Disconnected) => return Ok(true),
            Err(RecvTimeoutError::Timeout) if ended.is_none() => {
                ended = child.try_wait()?.map(|_| Instant::now());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if ended.is_some_and(|ended| ended.elapsed() > DRAIN) {
            return Ok(true);
        }
        if ended.is_none() && started.elapsed() > limit {
            return Ok(false);
        }
    }
}

/// Ends a program and everything it started. Killing cargo alone would leave its tests running.
fn kill_tree(ancestor: u32) {
    let table = Command::new("ps").args(["-e", "-o", "pid=,ppid="]).output();
    let table = table
        .map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned())
        .unwrap_or_default();
    let pids = family(ancestor, &table);
    // A process that is gone already is what we want.
    drop(
        Command::new("kill")
            .arg("-KILL")
            .args(pids.iter().map(u32::to_string))
            .output(),
    );
}

/// The process and its descendants, from a table of `pid parent` lines.
fn family(ancestor: u32, table: &str) -> Vec<u32> {
    let pairs: Vec<(u32, u32)> = table
        .lines()
        .filter_map(|line| {
            let mut columns = line.split_whitespace().map(str::parse);
            Some((columns.next()?.ok()?, columns.next()?.ok()?))
        })
        .collect();
    let mut family = vec![ancestor];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(
            pairs
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_read_in_order() {
        let finished = capture_quietly(
            shell("echo one; echo two >&2; echo three"),
            Duration::from_mins(1),
        )
        .unwrap();
        assert!(finished.success);
        assert_eq!(finished.output, "one\ntwo\nthree\n");
    }

    #[test]
    fn a_failing_program_is_no_success() {
        let finished = capture_quietly(shell("echo no; exit 3"), Duration::from_mins(1)).unwrap();
        assert!(!finished.success);
        assert_eq!(finished.output, "no\n");
    }

    #[test]
    fn a_program_that_hangs_is_stopped_with_its_children() {
        let finished = capture_quietly(shell("sleep 600 & sleep 600"), Duration::ZERO).unwrap();
        assert!(!finished.success);
        assert!(
            finished.output.contains("stopped: it had not ended"),
            "{}",
            finished.output
        );
    }

    #[test]
    fn a_family_is_everyone_below_the_ancestor() {
        assert_eq!(family(2, "1 0\n2 1\n3 2\n4 3\n5 1\n"), [2, 3, 4]);
    }

    #[test]
    fn a_missing_program_is_named() {
        let error =
            capture_quietly(Command::new("no-such-program"), Duration::from_mins(1)).unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }
}
