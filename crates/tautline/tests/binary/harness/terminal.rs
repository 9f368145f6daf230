//! A terminal, in which a command runs.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::HANG;

/// A command that takes its standard input and output for those of a person. Killed when it is dropped.
pub(crate) struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    /// What came and was not looked at.
    shown: String,
}

impl Terminal {
    pub(crate) fn run(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let no_control = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
        let open = || {
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).custom_flags(no_control);
            options.open(name.to_str().unwrap()).unwrap()
        };
        command.stdin(open()).stdout(open()).stderr(open());
        let child = command.env("TERM", "xterm").spawn().unwrap();
        // This process has its ends of the terminal no longer, so that its end is seen.
        drop(command);
        let (to, output) = channel();
        thread::spawn(move || read(File::from(master), &to));
        Self {
            child,
            output,
            shown: String::new(),
        }
    }

    /// What is shown up to this text, and it.
    pub(crate) fn up_to(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            assert!(self.read(), "{text:?} is not shown, but {:?}", self.shown);
        }
    }

    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Waits for the end: the exit code, and what is shown besides.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        while self.read() {}
        let shown = std::mem::take(&mut self.shown);
        (self.child.wait().unwrap().code(), shown)
    }

    /// False if there is no more.
    fn read(&mut self) -> bool {
        match self.output.recv_timeout(HANG) {
            Ok(bytes) => {
                self.shown.push_str(&String::from_utf8_lossy(&bytes));
                true
            }
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => panic!("nothing is shown behind {:?}", self.shown),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads until nobody has the other end any more, which is an error of the terminal.
fn read(mut master: File, to: &std::sync::mpsc::Sender<Vec<u8>>) {
    let mut chunk = [0; 4096];
    while let Ok(count) = master.read(&mut chunk) {
        if count == 0 || to.send(chunk[..count].to_vec()).is_err() {
            return;
        }
    }
}
