//! From the first byte to the upgrade: TLS where it is spoken, and one HTTP request, within an absolute deadline.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tautline_protocol::wire::{Token, Version};
use tautline_websocket::{Deflate, handshake::accept_key};
use tokio::net::TcpStream;

use super::Worker;
use super::admission::Admitted;
use super::client::Client;
use super::http::{self, Body};
use super::socket::Socket;
use super::tls::Tls;
use crate::cause::{Cause, Refused};

/// A request's head has at most so many bytes.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// A request has at most so many headers.
const HEADERS_MAX: usize = 64;
/// A request's target has at most so many bytes.
const TARGET_BYTES_MAX: usize = 2 * 1024;
/// How long to stay away from a server that is short of memory.
const MEMORY_PAUSE: Duration = Duration::from_secs(5);

/// A connection that may begin.
pub(super) struct Opened {
    pub(super) socket: Socket,
    /// What the client sent behind its request.
    pub(super) early: Bytes,
    pub(super) agreed: Agreed,
}

/// What the handshake settled.
pub(super) struct Agreed {
    pub(super) version: Version,
    pub(super) deflate: Option<Deflate>,
    pub(super) admitted: Admitted,
}

/// Serves the one request of a new socket. None if it was no upgrade, was refused, or came too late.
pub(super) async fn open(worker: &Worker, mut stream: TcpStream, peer: Client) -> Option<Opened> {
    let (client, answered) = (Cell::new(peer), Cell::new(None));
    let opened = async {
        let proxies = &worker.shared.transport.proxies;
        proxies.let_in(peer)?;
        let header = proxies.read_header(peer, &mut stream).await;
        client.set(header.map_err(|error| Cause::Proxy.because(error.to_string()))?);
        let _place = Admitted::begin(worker, client.get())?;
        let socket = secure(worker, stream)
            .await
            .map_err(|error| Cause::Tls.because(error.to_string()))?;
        serve(worker, socket, client.get()).await.map_err(|error| {
            // Then hyper has answered by itself.
            answered.set(error.is_parse().then_some(StatusCode::BAD_REQUEST));
            Cause::Malformed.because(error.to_string())
        })
    };
    let refused =
        match tokio::time::timeout(worker.shared.transport.handshake_timeout, opened).await {
            Ok(Ok(opened)) => return opened,
            Ok(Err(refused)) => refused,
            Err(_) => Cause::TooLate.because("the request was not complete in time"),
        };
    worker
        .shared
        .refused(client.get().address, &refused, answered.get());
    None
}

/// Speaks TLS from here on, if the server has a certificate.
async fn secure(worker: &Worker, stream: TcpStream) -> io::Result<Socket> {
    let Some(certificate) = &worker.shared.certificate else {
        return Ok(Socket::plain(stream));
    };
    let tls = Tls::new(certificate.current()).map_err(io::Error::other)?;
    let mut socket = Socket::secure(stream, tls, Rc::clone(&worker.tls_buffers));
    socket.shake_hands().await?;
    Ok(socket)
}

async fn serve(worker: &Worker, socket: Socket, client: Client) -> hyper::Result<Option<Opened>> {
    let agreed = RefCell::new(None);
    let proxies = &worker.shared.transport.proxies;
    let service = service_fn(|request| {
        let told = proxies.forwarded(client, request.headers());
        let welcome = Admitted::come(worker, client, told);
        let response = match welcome.and_then(|()| respond(worker, told, &request)) {
            Ok(Answer::Upgrade(response, settled)) => {
                agreed.replace(Some(settled));
                response
            }
            Ok(Answer::Plain(response)) => closing(response),
            Err(refused) => {
                let status = Some(refused.problem.status);
                worker.shared.refused(told.address, &refused, status);
                closing(refused.problem.response())
            }
        };
        async move { Ok::<_, Infallible>(response) }
    });
    let parts = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(socket), service)
        .without_shutdown()
        .await?;
    // The socket is taken over whole, and hyper's buffer with it is dropped by the caller.
    let socket = parts.io.into_inner();
    let Some(agreed) = agreed.take() else {
        poll_fn(|context| socket.poll_finish(context)).await;
        return Ok(None);
    };
    Ok(Some(Opened {
        socket,
        early: parts.read_buf,
        agreed,
    }))
}

/// A socket is for one request: nothing behind an answer is read as another one.
fn closing(mut response: Response<Body>) -> Response<Body> {
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

enum Answer {
    Plain(Response<Body>),
    Upgrade(Response<Body>, Agreed),
}

fn respond<B>(worker: &Worker, client: Client, request: &Request<B>) -> Result<Answer, Refused> {
    if request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len())
        > TARGET_BYTES_MAX
    {
        return Err(Cause::TargetTooLong.because("the request's target is above 2048 bytes"));
    }
    if request.uri().query().is_some_and(has_token) {
        return Err(Cause::TokenInUrl.because(
            "proxies and logs keep URLs: send the token in the first message, or in the header Authorization",
        ));
    }
    if !is_upgrade(request.headers()) {
        let pages = worker.shared.transport.pages.as_deref();
        return Ok(Answer::Plain(http::answer(
            request,
            pages,
            worker.is_ready(),
        )));
    }
    if !worker.is_ready() {
        return Err(Cause::Draining.because("the server is going away; connect again"));
    }
    if worker.shared.counts.memory.is_nearly_gone() {
        let detail = "the server is short of memory; connect again later";
        return Err(Cause::Memory.because(detail).retry_after(MEMORY_PAUSE));
    }
    if !matches!(request.uri().path(), "/" | "/ws") {
        return Err(Cause::Path.because("WebSocket connects at / or /ws"));
    }
    let accept = accept(request)?;
    check_origin(worker, request.headers())?;
    upgrade(worker, client, request.headers(), &accept)
}

/// Whether a query has what is, or looks like, a token.
fn has_token(query: &str) -> bool {
    let looks_like_one = |value: &str| value.starts_with("eyJ") && value.matches('.').count() == 2;
    query.split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, pair));
        matches!(name, "token" | "access_token" | "jwt") || looks_like_one(value)
    })
}

/// Settles version, identity and compression.
fn upgrade(
    worker: &Worker,
    client: Client,
    headers: &HeaderMap,
    accept: &str,
) -> Result<Answer, Refused> {
    let offers = list(headers, &header::SEC_WEBSOCKET_PROTOCOL)?;
    let negotiated = Version::negotiate(
        offers
            .split(',')
            .map(str::trim)
            .filter(|offer| !offer.is_empty()),
    )
    .map_err(|error| {
        Cause::Subprotocol
            .because(error.to_string())
            .with("supported", Version::SUBPROTOCOLS.as_slice())
    })?;
    worker
        .shared
        .transport
        .proxies
        .warn_of_unknown(client, headers);
    let admitted = Admitted::new(worker, client)?;
    let token = credential(headers, negotiated.token)?.or(cookie(worker, headers)?);
    let admitted = match token {
        Some(token) => admitted.proved(worker, &token)?,
        None => admitted,
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(header::SEC_WEBSOCKET_ACCEPT, own(accept));
    if let Some(version) = negotiated.echo {
        answer.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(version),
        );
    }
    let mut deflate = None;
    if worker.shared.transport.compress_from.is_some() {
        let extensions = list(headers, &header::SEC_WEBSOCKET_EXTENSIONS)?;
        if let Some((agreed, text)) = Deflate::negotiate([extensions.as_str()]) {
            answer.insert(header::SEC_WEBSOCKET_EXTENSIONS, own(&text));
            deflate = Some(agreed);
        }
    }
    Ok(Answer::Upgrade(
        response,
        Agreed {
            version: negotiated.version,
            deflate,
            admitted,
        },
    ))
}

/// What the client's key is answered with, if the request is a handshake of RFC 6455, section 4.2.1.
fn accept<B>(request: &Request<B>) -> Result<String, Refused> {
    let bad = |detail: &'static str| Cause::Malformed.because(detail);
    if request.method() != Method::GET || request.version() != hyper::Version::HTTP_11 {
        return Err(bad("a WebSocket handshake is a GET of HTTP/1.1"));
    }
    if has_body(request.headers()) {
        return Err(bad("a WebSocket handshake has no body"));
    }
    if only(request.headers(), &header::SEC_WEBSOCKET_VERSION)? != "13" {
        return Err(Cause::WebSocketVersion.because("only version 13 of WebSocket is spoken here"));
    }
    only(request.headers(), &header::HOST)?;
    let key = only(request.headers(), &header::SEC_WEBSOCKET_KEY)?;
    let is_key = key.len() == 24 && key.ends_with("==");
    if !is_key
        || !key
            .bytes()
            .take(22)
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
    {
        return Err(bad("Sec-WebSocket-Key is not 16 bytes in base64"));
    }
    Ok(accept_key(key))
}

/// Whether a body is announced. What one side takes for a body, another would take for the first frames.
fn has_body(headers: &HeaderMap) -> bool {
    let is_long = |length: &HeaderValue| length.as_bytes() != b"0";
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(is_long)
}

fn check_origin(worker: &Worker, headers: &HeaderMap) -> Result<(), Refused> {
    if !headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let (origin, host) = (
        only(headers, &header::ORIGIN)?,
        only(headers, &header::HOST)?,
    );
    if worker.shared.origins.allow(origin, host) {
        return Ok(());
    }
    let detail =
        "pages of this origin may not connect; add it to server.allowed_origins if they should";
    Err(Cause::Origin.because(detail))
}

/// The token of the request: in `Authorization`, or among the subprotocols.
fn credential(headers: &HeaderMap, subprotocol: Option<Token>) -> Result<Option<Token>, Refused> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(subprotocol);
    }
    let bad = |detail: &'static str| Cause::Malformed.because(detail);
    if subprotocol.is_some() {
        return Err(bad(
            "a token is in Authorization and another among the subprotocols; send one",
        ));
    }
    let value = only(headers, &header::AUTHORIZATION)?;
    match value.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() =>
        {
            Ok(Some(Token::new(token.trim())))
        }
        _ => Err(bad("Authorization must be `Bearer <token>`")),
    }
}

/// The token in the cookie that is configured for it. A browser sends its cookies whatever page asks, so only
/// pages of an origin that is allowed are believed.
fn cookie(worker: &Worker, headers: &HeaderMap) -> Result<Option<Token>, Refused> {
    let Some(wanted) = &worker.shared.transport.cookie else {
        return Ok(None);
    };
    let values = headers.get_all(header::COOKIE).iter();
    let pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let token = pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| name == wanted);
    if token.is_some() && !headers.contains_key(header::ORIGIN) {
        let detail = "a cookie proves nothing without the Origin of a page that is allowed";
        return Err(Cause::Origin.because(detail));
    }
    Ok(token.map(|(_, value)| Token::new(value)))
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    let names = |name: &HeaderName, wanted: &str| {
        let values = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|token| token.trim().eq_ignore_ascii_case(wanted))
    };
    names(&header::CONNECTION, "upgrade") && names(&header::UPGRADE, "websocket")
}

/// The value of a header that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Refused> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(value)), None) => Ok(value.trim()),
        _ => {
            Err(Cause::Malformed.because(format!("the header {name} must be there once, in ASCII")))
        }
    }
}

/// The values of a header that is a list, joined.
fn list(headers: &HeaderMap, name: &HeaderName) -> Result<String, Refused> {
    let values: Result<Vec<&str>, _> = headers
        .get_all(name)
        .iter()
        .map(HeaderValue::to_str)
        .collect();
    let ascii = |_| Cause::Malformed.because(format!("the header {name} must be ASCII"));
    values.map(|values| values.join(",")).map_err(ascii)
}

fn own(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("what is answered is made of ASCII letters here")
}
