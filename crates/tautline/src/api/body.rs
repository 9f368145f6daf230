//! The body of a request: bounded in size and time, one JSON object, each member checked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::value::RawValue;
use tautline_protocol::wire::ErrorCode;
use tokio::time::timeout;

use super::Refused;
use super::refusal::{refuse, wrong};

/// How large a body may be, and how long it may take to come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub(crate) bytes_max: usize,
    pub(crate) within: Duration,
}

/// Reads a JSON text.
pub(super) async fn read(request: Request, limits: BodyLimits) -> Result<Bytes, Refused> {
    let BodyLimits { bytes_max, within } = limits;
    if !is_json(request.headers()) {
        return Err(refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::Unsupported,
            "send JSON, and say so: `Content-Type: application/json`",
        ));
    }
    let body = Limited::new(request.into_body(), bytes_max).collect();
    let body = timeout(within, body).await.map_err(|_elapsed| {
        let detail = "the body did not come in time";
        refuse(StatusCode::REQUEST_TIMEOUT, ErrorCode::Timeout, detail)
    })?;
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::TooLarge,
            format!("the body is above {bytes_max} bytes (limits.message)"),
        )),
        Err(_) => Err(refuse(
            StatusCode::BAD_REQUEST,
            ErrorCode::BadRequest,
            "the body ended before it was complete",
        )),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// The members of an object, unread.
#[derive(Debug)]
pub(super) struct Members<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Members<'a> {
    /// Takes a body apart. A member that nobody knows is a mistake, most likely in its name.
    pub(super) fn read(body: &'a [u8], known: &[&str]) -> Result<Self, Refused> {
        let bad = |detail| refuse(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, detail);
        let text = std::str::from_utf8(body).map_err(|_utf8| bad("the body is not UTF-8"))?;
        let value: &RawValue =
            serde_json::from_str(text).map_err(|_json| bad("the body is no JSON"))?;
        let members: BTreeMap<_, _> = serde_json::from_str(value.get())
            .map_err(|_array| bad("the body must be a JSON object"))?;
        let unknown = members
            .keys()
            .find(|name: &&Cow<'_, str>| !known.contains(&&***name));
        if let Some(name) = unknown {
            let detail = format!("there is no such member; known are {}", known.join(", "));
            return Err(wrong(StatusCode::UNPROCESSABLE_ENTITY, name, detail));
        }
        Ok(Self(members))
    }

    /// A member's JSON, where it is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let value = self.0.get(name).copied();
        value.filter(|value| value.get() != "null")
    }

    /// A member's JSON, null included.
    pub(super) fn required(&self, name: &str) -> Result<&'a RawValue, Refused> {
        let missing = || unprocessable(name, "is missing");
        self.0.get(name).copied().ok_or_else(missing)
    }

    /// A member that is a text of 1 to `bytes_max` bytes, where it is there.
    pub(super) fn text(
        &self,
        name: &str,
        bytes_max: usize,
    ) -> Result<Option<Cow<'a, str>>, Refused> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let text: Option<Cow<'_, str>> = serde_json::from_str::<String>(value.get())
            .ok()
            .map(Cow::Owned);
        let text = text.filter(|text| (1..=bytes_max).contains(&text.len()));
        text.map(Some).ok_or_else(|| {
            let detail = format!("must be a text of 1 to {bytes_max} bytes");
            unprocessable(name, &detail)
        })
    }
}

/// A member of the body is wrong.
pub(super) fn unprocessable(name: &str, detail: &str) -> Refused {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    wrong(status, name, format!("{name} {detail}"))
}
