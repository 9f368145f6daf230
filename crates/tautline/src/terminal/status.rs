//! What a terminal shows of the connection: a last line while there is none, which is drawn again and again.

use std::time::{Duration, Instant};

use tautline_client::ConnectionState;

use crate::color::{DIM, RESET, YELLOW};
use crate::plain::escape;

/// Goes to the beginning of the line and empties it.
const ERASE: &str = "\r\x1b[K";
/// Between these a line that is too long is cut, and does not go on in the next.
const CUT: (&str, &str) = ("\x1b[?7l", "\x1b[?7h");
/// How often a countdown is drawn.
const REDRAW_EVERY: Duration = Duration::from_secs(1);

/// What the terminal can do, and its reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) is_colored: bool,
    /// A line can be drawn again. Otherwise only what changes is said.
    pub(super) redraws: bool,
}

/// The last line, as a machine: what happens goes in, what is to be written comes out.
#[derive(Debug)]
pub(super) struct Status {
    look: Look,
    server: String,
    absence: Option<Absence>,
    /// There was a connection.
    was_connected: bool,
    drawn_at: Option<Instant>,
}

/// A time without a connection.
#[derive(Debug)]
struct Absence {
    since: Instant,
    why: String,
    retry_at: Option<Instant>,
    attempt: u32,
}

impl Look {
    pub(super) fn paint(self, color: &str, text: &str) -> String {
        if self.is_colored && !color.is_empty() {
            format!("{color}{text}{RESET}")
        } else {
            text.to_owned()
        }
    }
}

impl Status {
    pub(super) fn new(look: Look, server: &str) -> Self {
        Self {
            look,
            server: server.to_owned(),
            absence: None,
            was_connected: false,
            drawn_at: None,
        }
    }

    /// The connection stands otherwise. What is to be said of that, for good.
    pub(super) fn handle_state(&mut self, now: Instant, state: &ConnectionState) -> String {
        match state {
            ConnectionState::Idle | ConnectionState::Closed { .. } => {
                self.absence = None;
                String::new()
            }
            ConnectionState::Connecting { attempt } => self.miss(
                now,
                format!("connecting to {}", self.server),
                None,
                *attempt,
            ),
            ConnectionState::Reconnecting {
                attempt,
                retry_at,
                cause,
            } => {
                let why = format!("no connection: {}", escape(&cause.to_string()));
                self.miss(now, why, *retry_at, *attempt)
            }
            ConnectionState::Connected { user, .. } => self.meet(now, user),
        }
    }

    /// These lines, with the last line below them.
    pub(super) fn compose(&mut self, now: Instant, lines: &str) -> String {
        let mut text = String::new();
        if self.drawn_at.take().is_some() {
            text.push_str(ERASE);
        }
        text.push_str(lines);
        if let Some(absence) = &self.absence
            && self.look.redraws
        {
            let shown = self.look.paint(YELLOW, &absence.line(now));
            text.extend([CUT.0, &shown, CUT.1]);
            self.drawn_at = Some(now);
        }
        text
    }

    /// When the last line says something else.
    pub(super) fn redraws_at(&self) -> Option<Instant> {
        let counts_down = self.absence.as_ref()?.retry_at.is_some();
        let drawn_at = self.drawn_at.filter(|_| counts_down)?;
        Some(drawn_at + REDRAW_EVERY)
    }

    /// Nothing more is said of the connection.
    pub(super) fn end(&mut self, now: Instant) -> String {
        self.absence = None;
        self.compose(now, "")
    }

    fn miss(
        &mut self,
        now: Instant,
        why: String,
        retry_at: Option<Instant>,
        attempt: u32,
    ) -> String {
        let is_new = self.absence.is_none();
        let since = self.absence.as_ref().map_or(now, |absence| absence.since);
        let is_news = is_new && self.was_connected && !self.look.redraws;
        let said = if is_news {
            format!("{}\n", self.look.paint(YELLOW, &why))
        } else {
            String::new()
        };
        self.absence = Some(Absence {
            since,
            why,
            retry_at,
            attempt,
        });
        said
    }

    fn meet(&mut self, now: Instant, user: &str) -> String {
        let absence = self.absence.take();
        let said = if self.was_connected {
            let span = absence.map_or(Duration::ZERO, |absence| now - absence.since);
            format!("connected again after {} s", span.as_secs())
        } else {
            format!("connected to {} as {}", self.server, escape(user))
        };
        self.was_connected = true;
        format!("{}\n", self.look.paint(DIM, &said))
    }
}

impl Absence {
    fn line(&self, now: Instant) -> String {
        match self.retry_at {
            Some(at) => {
                let left = at.saturating_duration_since(now);
                let seconds = left.as_millis().div_ceil(1000);
                format!("{}; next attempt in {seconds} s", self.why)
            }
            None if self.attempt > 1 => format!("{}; attempt {}", self.why, self.attempt),
            None => self.why.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tautline_client::{ConnectionId, Ending};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn status(redraws: bool) -> Status {
        let look = Look {
            is_colored: false,
            redraws,
        };
        Status::new(look, "ws://a.test/ws")
    }

    fn connected() -> ConnectionState {
        ConnectionState::Connected {
            connection: ConnectionId::parse("deadbeef000300000010ffffffff").unwrap(),
            user: "ann\u{1b}".into(),
        }
    }

    fn lost(retry_at: Option<Instant>, attempt: u32) -> ConnectionState {
        ConnectionState::Reconnecting {
            attempt,
            retry_at,
            cause: Ending::closed(1001, "restart\u{1b}[2J"),
        }
    }

    #[test]
    fn the_last_line_counts_down_stands_below_what_comes_and_goes_with_the_connection() {
        let now = Instant::now();
        let mut status = status(true);
        let mut after = |seconds: u64, state: ConnectionState, lines: &str| {
            let now = now + u32::try_from(seconds).unwrap() * SECOND;
            let said = status.handle_state(now, &state);
            let text = status.compose(now, &format!("{said}{lines}"));
            (text, status.redraws_at().map(|at| at - now))
        };
        let down = |what: &str| format!("\x1b[?7l{what}\x1b[?7h");
        let erased = |rest: &str| format!("\r\x1b[K{rest}");
        assert_eq!(
            after(0, ConnectionState::Connecting { attempt: 1 }, ""),
            (down("connecting to ws://a.test/ws"), None)
        );
        assert_eq!(
            after(0, connected(), ""),
            (erased("connected to ws://a.test/ws as ann\\u{1b}\n"), None)
        );
        let why = "no connection: closed by the server: 1001 restart\\u{1b}[2J";
        let at = now + Duration::from_millis(12_999);
        assert_eq!(
            after(10, lost(Some(at), 1), "a line\n"),
            (
                format!("a line\n{}", down(&format!("{why}; next attempt in 3 s"))),
                Some(SECOND)
            )
        );
        assert_eq!(
            after(11, lost(Some(at), 1), "").0,
            erased(&down(&format!("{why}; next attempt in 2 s")))
        );
        assert_eq!(
            after(13, lost(None, 2), "b\n"),
            (
                erased(&format!("b\n{}", down(&format!("{why}; attempt 2")))),
                None
            )
        );
        assert_eq!(
            after(14, connected(), ""),
            (erased("connected again after 4 s\n"), None)
        );
        assert_eq!(status.end(now), "");
    }

    #[test]
    fn where_nothing_can_be_drawn_again_an_outage_is_told_once() {
        let now = Instant::now();
        let mut status = status(false);
        assert_eq!(
            status.handle_state(now, &ConnectionState::Connecting { attempt: 1 }),
            ""
        );
        status.handle_state(now, &connected());
        let said = status.handle_state(now, &lost(Some(now), 1));
        assert!(
            said.starts_with("no connection: closed by the server: 1001"),
            "{said}"
        );
        assert_eq!(status.handle_state(now, &lost(None, 2)), "");
        assert_eq!(status.compose(now, ""), "");
        assert_eq!(
            status.handle_state(now + SECOND, &connected()),
            "connected again after 1 s\n"
        );
    }
}
