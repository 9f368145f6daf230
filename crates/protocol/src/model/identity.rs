//! What a token proves.

use std::sync::Arc;

use super::{Pattern, RoomName, Timestamp};

/// What may be done in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Become a member and receive what is published.
    Join,
    /// Publish.
    Publish,
    /// Send what is relayed and never stored.
    Cast,
    /// Read what was published before.
    History,
    /// Be announced as present.
    Presence,
    /// Read who is present.
    Members,
}

impl Action {
    /// The action that configuration and tokens call so.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "join" => Self::Join,
            "publish" => Self::Publish,
            "cast" => Self::Cast,
            "history" => Self::History,
            "presence" => Self::Presence,
            "members" => Self::Members,
            _ => return None,
        })
    }
}

/// A set of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actions(u8);

impl Actions {
    /// Every action.
    pub const ALL: Self = Self(0b11_1111);
    /// No action.
    pub const NONE: Self = Self(0);

    /// This set and `action`.
    #[must_use]
    pub fn with(self, action: Action) -> Self {
        Self(self.0 | 1 << action as u8)
    }

    /// Whether `action` is in the set.
    pub fn contains(self, action: Action) -> bool {
        self.0 & 1 << action as u8 != 0
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        actions.into_iter().fold(Self::NONE, Self::with)
    }
}

/// What a token allows in the rooms that match a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The rooms.
    pub rooms: Pattern,
    /// What may be done there.
    pub actions: Actions,
}

/// Who is at the other end, and what the token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user: the token's subject.
    pub user: Arc<str>,
    /// What the user is called; the subject where the token has no name.
    pub name: Arc<str>,
    /// When the token ends; never for the development token.
    pub expires_at: Option<Timestamp>,
    /// What is allowed beyond the rooms' own rules.
    pub grants: Arc<[Grant]>,
}

impl Identity {
    /// Whether a grant of the token allows `action` in `room`.
    pub fn grants(&self, room: &RoomName, action: Action) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.actions.contains(action) && grant.rooms.matches(room, &self.user))
    }
}
