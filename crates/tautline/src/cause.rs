//! Why handshakes are refused, and with which status.

use std::borrow::Cow;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;

use crate::problem::Problem;

/// Why a handshake was refused: what it is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    /// It is no handshake of RFC 6455, or no HTTP at all.
    Malformed,
    /// TLS was not agreed on.
    Tls,
    /// Its target is too long.
    TargetTooLong,
    /// Nothing connects at this path.
    Path,
    /// It is for another version of WebSocket.
    WebSocketVersion,
    /// It offers only protocol versions that are not spoken here.
    Subprotocol,
    /// Pages of its origin may not connect.
    Origin,
    /// Its token proves nobody.
    Token,
    /// It was not complete in time.
    TooLate,
    /// A trusted proxy does not say, in the PROXY protocol, whom it speaks for.
    Proxy,
    /// It comes from beyond this machine, and not through the proxy that speaks TLS.
    Bypass,
    /// Its URL has a token.
    TokenInUrl,
    /// It is for operators, and has no key of theirs.
    OperatorKey,
    /// So many handshakes go on already.
    Handshakes,
    /// So many handshakes from its address go on already.
    AddressHandshakes,
    /// Its address begins connections too often.
    AddressConnects,
    /// Its address has as many connections as allowed.
    AddressConnections,
    /// Its address has presented too many wrong tokens.
    AddressFailures,
    /// Its user has as many connections as allowed.
    UserConnections,
    /// More connections come than the server takes in at once.
    AcceptRate,
    /// The server has as many connections as allowed.
    Full,
    /// So much waits for everyone that nobody new is let in.
    Memory,
    /// The server goes away.
    Draining,
}

impl Cause {
    /// The status of the answer, if there is one.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Malformed
            | Self::Tls
            | Self::Proxy
            | Self::Bypass
            | Self::TokenInUrl
            | Self::Subprotocol => StatusCode::BAD_REQUEST,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::Path => StatusCode::NOT_FOUND,
            Self::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Token | Self::OperatorKey => StatusCode::UNAUTHORIZED,
            Self::TooLate => StatusCode::REQUEST_TIMEOUT,
            Self::AddressHandshakes
            | Self::AddressConnects
            | Self::AddressConnections
            | Self::AddressFailures
            | Self::UserConnections => StatusCode::TOO_MANY_REQUESTS,
            Self::Handshakes | Self::AcceptRate | Self::Full | Self::Memory | Self::Draining => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The name in metrics, logs and audit rows.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Tls => "tls",
            Self::TargetTooLong => "target_too_long",
            Self::Path => "path",
            Self::WebSocketVersion => "websocket_version",
            Self::Subprotocol => "subprotocol",
            Self::Origin => "origin",
            Self::Token => "token",
            Self::TooLate => "too_late",
            Self::Proxy => "proxy",
            Self::OperatorKey => "operator_key",
            Self::Bypass => "bypass",
            Self::TokenInUrl => "token_in_url",
            Self::Handshakes => "handshakes",
            Self::AddressHandshakes => "address_handshakes",
            Self::AddressConnects => "address_connects",
            Self::AddressConnections => "address_connections",
            Self::AddressFailures => "address_failures",
            Self::UserConnections => "user_connections",
            Self::AcceptRate => "accept_rate",
            Self::Full => "full",
            Self::Memory => "memory",
            Self::Draining => "draining",
        }
    }

    /// A refusal for this cause, in words.
    pub(crate) fn because(self, detail: impl Into<Cow<'static, str>>) -> Refused {
        let problem = Problem::new(self.status(), detail.into());
        Refused {
            cause: self,
            problem,
        }
    }
}

/// A handshake is refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) cause: Cause,
    pub(crate) problem: Problem,
}

impl Refused {
    /// The same, with one more member in the body.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.problem = self.problem.with(name, value);
        self
    }

    /// The same, and when to come back.
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.problem = self.problem.retry_after(wait);
        self
    }
}
