//! How a connection, or an attempt at one, ended, and what a client does about it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::retry::Wait;
use crate::wire::v2::Bye;
use crate::wire::{self, CloseCode};

/// What stands for a code where a connection ended without one.
pub(super) const ABNORMAL: u16 = 1006;
/// Who could not keep up comes back no sooner than this.
const SLOW_WAIT: Duration = Duration::from_secs(5);

/// How a connection, or an attempt at one, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What happened.
    pub kind: EndingKind,
    /// The close code; 1006 where there was none.
    pub code: u16,
    /// In words, for people.
    pub reason: Arc<str>,
}

/// What ends a connection, or an attempt at one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndingKind {
    /// The application ended it.
    Requested,
    /// The server closed it with a code.
    Closed,
    /// It ended without a word.
    Lost,
    /// Nothing was heard of the server for too long, or nothing could be sent to it.
    Silent,
    /// The machine slept, and the server has given the connection up meanwhile.
    Asleep,
    /// It could not be opened.
    Unreachable,
    /// The server refused the upgrade.
    Refused {
        /// The HTTP status.
        status: u16,
        /// When to come back, says the server.
        retry_after: Option<Duration>,
    },
    /// What came is not what the protocol allows.
    Nonsense,
    /// The application has no token.
    NoToken,
    /// So many attempts failed as the application allows.
    GivenUp,
}

/// What is done about an ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Come back.
    Retry(Wait),
    /// Come back with a new token, once.
    NewToken,
    /// Come back, but not a third time in a row.
    ThreeTimes,
    /// Stay away.
    Final,
}

impl Ending {
    /// An ending without a close code.
    pub fn without_code(kind: EndingKind, reason: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            code: ABNORMAL,
            reason: reason.into(),
        }
    }

    /// The server closed.
    pub fn closed(code: u16, reason: impl Into<Arc<str>>) -> Self {
        Self {
            kind: EndingKind::Closed,
            code,
            reason: reason.into(),
        }
    }

    /// What is done about it, if the server said `bye` before or did not.
    pub(super) fn verdict(&self, bye: Option<&Bye>) -> Verdict {
        match self.kind {
            EndingKind::Requested | EndingKind::GivenUp => Verdict::Final,
            EndingKind::Asleep => Verdict::Retry(Wait::Local),
            EndingKind::Nonsense => Verdict::ThreeTimes,
            EndingKind::Refused {
                status,
                retry_after,
            } => refused(status, retry_after),
            EndingKind::Closed
            | EndingKind::Lost
            | EndingKind::Silent
            | EndingKind::Unreachable
            | EndingKind::NoToken => self.closed_verdict(bye),
        }
    }

    fn closed_verdict(&self, bye: Option<&Bye>) -> Verdict {
        let code = bye.map_or(self.code, |bye| bye.code.number());
        let known = CloseCode::all().find(|known| known.number() == code);
        if known == Some(CloseCode::AuthRequired) {
            return Verdict::NewToken;
        }
        if let Some(bye) = bye {
            return match bye.after_ms {
                _ if !bye.retry => Verdict::Final,
                Some(after) if bye.code == CloseCode::GoingAway => {
                    Verdict::Retry(Wait::Gone(Duration::from_millis(after)))
                }
                Some(after) => Verdict::Retry(Wait::Hint(Duration::from_millis(after))),
                None => by_table(code, known),
            };
        }
        by_table(code, known)
    }

    /// Whether the server may have failed because of what it was sent.
    pub(super) fn is_crash(&self) -> bool {
        [CloseCode::TooBig, CloseCode::ServerError]
            .iter()
            .any(|code| code.number() == self.code)
    }
}

fn by_table(code: u16, known: Option<CloseCode>) -> Verdict {
    match known.map(CloseCode::retry) {
        Some(wire::Retry::Never) => Verdict::Final,
        Some(wire::Retry::ThreeTimes) => Verdict::ThreeTimes,
        Some(wire::Retry::NewToken) => Verdict::NewToken,
        Some(wire::Retry::Always) if known == Some(CloseCode::TryAgainLater) => {
            Verdict::Retry(Wait::Hint(SLOW_WAIT))
        }
        // A missing extension, a failed TLS handshake: the same again would end in the same way.
        None if matches!(code, 1010 | 1015) => Verdict::ThreeTimes,
        // Proxies make codes of their own.
        Some(wire::Retry::Always) | None => Verdict::Retry(Wait::Announced),
    }
}

/// Statuses that a proxy may mean for a moment are tried again.
fn refused(status: u16, retry_after: Option<Duration>) -> Verdict {
    match status {
        401 => Verdict::NewToken,
        400 | 403 | 426 => Verdict::Final,
        _ => Verdict::Retry(retry_after.map_or(Wait::Announced, Wait::Hint)),
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            EndingKind::Requested => f.write_str("closed by the application"),
            EndingKind::Closed => write!(f, "closed by the server: {} {}", self.code, self.reason),
            EndingKind::Refused { status, .. } => {
                write!(
                    f,
                    "the server refused the upgrade with {status}: {}",
                    self.reason
                )
            }
            EndingKind::Lost
            | EndingKind::Silent
            | EndingKind::Asleep
            | EndingKind::Unreachable
            | EndingKind::Nonsense
            | EndingKind::NoToken
            | EndingKind::GivenUp => f.write_str(&self.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bye(code: CloseCode, retry: bool, after_ms: Option<u64>) -> Bye {
        Bye {
            code,
            retry,
            after_ms,
        }
    }

    #[test]
    fn each_code_is_treated_as_the_table_says() {
        for code in CloseCode::all() {
            let verdict = Ending::closed(code.number(), "").verdict(None);
            let expected = match code.number() {
                1000 | 1001 | 1009 | 1011 | 4408 | 4429 => Verdict::Retry(Wait::Announced),
                1002 | 1003 | 1007 | 1008 => Verdict::ThreeTimes,
                1013 => Verdict::Retry(Wait::Hint(SLOW_WAIT)),
                4401 => Verdict::NewToken,
                4400 | 4403 | 4409 | 4410 | 4426 => Verdict::Final,
                other => panic!("{other} is new: what does a client do?"),
            };
            assert_eq!(verdict, expected, "{code:?}");
        }
    }

    #[test]
    fn foreign_codes_are_survived() {
        for code in [1005, 1006, 1012, 1014, 3000, 4000, 4404, 4999] {
            let verdict = Ending::closed(code, "").verdict(None);
            assert_eq!(verdict, Verdict::Retry(Wait::Announced), "{code}");
        }
    }

    #[test]
    fn bye_overrides_the_table() {
        let ending = Ending::closed(4410, "");
        let back = bye(CloseCode::Disconnected, true, Some(2000));
        let hint = Wait::Hint(Duration::from_secs(2));
        assert_eq!(ending.verdict(Some(&back)), Verdict::Retry(hint));
        let ending = Ending::closed(1001, "");
        let away = bye(CloseCode::GoingAway, false, None);
        assert_eq!(ending.verdict(Some(&away)), Verdict::Final);
        let restart = bye(CloseCode::GoingAway, true, Some(3000));
        let gone = Wait::Gone(Duration::from_secs(3));
        assert_eq!(ending.verdict(Some(&restart)), Verdict::Retry(gone));
        let limit = bye(CloseCode::LimitReached, true, Some(4000));
        let lost = Ending::without_code(EndingKind::Lost, "");
        let hint = Wait::Hint(Duration::from_secs(4));
        assert_eq!(
            lost.verdict(Some(&limit)),
            Verdict::Retry(hint),
            "the close frame itself may be lost"
        );
    }
}
