//! Plain HTTP on the public port: is it up, is it ready, and the page in development.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::config::Mode;
use crate::page;
use crate::problem::Problem;

pub(super) type Body = Full<Bytes>;

/// Answers a request that is no upgrade.
pub(crate) fn answer<B>(request: &Request<B>, mode: Mode, ready: bool) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response =
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here").response();
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/health" => text(StatusCode::OK, "ok\n"),
        "/ready" if ready => text(StatusCode::OK, "ready\n"),
        "/ready" => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        path => match page::file(path) {
            Some(file) if mode == Mode::Development => page_file(file),
            _ if path == "/" => text(
                StatusCode::OK,
                "This is a Tautline server. Connect with WebSocket, here or at /ws.\n",
            ),
            _ => Problem::new(
                StatusCode::NOT_FOUND,
                "nothing is here; WebSocket connects at / or /ws",
            )
            .response(),
        },
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    content(status, "text/plain; charset=utf-8", text)
}

fn page_file(file: &'static page::File) -> Response<Full<Bytes>> {
    let mut response = content(StatusCode::OK, file.content_type, file.content);
    let policy = HeaderValue::from_static(page::CONTENT_SECURITY_POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn content(
    status: StatusCode,
    content_type: &'static str,
    content: &'static str,
) -> Response<Full<Bytes>> {
    const NOSNIFF: (HeaderName, HeaderValue) = (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let mut response = Response::new(Full::from(content));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    response
}
