//! Why something is not done, and how a client is told.

use std::borrow::Cow;
use std::time::Duration;

use super::v2::Fault;
use super::{CloseCode, ErrorCode};
use crate::model::RoomName;

/// Why the server does not do what a client asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The text is no message of this version; says which part and why.
    Malformed(Cow<'static, str>),
    /// The bytes are no message of v2; says which part and why.
    Faulty(Fault),
    /// Something else than v2's `hello` came first.
    NoHello,
    /// v2's `hello` came again.
    SecondHello,
    /// A room is listed twice where each is to be listed once.
    ListedTwice {
        /// The room.
        room: RoomName,
    },
    /// The message is above the limit.
    TooBig {
        /// The limit.
        bytes_max: usize,
    },
    /// A binary message, where only text is spoken.
    Binary,
    /// No proof of identity was accepted in time.
    AuthTimeout,
    /// Something else than a proof of identity came first.
    NotAuthenticated,
    /// The proof is wrong.
    WrongToken,
    /// The proof was right once.
    TokenExpired,
    /// The proof is another user's than the one the connection belongs to.
    OtherUser,
    /// Only members may publish.
    NotJoined,
    /// Neither the room's rule nor a grant of the token allows it.
    Forbidden {
        /// What was to be done: "join" or "publish to".
        action: &'static str,
        /// Where.
        room: RoomName,
    },
    /// The room announces nobody, so that there is nothing to be shown.
    NoPresence {
        /// The room.
        room: RoomName,
    },
    /// The room asks for acknowledgements, and the version has none.
    NoAcks {
        /// The room.
        room: RoomName,
    },
    /// The connection is a member of as many rooms as it may be.
    TooManyRooms {
        /// The room too many.
        room: RoomName,
        /// The limit.
        rooms_max: usize,
    },
    /// The publication is above the room's limit.
    TooLarge {
        /// Where.
        room: RoomName,
        /// The limit.
        bytes_max: usize,
    },
    /// The user has as many connections as allowed.
    TooManyConnections {
        /// The limit.
        connections_max: usize,
    },
    /// It is done too often.
    TooOften {
        /// What: "publish", "join" or "ask".
        what: &'static str,
        /// When it would be accepted.
        wait: Duration,
    },
    /// All who publish to a room do it too often together.
    RoomTooOften {
        /// Where.
        room: RoomName,
        /// When it would be accepted.
        wait: Duration,
    },
    /// So much was refused that the client does not seem to listen.
    RefusedTooOften,
    /// More control frames than anybody needs.
    TooManyControls,
    /// A message was begun and not finished in time.
    Unfinished,
    /// Nobody answers this method.
    UnknownMethod,
    /// It was tried and failed.
    Failed {
        /// Why, for programs.
        code: ErrorCode,
        /// Why, for people.
        message: Cow<'static, str>,
    },
}

impl Refusal {
    /// The name in metrics and audit rows: nothing that a client chose.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Faulty(_) => "malformed",
            Self::NoHello => "no_hello",
            Self::SecondHello => "second_hello",
            Self::ListedTwice { .. } => "listed_twice",
            Self::NoPresence { .. } => "no_presence",
            Self::TooBig { .. } => "too_big",
            Self::Binary => "binary",
            Self::AuthTimeout => "auth_timeout",
            Self::NotAuthenticated => "not_authenticated",
            Self::WrongToken => "wrong_token",
            Self::TokenExpired => "token_expired",
            Self::OtherUser => "other_user",
            Self::NotJoined => "not_joined",
            Self::Forbidden { .. } => "forbidden",
            Self::NoAcks { .. } => "no_acks",
            Self::TooManyRooms { .. } => "too_many_rooms",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyConnections { .. } => "too_many_connections",
            Self::TooOften { .. } => "too_often",
            // Among what else is refused when it is tried.
            Self::RoomTooOften { .. } => ErrorCode::RateLimited.name(),
            Self::RefusedTooOften => "refused_too_often",
            Self::TooManyControls => "too_many_controls",
            Self::Unfinished => "unfinished",
            Self::UnknownMethod => "unknown_method",
            Self::Failed { code, .. } => code.name(),
        }
    }

    /// Whether this is about who the client is.
    pub fn is_of_identity(&self) -> bool {
        matches!(
            self,
            Self::AuthTimeout
                | Self::NotAuthenticated
                | Self::NoHello
                | Self::WrongToken
                | Self::TokenExpired
                | Self::OtherUser
        )
    }

    /// The room that it is about.
    pub fn room(&self) -> Option<&RoomName> {
        if let Self::Forbidden { room, .. }
        | Self::ListedTwice { room }
        | Self::NoPresence { room }
        | Self::NoAcks { room }
        | Self::TooManyRooms { room, .. }
        | Self::RoomTooOften { room, .. }
        | Self::TooLarge { room, .. } = self
        {
            Some(room)
        } else {
            None
        }
    }
}

/// What a refusal comes to in a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The client is told, and the connection goes on.
    Error {
        /// Why, for programs.
        code: ErrorCode,
        /// Why and what to do, for people.
        message: Cow<'static, str>,
    },
    /// The connection ends.
    Close(Close),
}

/// A close that the server starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Why, for programs.
    pub code: CloseCode,
    /// Why, for people: never empty, at most [`Close::REASON_BYTES_MAX`] bytes.
    pub reason: Cow<'static, str>,
}

impl Close {
    /// What fits into a close frame beside the code.
    pub const REASON_BYTES_MAX: usize = 123;

    /// A close with the code's usual reason.
    pub fn new(code: CloseCode) -> Self {
        Self {
            code,
            reason: Cow::Borrowed(code.reason()),
        }
    }

    /// A close with a more precise reason, cut to what fits; an empty one becomes the usual reason.
    pub fn with_reason(code: CloseCode, reason: impl Into<Cow<'static, str>>) -> Self {
        let mut reason = reason.into();
        if reason.is_empty() {
            return Self::new(code);
        }
        if reason.len() > Self::REASON_BYTES_MAX {
            let end = reason.floor_char_boundary(Self::REASON_BYTES_MAX);
            reason.to_mut().truncate(end);
        }
        Self { code, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters() {
        let close = Close::with_reason(CloseCode::Policy, "é".repeat(100));
        assert_eq!(close.reason, "é".repeat(61));
    }

    #[test]
    fn a_reason_is_never_empty() {
        assert_eq!(
            Close::with_reason(CloseCode::Policy, ""),
            Close::new(CloseCode::Policy)
        );
    }
}
