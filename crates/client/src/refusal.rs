//! What a server says that lets nobody in.

use std::fmt;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{self, HeaderMap};
use serde_json::Value;

/// An answer to the handshake other than 101, with what it says of the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The status: 401 for a wrong token, 503 while a server goes away, and so on.
    pub status: u16,
    /// How long to stay away (`Retry-After`).
    pub retry_after: Option<Duration>,
    /// What is wrong, in a few words of the server's.
    pub title: Option<String>,
    /// Why, and what to do.
    pub detail: Option<String>,
}

impl Refusal {
    /// Reads a refusal; `body` may be anything, and what is no problem says nothing.
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut text = |name| match body.get_mut(name).map(Value::take) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        Self {
            status: status.as_u16(),
            retry_after: retry_after(headers),
            title: text("title"),
            detail: text("detail"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for text in [&self.title, &self.detail].into_iter().flatten() {
            write!(f, ": {}", text.escape_debug())?;
        }
        Ok(())
    }
}

/// `Retry-After` in seconds. Its other form, a date, would need a clock that is right.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(value.parse().unwrap_or(u32::MAX).into()))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds() {
        for (value, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("99999999999999999999999", Some(u32::MAX.into())),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
            assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs));
        }
    }

    #[test]
    fn a_body_that_is_no_problem_says_nothing() {
        for body in ["", "<html>", "[]", "7", r#"{"title":7,"detail":null}"#] {
            let refusal = Refusal::new(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body.as_bytes());
            assert_eq!(refusal.to_string(), "502");
        }
    }

    #[test]
    fn what_a_server_says_cannot_break_a_line() {
        let body = br#"{"title":"Unauthorized","detail":"a\nb"}"#;
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, &HeaderMap::new(), body);
        assert_eq!(refusal.to_string(), r"401: Unauthorized: a\nb");
        assert_eq!(refusal.detail.as_deref(), Some("a\nb"));
    }
}
