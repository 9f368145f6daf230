//! What is answered when something is not done: problems with a code of the one registry.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tautline_engine::EngineError;
use tautline_protocol::wire::ErrorCode;
use utoipa::{IntoResponses, ToSchema};

use crate::inquiry::Silent;
use crate::problem::Problem;
use crate::terms::{self, NotNow};

/// A problem, as this interface answers it.
#[derive(Debug)]
pub(crate) struct Refused(Problem);

/// A refusal with its code.
pub(crate) fn refuse(status: StatusCode, code: ErrorCode, detail: impl Into<String>) -> Refused {
    Refused(Problem::new(status, detail).with("code", code.name()))
}

/// What was asked for is not there.
pub(super) fn missing(detail: &str) -> Refused {
    Refused(Problem::new(StatusCode::NOT_FOUND, detail))
}

/// A part of the request is wrong; `path` says which.
pub(super) fn wrong(status: StatusCode, path: &str, detail: impl Into<String>) -> Refused {
    let Refused(problem) = refuse(status, ErrorCode::BadRequest, detail);
    Refused(problem.with("path", path))
}

impl Refused {
    pub(super) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The same, with another code.
    pub(super) fn coded(self, code: ErrorCode) -> Self {
        Self(self.0.with("code", code.name()))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0.response().map(Body::new)
    }
}

impl From<EngineError> for Refused {
    fn from(error: EngineError) -> Self {
        let (code, detail) = terms::refusal(&error);
        let status = match error {
            EngineError::Conflict => StatusCode::CONFLICT,
            EngineError::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
            EngineError::Corrupt(_) => StatusCode::INTERNAL_SERVER_ERROR,
            EngineError::Full(_) | EngineError::Stalled(_) | EngineError::Unavailable(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        refuse(status, code, detail)
    }
}

impl From<NotNow> for Refused {
    fn from(not_now: NotNow) -> Self {
        let refused = |status| refuse(status, not_now.code(), not_now.to_string());
        match not_now {
            NotNow::TooOften { wait_ms, .. } => {
                let Self(problem) = refused(StatusCode::TOO_MANY_REQUESTS);
                let problem = problem.retry_after(Duration::from_millis(wait_ms));
                Self(problem.with("retryAfterMs", wait_ms))
            }
            NotNow::Unaudited => refused(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

impl From<Silent> for Refused {
    fn from(silent: Silent) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        refuse(status, ErrorCode::Unavailable, silent.to_string())
    }
}

/// What, why, and what to do (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what `Problem` writes")]
pub(super) struct Described {
    /// The HTTP status.
    status: u16,
    /// The status in words.
    title: String,
    /// What is wrong and what to do, for people.
    detail: String,
    /// Why, for programs: a code of the registry; missing where none fits.
    #[schema(nullable = false)]
    code: Option<String>,
    /// Which parameter or member of the body is wrong, where it is one.
    #[schema(nullable = false)]
    path: Option<String>,
    /// After so many milliseconds it may be asked again, where that is known.
    #[schema(nullable = false, rename = "retryAfterMs")]
    retry_after_ms: Option<u64>,
}

/// The refusals that every route has.
#[derive(IntoResponses)]
#[expect(
    dead_code,
    reason = "describes what `authorize` and its neighbors answer"
)]
pub(super) enum Unauthorized {
    /// The key is missing or wrong.
    #[response(status = 401, content_type = "application/problem+json")]
    NoKey(Described),
    /// The request comes from another web page, names a host that this server is not, or the server has no key at all.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Described),
    /// Anything else that went wrong.
    #[response(status = "default", content_type = "application/problem+json")]
    Other(Described),
}
