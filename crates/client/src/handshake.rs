//! The upgrade to a WebSocket: one HTTP request over a new stream, and what may come back.

use std::pin::pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::response;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tautline_protocol::wire::Version;
use tautline_protocol::wire::v2::Encoding;
use tautline_websocket::handshake::accept_key;
use tokio::select;
use tokio::time::timeout;

use crate::connector::BoxedStream;
use crate::endpoint::Endpoint;
use crate::headers::Headers;
use crate::open_error::{OpenError, UpgradeFault};
use crate::refusal::Refusal;

/// An answer's head has at most so many bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// An answer has at most so many headers.
const HEADERS_MAX: usize = 64;
/// So much is read of what a refusal says.
const PROBLEM_BYTES_MAX: usize = 8 * 1024;
/// How long what a refusal says is waited for. The status is worth more than the words.
const PROBLEM_PATIENCE: Duration = Duration::from_secs(2);

/// A stream over which frames are exchanged from here on.
pub(crate) struct Upgraded {
    pub(crate) stream: BoxedStream,
    /// What the server has sent behind its answer.
    pub(crate) early: Bytes,
}

/// Asks for the upgrade. Dropping the future gives up, and closes the stream.
pub(crate) async fn upgrade(
    stream: BoxedStream,
    endpoint: &Endpoint,
    headers: &Headers,
    encoding: Encoding,
) -> Result<Upgraded, OpenError> {
    let subprotocol = Version::V2(encoding).subprotocol();
    let key = fresh_key()?;
    let request = request(endpoint, headers, subprotocol, &key);
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(no_http)?;
    let mut answer = pin!(async { answer(sender.send_request(request).await?).await });
    let mut connection = pin!(connection.without_shutdown());
    // The connection has to be driven for an answer to come. It hands out the stream only after
    // an upgrade, and may do so before or after the answer is here.
    let mut parts = None;
    let answer = loop {
        select! {
            answer = &mut answer => break answer,
            ended = &mut connection, if parts.is_none() => parts = Some(ended),
        }
    };
    let head = match answer.map_err(no_http)? {
        Answer::Agreed(head) => head,
        Answer::Refused(refusal) => return Err(OpenError::Refused(refusal)),
    };
    check(&head.headers, subprotocol, &key)?;
    let parts = match parts {
        Some(parts) => parts,
        None => connection.await,
    };
    let parts = parts.map_err(no_http)?;
    Ok(Upgraded {
        stream: parts.io.into_inner(),
        early: parts.read_buf,
    })
}

enum Answer {
    Agreed(response::Parts),
    Refused(Refusal),
}

fn request(
    endpoint: &Endpoint,
    headers: &Headers,
    subprotocol: &'static str,
    key: &str,
) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = endpoint
        .target()
        .parse()
        .expect("it was a part of a URI that was parsed");
    let header = |text: &str| -> HeaderValue {
        text.parse()
            .expect("what is made of visible ASCII is a header's value")
    };
    let map = request.headers_mut();
    map.insert(header::HOST, header(endpoint.authority()));
    map.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    map.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    map.insert(
        header::SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    map.insert(header::SEC_WEBSOCKET_KEY, header(key));
    map.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(subprotocol),
    );
    map.extend(
        headers
            .map()
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    request
}

async fn answer(response: Response<Incoming>) -> hyper::Result<Answer> {
    let (head, body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Answer::Agreed(head));
    }
    let body = Limited::new(body, PROBLEM_BYTES_MAX).collect();
    let body = match timeout(PROBLEM_PATIENCE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) | Err(_) => Bytes::new(),
    };
    let refusal = Refusal::new(head.status, &head.headers, &body);
    Ok(Answer::Refused(refusal))
}

fn check(headers: &HeaderMap, subprotocol: &str, key: &str) -> Result<(), UpgradeFault> {
    if !names(headers, &header::UPGRADE, "websocket") {
        return Err(UpgradeFault::Upgrade);
    }
    if !names(headers, &header::CONNECTION, "upgrade") {
        return Err(UpgradeFault::Connection);
    }
    if only(headers, &header::SEC_WEBSOCKET_ACCEPT) != Some(accept_key(key).as_bytes()) {
        return Err(UpgradeFault::Accept);
    }
    if only(headers, &header::SEC_WEBSOCKET_PROTOCOL) != Some(subprotocol.as_bytes()) {
        return Err(UpgradeFault::Subprotocol);
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err(UpgradeFault::Extension);
    }
    Ok(())
}

/// Whether a list among the headers has a name, in whatever case.
fn names(headers: &HeaderMap, list: &HeaderName, name: &str) -> bool {
    headers
        .get_all(list)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(name))
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

fn fresh_key() -> Result<String, OpenError> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).or(Err(OpenError::NoRandomness))?;
    Ok(STANDARD.encode(key))
}

fn no_http(error: hyper::Error) -> OpenError {
    OpenError::Http(Box::new(error))
}
