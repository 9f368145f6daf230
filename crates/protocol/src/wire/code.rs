//! Every code that Tautline can send, in two tables: why connections end, why something was not done.
//!
//! The reference (`docs/reference/codes.md`), metric labels, the SDKs' policy and `explain` come from
//! these tables.

mod reference;

use serde::{Deserialize, Serialize};

pub use reference::reference;

/// Why a connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// Normal.
    Normal = 1000,
    /// The server drains or restarts.
    GoingAway = 1001,
    /// The peer broke RFC 6455.
    Protocol = 1002,
    /// A message of a type that is not spoken.
    UnsupportedData = 1003,
    /// Text that is not UTF-8.
    InvalidUtf8 = 1007,
    /// A message that the server does not accept.
    Policy = 1008,
    /// A message above a limit.
    TooBig = 1009,
    /// A defect or a failure of the server.
    ServerError = 1011,
    /// The client reads too slowly, or the server has no room.
    TryAgainLater = 1013,
    /// A request that cannot be understood.
    BadRequest = 4400,
    /// No proof of identity, or one that has expired.
    AuthRequired = 4401,
    /// A wrong proof of identity.
    AuthFailed = 4403,
    /// No sign of life in time.
    Timeout = 4408,
    /// A newer connection took its place.
    Replaced = 4409,
    /// The application ended it.
    Disconnected = 4410,
    /// The protocol version is no longer served.
    VersionGone = 4426,
    /// A limit is reached.
    LimitReached = 4429,
}

/// Whether a client comes back after a close, when nothing more precise was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// With backoff.
    Always,
    /// With backoff; final after three in a row, because the same bytes would fail again.
    ThreeTimes,
    /// Once, with a new token.
    NewToken,
    /// Not until a person decides otherwise.
    Never,
}

/// A row of the table of close codes.
#[derive(Debug)]
struct CloseRow {
    code: CloseCode,
    name: &'static str,
    reason: &'static str,
    meaning: &'static str,
    retry: Retry,
    client: &'static str,
}

const CLOSE_ROWS: [CloseRow; 17] = [
    CloseRow {
        code: CloseCode::Normal,
        name: "normal",
        reason: "normal closure",
        meaning: "closed normally",
        retry: Retry::Always,
        client: "as `bye` says; without `bye` retry",
    },
    CloseRow {
        code: CloseCode::GoingAway,
        name: "going_away",
        reason: "going away",
        meaning: "the server drains or restarts",
        retry: Retry::Always,
        client: "retry in the announced window",
    },
    CloseRow {
        code: CloseCode::Protocol,
        name: "protocol_error",
        reason: "protocol error",
        meaning: "the bytes break the WebSocket protocol",
        retry: Retry::ThreeTimes,
        client: "retry; final after 3 in a row",
    },
    CloseRow {
        code: CloseCode::UnsupportedData,
        name: "unsupported_data",
        reason: "only text messages are spoken here",
        meaning: "a binary message where only text is spoken",
        retry: Retry::ThreeTimes,
        client: "retry; final after 3 in a row",
    },
    CloseRow {
        code: CloseCode::InvalidUtf8,
        name: "invalid_utf8",
        reason: "text must be UTF-8",
        meaning: "a text message that is not UTF-8",
        retry: Retry::ThreeTimes,
        client: "retry; final after 3 in a row",
    },
    CloseRow {
        code: CloseCode::Policy,
        name: "policy",
        reason: "invalid message",
        meaning: "a message that the server does not accept; the reason says which part",
        retry: Retry::ThreeTimes,
        client: "retry; final after 3 in a row",
    },
    CloseRow {
        code: CloseCode::TooBig,
        name: "too_big",
        reason: "message too big",
        meaning: "a message above a limit",
        retry: Retry::Always,
        client: "reject the offending publish, retry",
    },
    CloseRow {
        code: CloseCode::ServerError,
        name: "server_error",
        reason: "server error",
        meaning: "the server failed",
        retry: Retry::Always,
        client: "retry",
    },
    CloseRow {
        code: CloseCode::TryAgainLater,
        name: "try_again_later",
        reason: "slow consumer",
        meaning: "the client read too slowly, or the server has no room",
        retry: Retry::Always,
        client: "retry with resume, after 5 s or more",
    },
    CloseRow {
        code: CloseCode::BadRequest,
        name: "bad_request",
        reason: "bad request",
        meaning: "a request that cannot be understood",
        retry: Retry::Never,
        client: "final",
    },
    CloseRow {
        code: CloseCode::AuthRequired,
        name: "auth_required",
        reason: "auth required",
        meaning: "no authentication in time, or the token has expired",
        retry: Retry::NewToken,
        client: "new token once, then final",
    },
    CloseRow {
        code: CloseCode::AuthFailed,
        name: "auth_failed",
        reason: "auth failed",
        meaning: "authentication failed, or forbidden",
        retry: Retry::Never,
        client: "final",
    },
    CloseRow {
        code: CloseCode::Timeout,
        name: "timeout",
        reason: "heartbeat timeout",
        meaning: "no heartbeat, or no greeting, in time",
        retry: Retry::Always,
        client: "retry in the announced window",
    },
    CloseRow {
        code: CloseCode::Replaced,
        name: "replaced",
        reason: "replaced by a newer connection",
        meaning: "a newer connection took this one's place, where a limit says so",
        retry: Retry::Never,
        client: "final",
    },
    CloseRow {
        code: CloseCode::Disconnected,
        name: "disconnected",
        reason: "disconnected by the application",
        meaning: "the application ended the connection",
        retry: Retry::Never,
        client: "as `bye` says, else final",
    },
    CloseRow {
        code: CloseCode::VersionGone,
        name: "version_gone",
        reason: "protocol version no longer served",
        meaning: "the protocol version is no longer served",
        retry: Retry::Never,
        client: "final: upgrade the client",
    },
    CloseRow {
        code: CloseCode::LimitReached,
        name: "limit_reached",
        reason: "limit reached",
        meaning: "a limit is reached",
        retry: Retry::Always,
        client: "retry after the hint",
    },
];

impl CloseCode {
    /// Every code, ascending.
    pub fn all() -> impl Iterator<Item = Self> {
        CLOSE_ROWS.iter().map(|row| row.code)
    }

    /// The number in the close frame.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The name in metrics and logs.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The reason in the close frame when there is nothing more precise to say.
    pub fn reason(self) -> &'static str {
        self.row().reason
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// Whether a client comes back.
    pub fn retry(self) -> Retry {
        self.row().retry
    }

    /// What a client does, for people.
    pub fn client(self) -> &'static str {
        self.row().client
    }

    fn row(self) -> &'static CloseRow {
        CLOSE_ROWS
            .iter()
            .find(|row| row.code == self)
            .expect("every close code has a row, which a test checks")
    }
}

/// Why something was not done while the connection goes on: a closed registry, in the order of its numbers
/// in v2's compact encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Authentication is missing.
    Unauthorized,
    /// Not allowed.
    Forbidden,
    /// Cannot be understood.
    BadRequest,
    /// The application's data is not acceptable.
    InvalidPayload,
    /// Only members may do this.
    NotJoined,
    /// Nobody answers this method.
    UnknownMethod,
    /// Above a size limit.
    TooLarge,
    /// Too often.
    RateLimited,
    /// Too many.
    LimitExceeded,
    /// Contradicts what was there before.
    Conflict,
    /// Took too long.
    Timeout,
    /// Cannot be done at present.
    Unavailable,
    /// Not known to this server or this version.
    Unsupported,
    /// A defect of the server.
    Internal,
}

/// A row of the registry of errors.
#[derive(Debug)]
struct ErrorRow {
    code: ErrorCode,
    name: &'static str,
    meaning: &'static str,
    retryable: bool,
}

const fn error_row(
    code: ErrorCode,
    name: &'static str,
    meaning: &'static str,
    retryable: bool,
) -> ErrorRow {
    ErrorRow {
        code,
        name,
        meaning,
        retryable,
    }
}

const ERROR_ROWS: [ErrorRow; 14] = [
    error_row(
        ErrorCode::Unauthorized,
        "unauthorized",
        "authenticate first",
        false,
    ),
    error_row(
        ErrorCode::Forbidden,
        "forbidden",
        "neither the room's rule nor the token allows it",
        false,
    ),
    error_row(
        ErrorCode::BadRequest,
        "bad_request",
        "the message cannot be understood",
        false,
    ),
    error_row(
        ErrorCode::InvalidPayload,
        "invalid_payload",
        "the data is no JSON value, or too deep",
        false,
    ),
    error_row(
        ErrorCode::NotJoined,
        "not_joined",
        "join the room first",
        false,
    ),
    error_row(
        ErrorCode::UnknownMethod,
        "unknown_method",
        "nobody answers this method",
        false,
    ),
    error_row(
        ErrorCode::TooLarge,
        "too_large",
        "above a size limit",
        false,
    ),
    error_row(
        ErrorCode::RateLimited,
        "rate_limited",
        "too often; wait and send it again",
        true,
    ),
    error_row(
        ErrorCode::LimitExceeded,
        "limit_exceeded",
        "too many; give something up first",
        false,
    ),
    error_row(
        ErrorCode::Conflict,
        "conflict",
        "the same key was used with other content",
        false,
    ),
    error_row(
        ErrorCode::Timeout,
        "timeout",
        "it took too long; it may still happen",
        true,
    ),
    error_row(
        ErrorCode::Unavailable,
        "unavailable",
        "what it needs cannot be reached at present",
        true,
    ),
    error_row(
        ErrorCode::Unsupported,
        "unsupported",
        "this server or this version does not know it",
        false,
    ),
    error_row(
        ErrorCode::Internal,
        "internal",
        "a defect of the server",
        true,
    ),
];

impl ErrorCode {
    /// Every code, in the order of the registry.
    pub fn all() -> impl Iterator<Item = Self> {
        ERROR_ROWS.iter().map(|row| row.code)
    }

    /// The code in messages, metrics and logs.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// Whether the same message may succeed later.
    pub fn retryable(self) -> bool {
        self.row().retryable
    }

    fn row(self) -> &'static ErrorRow {
        ERROR_ROWS
            .iter()
            .find(|row| row.code == self)
            .expect("every error code has a row, which a test checks")
    }
}
