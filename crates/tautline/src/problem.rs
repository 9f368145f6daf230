//! What is wrong with an HTTP request, as `application/problem+json` (RFC 9457).

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};

/// A refusal: what, why, and what to do.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) detail: String,
    /// More members of the body.
    pub(crate) more: Map<String, Value>,
    /// When to come back, in seconds.
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            more: Map::new(),
            retry_after: None,
        }
    }

    /// The same, with one more member in the body.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The same, and when to come back: never too early.
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait.as_secs() + 1);
        self
    }

    /// The answer, after which the connection is closed.
    pub(crate) fn response(self) -> Response<Full<Bytes>> {
        let mut body = self.more;
        body.insert("status".to_owned(), self.status.as_u16().into());
        body.insert(
            "title".to_owned(),
            self.status.canonical_reason().unwrap_or("Refused").into(),
        );
        body.insert("detail".to_owned(), self.detail.into());
        let mut response = Response::new(Full::from(Value::Object(body).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        // RFC 9110, section 15.5.2: how to authenticate.
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // RFC 6455, section 4.4, and RFC 9110, section 15.5.22: to what, and to which version.
        if self.status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(
                header::SEC_WEBSOCKET_VERSION,
                HeaderValue::from_static("13"),
            );
        }
        response
    }
}
