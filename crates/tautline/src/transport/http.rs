//! Plain HTTP on the public port: is it up, is it ready, and the pages in development.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::pages::{Found, Page, Pages};
use crate::problem::Problem;

pub(super) type Body = Full<Bytes>;

/// Nothing from elsewhere, nothing inline.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Answers a request that is no upgrade. Without `pages` there are none.
pub(crate) fn answer<B>(
    request: &Request<B>,
    pages: Option<&Pages>,
    ready: bool,
) -> Response<Full<Bytes>> {
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
        path => match pages.and_then(|pages| pages.find(path)) {
            Some(Found::Page(page)) => page_of(page),
            Some(Found::Elsewhere(location)) => moved(location),
            None if path == "/" => text(
                StatusCode::OK,
                "This is a Tautline server. Connect with WebSocket, here or at /ws.\n",
            ),
            None => Problem::new(
                StatusCode::NOT_FOUND,
                "nothing is here; WebSocket connects at / or /ws",
            )
            .response(),
        },
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    content(
        status,
        "text/plain; charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    )
}

fn page_of(page: &Page) -> Response<Full<Bytes>> {
    let mut response = content(StatusCode::OK, page.content_type, page.content.clone());
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    response
}

fn moved(location: &HeaderValue) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::TEMPORARY_REDIRECT, "it is elsewhere\n");
    response
        .headers_mut()
        .insert(header::LOCATION, location.clone());
    response
}

fn content(
    status: StatusCode,
    content_type: &'static str,
    content: Bytes,
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
