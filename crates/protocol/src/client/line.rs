//! Connections as the session knows them: the one that it lives on, and the one that it tries.

use std::time::{Duration, Instant};

use super::Ticket;
use crate::model::{Bucket, Position, RoomName};
use crate::wire::v2::Bye;

/// One connection, or one attempt at it; a later one has a larger number. What is heard of a line that is over is
/// ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(pub u64);

/// An attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) line: Line,
    pub(super) step: Step,
    /// When this step has failed.
    pub(super) until: Instant,
    pub(super) bye: Option<Bye>,
    /// The rooms that `hello` restores, in its order.
    pub(super) greeted: Vec<Greeted>,
}

/// A room that a `hello` restores.
#[derive(Debug)]
pub(super) struct Greeted {
    pub(super) room: RoomName,
    /// Which membership of it.
    pub(super) number: Ticket,
    /// Where it stood then: on the connection before this one it may go on.
    pub(super) since: Option<Position>,
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The application is asked for a token.
    Token,
    /// The connection is being opened.
    Dialing { since: Instant },
    /// `hello` is said.
    Greeting,
}

/// The connection that the session lives on.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) line: Line,
    pub(super) since: Instant,
    pub(super) heard_at: Instant,
    /// A probe was sent, and something is to be heard until then.
    pub(super) probed_until: Option<Instant>,
    pub(super) bye: Option<Bye>,
    /// The server goes away: another connection is to be opened then.
    pub(super) move_at: Option<Instant>,
    /// So many bytes wait to be written.
    pub(super) backlog: usize,
    /// How long the machine slept meanwhile.
    pub(super) asleep: Duration,
    pub(super) allowance: Allowance,
}

/// What is used up of the announced rates.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    pub(super) publish: Bucket,
    pub(super) join: Bucket,
    pub(super) request: Bucket,
}

impl Live {
    pub(super) fn new(line: Line, now: Instant) -> Self {
        Self {
            line,
            since: now,
            heard_at: now,
            probed_until: None,
            bye: None,
            move_at: None,
            backlog: 0,
            asleep: Duration::ZERO,
            allowance: Allowance::default(),
        }
    }
}
