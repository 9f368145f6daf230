//! Who asks: the key in `Authorization`, and whom it names.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tautline_protocol::wire::ErrorCode;

use super::{Api, Refused, refuse};
use crate::cause::Cause;
use crate::lifecycle::{Lifecycle, Observer};

/// The id of the key that a request came with.
#[derive(Debug, Clone)]
pub(super) struct Operator(pub(super) Arc<str>);

/// Who is at the other end of the operators' connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Lets those through who have a key.
pub(crate) async fn authorize(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let peer = request.extensions().get::<Peer>().copied();
    let operator = operator(&api, request.headers()).inspect_err(|refused| {
        if let Some(Peer(from)) = peer {
            api.observer.observe(&Lifecycle::Refused {
                from,
                cause: Cause::OperatorKey,
                status: Some(refused.status()),
                detail: "a request of operators without a key that opens it",
            });
        }
    })?;
    request.extensions_mut().insert(operator);
    Ok(next.run(request).await)
}

fn operator(api: &Api, headers: &HeaderMap) -> Result<Operator, Refused> {
    if api.keys.is_empty() {
        let detail = "no key is configured, so that nobody may ask; make one with `tautline key` and write \
                      its line into admin.keys";
        return Err(refuse(StatusCode::FORBIDDEN, ErrorCode::Forbidden, detail));
    }
    let unauthorized =
        |detail: &str| refuse(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, detail);
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unauthorized(
            "send the header `Authorization: Bearer <key>`, once; `tautline key` makes a key",
        ));
    };
    let key = value.to_str().ok().and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    key.and_then(|key| api.keys.operator(key))
        .map(Operator)
        .ok_or_else(|| unauthorized("this key opens nothing here; its hash must be in admin.keys"))
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let operator = parts.extensions.get::<Self>().cloned();
        operator.ok_or_else(|| {
            let detail = "the server forgot to ask for a key: tell its makers";
            refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                ErrorCode::Internal,
                detail,
            )
        })
    }
}
