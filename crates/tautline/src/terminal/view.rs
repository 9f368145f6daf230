//! How a command shows what happens: lines of JSON for programs, columns and a last line for people.

use std::io::{self, IsTerminal};
use std::time::Instant;

use tautline_client::{ConnectionState, Endpoint, RoomEvent, RoomName};

use super::lines;
use super::screen::Screen;
use super::status::{Look, Status};
use crate::cli::terminal::ServerAccess;
use crate::color;
use crate::logging;

/// Who reads standard output.
#[derive(Debug)]
pub(super) enum View {
    /// A program. Where standard error is a terminal, somebody sits there and hears of outages.
    Program(Option<Status>),
    /// A person.
    Person(Screen, Status),
}

/// Whether a person reads standard output, and no lines of JSON are asked for.
pub(super) fn is_for_people(access: &ServerAccess) -> bool {
    !access.json && io::stdout().is_terminal()
}

impl View {
    pub(super) fn new(access: &ServerAccess, rooms: &[RoomName], acknowledges: bool) -> Self {
        // Without its query, which is nobody's business.
        let server = Endpoint::parse(&access.url)
            .map_or_else(|_| "the server".to_owned(), |endpoint| endpoint.to_string());
        if !is_for_people(access) {
            let plain = Look {
                is_colored: false,
                redraws: false,
            };
            let somebody = io::stderr().is_terminal();
            return Self::Program(somebody.then(|| Status::new(plain, &server)));
        }
        let look = Look {
            is_colored: color::is_wanted(),
            redraws: std::env::var_os("TERM").is_some_and(|term| term != "dumb"),
        };
        let screen = Screen::new(look, rooms, acknowledges);
        Self::Person(screen, Status::new(look, &server))
    }

    /// The line, or lines, for something that happened in a room.
    pub(super) fn event(&self, room: &RoomName, event: &RoomEvent) -> String {
        match self {
            Self::Program(_) => lines::event(room, event),
            Self::Person(screen, _) => screen.event(room, event),
        }
    }

    /// What to write where the connection stands otherwise.
    pub(super) fn state(&mut self, now: Instant, state: &ConnectionState) -> String {
        match self {
            Self::Program(notices) => {
                let notice = notices
                    .as_mut()
                    .map(|status| status.handle_state(now, state));
                if let Some(notice) = notice.filter(|notice| !notice.is_empty()) {
                    logging::tell(notice.trim_end());
                }
                lines::connection(now, state)
            }
            Self::Person(_, status) => {
                let said = status.handle_state(now, state);
                status.compose(now, &said)
            }
        }
    }

    /// What to write so that these lines are seen.
    pub(super) fn compose(&mut self, now: Instant, lines: String) -> String {
        match self {
            Self::Program(_) => lines,
            Self::Person(_, status) => status.compose(now, &lines),
        }
    }

    /// When something has to be written although nothing has happened.
    pub(super) fn redraws_at(&self) -> Option<Instant> {
        match self {
            Self::Program(_) => None,
            Self::Person(_, status) => status.redraws_at(),
        }
    }

    /// What to write at the end.
    pub(super) fn end(&mut self, now: Instant) -> String {
        match self {
            Self::Program(_) => String::new(),
            Self::Person(_, status) => status.end(now),
        }
    }
}
