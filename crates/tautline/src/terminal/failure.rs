//! Why a command did not do what it was asked.

use std::io;

use tautline_client::{CallError, Ending, EndingKind, PublishError};
use tautline_protocol::wire::CloseCode;

use crate::cli::exit::Exit;
use crate::plain::escape;

/// How a command ends, and what is said of it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Somebody ended the command.
    pub(super) fn stopped() -> Self {
        Self::new(Exit::Stopped, "stopped before it was done")
    }

    /// Standard output takes nothing.
    pub(super) fn of_output(error: &io::Error) -> Self {
        let message = format!("cannot write to standard output: {error}");
        Self::new(Exit::NotDone, message)
    }

    /// The connection is over for good. What the server says comes from the network, and must not steer a terminal.
    pub(super) fn of_ending(cause: &Ending) -> Self {
        let said = escape(&cause.to_string());
        match cause.kind {
            EndingKind::Closed => {
                let code = CloseCode::all().find(|known| known.number() == cause.code);
                let known = code.map_or("unknown", CloseCode::name);
                let message = format!("{said} ({known}); {}", advice(cause.code));
                Self::new(Exit::Refused, message)
            }
            EndingKind::Refused { status: 401, .. } => {
                let message = format!("{said}; {}", advice(CloseCode::AuthRequired.number()));
                Self::new(Exit::Refused, message)
            }
            EndingKind::Refused { .. } => Self::new(Exit::Refused, said),
            EndingKind::Requested => Self::stopped(),
            EndingKind::Lost
            | EndingKind::Silent
            | EndingKind::Asleep
            | EndingKind::Unreachable
            | EndingKind::Nonsense
            | EndingKind::NoToken
            | EndingKind::GivenUp => Self::new(Exit::NotDone, said),
        }
    }
}

/// What to do about a close that is final.
fn advice(code: u16) -> String {
    let known = |close: CloseCode| close.number() == code;
    if known(CloseCode::AuthRequired) {
        "name a token that holds by --token-file or TAUTLINE_TOKEN; a server in development mode takes dev-token"
            .to_owned()
    } else if known(CloseCode::AuthFailed) {
        "see whether the token is one of this server".to_owned()
    } else {
        format!("tautline explain {code} says more")
    }
}

impl From<&PublishError> for Failure {
    fn from(error: &PublishError) -> Self {
        let exit = match error {
            PublishError::NotSent(_) => Exit::NotDone,
            PublishError::Unknown(_) => Exit::Unknown,
            PublishError::Refused { .. } => Exit::Refused,
        };
        let state = match error {
            PublishError::NotSent(_) | PublishError::Refused { .. } => "not published: ",
            PublishError::Unknown(_) => "",
        };
        Self::new(exit, format!("{state}{}", escape(&error.to_string())))
    }
}

impl From<&CallError> for Failure {
    fn from(error: &CallError) -> Self {
        let exit = match error {
            CallError::NotSent(_) => Exit::NotDone,
            CallError::Unknown(_) => Exit::Unknown,
            CallError::Refused { .. } => Exit::Refused,
        };
        Self::new(exit, escape(&error.to_string()))
    }
}
