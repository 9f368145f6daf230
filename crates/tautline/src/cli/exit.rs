//! How the commands of the terminal end: one table for the code, `--help` and the reference.

use std::process::ExitCode;

/// How `sub`, `pub`, `request` and `members` end. The numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// It is done.
    Done,
    /// The server said no.
    Refused,
    /// The command line or its input is wrong.
    Usage,
    /// It was not done, for sure.
    NotDone,
    /// It was done or not.
    Unknown,
    /// Something is missing.
    Missing,
    /// Somebody ended it before it was done.
    Stopped,
}

impl Exit {
    const ALL: [Self; 7] = [
        Self::Done,
        Self::Refused,
        Self::Usage,
        Self::NotDone,
        Self::Unknown,
        Self::Missing,
        Self::Stopped,
    ];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::NotDone => 3,
            Self::Unknown => 4,
            Self::Missing => 5,
            Self::Stopped => 130,
        }
    }

    /// What it says.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => {
                "done; so is a `sub` without --count that is stopped, or whose reader has gone"
            }
            Self::Refused => "the server refused it: the token, the permission, the request",
            Self::Usage => "the command line, or what was read, is wrong",
            Self::NotDone => "not done: no connection or no answer in time, or nowhere to write to",
            Self::Unknown => {
                "it is not known whether it was done: the connection was lost on the way, or no answer came"
            }
            Self::Missing => "messages are missing, and --fail-on-gap was said",
            Self::Stopped => "stopped by Ctrl-C or SIGTERM before it was done",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command's examples, and the table behind them.
pub(super) fn help(examples: &str) -> String {
    let rows = Exit::ALL.map(|exit| format!("\n  {:<4} {}", exit.code(), exit.meaning()));
    format!("{examples}\n\nExit codes:{}", rows.concat())
}
