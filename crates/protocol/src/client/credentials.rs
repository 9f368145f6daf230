//! The token: when the application is asked for one, and when a newer one is handed in.

use std::time::{Duration, Instant};

use super::Ticket;
use crate::model::Chance;
use crate::wire::Token;

/// A new token is asked for this long before the old one ends, or at a tenth of its life where that is longer.
const REFRESH_AHEAD: Duration = Duration::from_secs(30);
/// A token that is good for less than this when a connection is lost is not used for the next one.
const WORTH_USING: Duration = Duration::from_secs(5);
/// After a failed refresh the next attempt comes no sooner.
const REFRESH_PAUSE_MIN: Duration = Duration::from_secs(1);

/// The number of a time that the application was asked for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fetch(pub u64);

/// Why the application is asked for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenReason {
    /// There is none yet.
    Connect,
    /// The one in use ends soon.
    Refresh,
    /// The one in use has ended.
    Expired,
    /// The server has refused the one in use.
    Rejected,
}

/// The application has no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFailure {
    /// There will be none: the user is not, or no longer, allowed. The client closes.
    #[error("no token is given: {0}")]
    Denied(String),
    /// It may be asked again.
    #[error("a token could not be fetched: {0}")]
    Unavailable(String),
}

/// The token and its life.
#[derive(Debug)]
pub(super) struct Credentials {
    /// Whether the application can be asked.
    pub(super) has_provider: bool,
    pub(super) token: Option<Token>,
    /// When the token ends, if that is known and it does.
    ends_at: Option<Instant>,
    refresh_at: Option<Instant>,
    /// Asked for, and not handed in yet.
    fetching: Option<Fetching>,
    /// Why the next one is fetched.
    reason: TokenReason,
    fetches: u64,
    /// The number of the `refresh` that is not answered.
    refreshing: Option<Ticket>,
    /// The server has refused a token, and none has been accepted since.
    pub(super) is_refused: bool,
    /// The token was asked for when the attempt under way began. One that was there before may have ended unseen.
    pub(super) is_fresh: bool,
}

/// A token that the application was asked for.
#[derive(Debug, Clone, Copy)]
struct Fetching {
    fetch: Fetch,
    until: Instant,
}

impl Credentials {
    pub(super) fn new(token: Option<Token>, has_provider: bool) -> Self {
        Self {
            has_provider,
            token,
            ends_at: None,
            refresh_at: None,
            fetching: None,
            reason: TokenReason::Connect,
            fetches: 0,
            refreshing: None,
            is_refused: false,
            is_fresh: false,
        }
    }

    /// Whether a connection can be opened with what is there.
    pub(super) fn are_ready(&self, now: Instant) -> bool {
        let is_good = |ends_at: Instant| ends_at > now + WORTH_USING;
        !self.has_provider || (self.token.is_some() && self.ends_at.is_none_or(is_good))
    }

    /// Begins to fetch a token, unless that is under way.
    pub(super) fn fetch(
        &mut self,
        now: Instant,
        timeout: Duration,
    ) -> Option<(Fetch, TokenReason)> {
        self.refresh_at = None;
        if self.fetching.is_some() {
            return None;
        }
        self.fetches += 1;
        let fetch = Fetch(self.fetches);
        let until = now + timeout;
        self.fetching = Some(Fetching { fetch, until });
        let has_ended = self.ends_at.is_some_and(|at| at <= now + WORTH_USING);
        let is_late = has_ended && self.reason == TokenReason::Refresh;
        let reason = if is_late {
            TokenReason::Expired
        } else {
            self.reason
        };
        Some((fetch, reason))
    }

    /// The application has answered. False if nobody waits for that answer any more.
    pub(super) fn settle(&mut self, fetch: Fetch) -> bool {
        self.fetching
            .take_if(|fetching| fetching.fetch == fetch)
            .is_some()
    }

    /// The application has not answered in time.
    pub(super) fn give_up_fetch(&mut self, now: Instant) -> bool {
        self.fetching
            .take_if(|fetching| fetching.until <= now)
            .is_some()
    }

    /// The application has given a token for the next connection.
    pub(super) fn hold(&mut self, token: Token) {
        self.token = Some(token);
        self.ends_at = None;
    }

    /// The application has given a token for the present connection, which is told so with this number. Until that is
    /// answered, the one before holds.
    pub(super) fn renew(&mut self, token: Token, number: Ticket) {
        self.token = Some(token);
        self.refreshing = Some(number);
    }

    /// The connection is lost, and with it what was to happen on it.
    pub(super) fn lose(&mut self) {
        self.refresh_at = None;
        if self.refreshing.take().is_some() {
            // How long the new token is good for was not said yet.
            self.ends_at = None;
        }
    }

    /// The client is closed. The next time the application is asked anew.
    pub(super) fn forget(&mut self) {
        let token = self.token.take_if(|_| !self.has_provider);
        *self = Self {
            fetches: self.fetches,
            ..Self::new(token, self.has_provider)
        };
    }

    /// The server has accepted the token, for so long.
    pub(super) fn accept(&mut self, now: Instant, ttl: Option<Duration>, chance: &mut Chance) {
        self.is_refused = false;
        self.refreshing = None;
        self.reason = TokenReason::Refresh;
        self.ends_at = ttl.map(|ttl| now + ttl);
        self.refresh_at = ttl.filter(|_| self.has_provider).map(|ttl| {
            let ahead = REFRESH_AHEAD.max(ttl / 10).min(ttl / 2);
            now + ttl.saturating_sub(ahead + chance.between(Duration::ZERO, ahead / 5))
        });
    }

    /// Whether another token would be refused too.
    pub(super) fn are_hopeless(&self) -> bool {
        !self.has_provider || (self.is_refused && self.is_fresh)
    }

    /// The server has refused the token.
    pub(super) fn reject(&mut self) {
        self.is_refused = true;
        self.ends_at = None;
        let was_good = self.reason == TokenReason::Refresh;
        self.reason = if was_good {
            TokenReason::Expired
        } else {
            TokenReason::Rejected
        };
        if self.has_provider {
            self.token = None;
        }
    }

    /// The server has refused the `refresh` with this number, if it was one: the token before holds for this connection, and
    /// the next one needs another.
    pub(super) fn refuse_refresh(&mut self, now: Instant, number: Ticket) {
        if self.refreshing.take_if(|it| *it == number).is_some() {
            self.token = None;
            self.reason = TokenReason::Rejected;
            self.refresh_later(now);
        }
    }

    /// A refresh has failed while the old token holds: another one follows at half of what is left.
    pub(super) fn refresh_later(&mut self, now: Instant) {
        let left = self
            .ends_at
            .map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        self.refresh_at = (!left.is_zero()).then(|| now + (left / 2).max(REFRESH_PAUSE_MIN));
    }

    /// The server says that the token ends soon.
    pub(super) fn warn(&mut self, now: Instant) {
        if self.has_provider {
            self.refresh_at.get_or_insert(now);
            self.refresh_at = self.refresh_at.map(|at| at.min(now));
        }
    }

    pub(super) fn is_refresh_due(&self, now: Instant) -> bool {
        self.refresh_at.is_some_and(|at| at <= now)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let until = self.fetching.map(|fetching| fetching.until);
        self.refresh_at.into_iter().chain(until).min()
    }
}
