//! How v2 answers a refusal: with an `error` wherever the connection can go on.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::{Bye, Details, Failure, Words};
use crate::wire::{Close, CloseCode, ErrorCode, Refusal, Retry};

/// What a refusal comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The client is told, and the connection goes on.
    Error(Failure<'static>),
    /// The connection ends.
    Close(Close),
}

/// How a refusal is answered on a connection whose `hello` was accepted.
pub fn answer(refusal: &Refusal) -> Answer {
    let Some((code, message)) = said(refusal) else {
        return Answer::Close(answer_stranger(refusal));
    };
    let path = if let Refusal::Faulty(fault) = refusal {
        Some(&fault.path).filter(|path| !path.is_empty())
    } else {
        None
    };
    let wait = if let Refusal::TooOften { wait, .. } | Refusal::RoomTooOften { wait, .. } = refusal
    {
        Some(milliseconds(*wait))
    } else {
        None
    };
    let room = refusal.room();
    Answer::Error(Failure {
        code,
        message: Words::from(message),
        retryable: code.retryable(),
        retry_after_ms: wait,
        details: (path.is_some() || room.is_some()).then(|| Details {
            path: path.map(|path| Words::from(Cow::Owned(path.clone()))),
            room: room.cloned(),
        }),
    })
}

/// What is said of a refusal that a connection survives.
fn said(refusal: &Refusal) -> Option<(ErrorCode, Cow<'static, str>)> {
    Some(match refusal {
        Refusal::Faulty(fault) => (fault.code(), fault.to_string().into()),
        Refusal::Malformed(reason) => (ErrorCode::BadRequest, reason.clone()),
        Refusal::SecondHello => (
            ErrorCode::BadRequest,
            "hello was said before; say join, leave and refresh instead".into(),
        ),
        Refusal::ListedTwice { .. } => (
            ErrorCode::BadRequest,
            "the room is listed twice; list it once".into(),
        ),
        Refusal::WrongToken | Refusal::TokenExpired => (
            ErrorCode::Unauthorized,
            "the token is wrong or has expired; the one before holds until it ends".into(),
        ),
        Refusal::OtherUser => (
            ErrorCode::Forbidden,
            "the token is another user's; open another connection for it".into(),
        ),
        Refusal::Forbidden { action, room } => {
            let reason = format!(
                "you may not {action} {room}: neither the room's rule nor your token allows it; \
                 use a token that does"
            );
            (ErrorCode::Forbidden, reason.into())
        }
        Refusal::NotJoined => (
            ErrorCode::NotJoined,
            "only members may do this; join the room first".into(),
        ),
        Refusal::NoPresence { room } => {
            let reason = format!("{room} announces nobody; do without, or have its rule changed");
            (ErrorCode::Unsupported, reason.into())
        }
        Refusal::TooManyRooms { room, rooms_max } => {
            let reason = format!(
                "cannot join {room}: this connection is in {rooms_max} rooms, the most allowed; \
                 leave one first"
            );
            (ErrorCode::LimitExceeded, reason.into())
        }
        Refusal::TooLarge { room, bytes_max } => {
            let reason = format!("data in {room} must have at most {bytes_max} bytes; send less");
            (ErrorCode::TooLarge, reason.into())
        }
        Refusal::TooOften { what, wait } => too_often(&format_args!("you {what}"), *wait),
        Refusal::RoomTooOften { room, wait } => {
            too_often(&format_args!("{room} is published to"), *wait)
        }
        Refusal::UnknownMethod => (
            ErrorCode::UnknownMethod,
            "nobody answers this method here; check its name".into(),
        ),
        Refusal::Failed { code, message } => (*code, message.clone()),
        Refusal::NoAcks { .. }
        | Refusal::TooBig { .. }
        | Refusal::Binary
        | Refusal::AuthTimeout
        | Refusal::NotAuthenticated
        | Refusal::NoHello
        | Refusal::TooManyConnections { .. }
        | Refusal::RefusedTooOften
        | Refusal::TooManyControls
        | Refusal::Unfinished => return None,
    })
}

fn too_often(what: &dyn fmt::Display, wait: Duration) -> (ErrorCode, Cow<'static, str>) {
    let wait = milliseconds(wait);
    let reason = format!("{what} too often; wait {wait} ms and send it again");
    (ErrorCode::RateLimited, reason.into())
}

/// How a refusal is answered on a connection whose `hello` was not accepted: whatever it is ends it.
pub fn answer_stranger(refusal: &Refusal) -> Close {
    let close = |code, reason: Cow<'static, str>| Close::with_reason(code, reason);
    match refusal {
        Refusal::TooBig { bytes_max } => close(
            CloseCode::TooBig,
            format!("message too big: it must have at most {bytes_max} bytes").into(),
        ),
        Refusal::Binary => close(
            CloseCode::UnsupportedData,
            "wrong kind of frame: JSON goes in text, MessagePack in binary".into(),
        ),
        Refusal::AuthTimeout => close(CloseCode::Timeout, "no hello in time".into()),
        Refusal::NotAuthenticated => Close::new(CloseCode::AuthRequired),
        Refusal::TokenExpired => close(CloseCode::AuthRequired, "token expired".into()),
        Refusal::WrongToken => Close::new(CloseCode::AuthFailed),
        Refusal::OtherUser => close(
            CloseCode::AuthFailed,
            "auth failed: the handshake has proved another user".into(),
        ),
        Refusal::NoHello => close(
            CloseCode::BadRequest,
            "bad request: the first message must be hello".into(),
        ),
        Refusal::TooManyConnections { connections_max } => close(
            CloseCode::LimitReached,
            format!(
                "limit reached: a user has at most {connections_max} connections; close one first"
            )
            .into(),
        ),
        Refusal::RefusedTooOften => close(
            CloseCode::LimitReached,
            "limit reached: too many messages were refused; heed the errors".into(),
        ),
        Refusal::TooManyControls => close(CloseCode::Policy, "too many control frames".into()),
        Refusal::Unfinished => close(
            CloseCode::Policy,
            "a message was not finished in time".into(),
        ),
        Refusal::Faulty(_)
        | Refusal::Malformed(_)
        | Refusal::SecondHello
        | Refusal::ListedTwice { .. }
        | Refusal::Forbidden { .. }
        | Refusal::NotJoined
        | Refusal::NoPresence { .. }
        | Refusal::NoAcks { .. }
        | Refusal::TooManyRooms { .. }
        | Refusal::TooLarge { .. }
        | Refusal::TooOften { .. }
        | Refusal::RoomTooOften { .. }
        | Refusal::UnknownMethod
        | Refusal::Failed { .. } => {
            let reason = said(refusal).map_or(Cow::Borrowed(""), |(_, message)| message);
            close(
                CloseCode::BadRequest,
                format!("bad request: {reason}").into(),
            )
        }
    }
}

/// The word that comes before a close, with the earliest time to come back where there is one.
pub fn bye(code: CloseCode, after: Option<Duration>) -> Bye {
    Bye {
        code,
        retry: code.retry() != Retry::Never,
        after_ms: after.map(milliseconds),
    }
}

/// Rounded up, so that nobody comes too early.
fn milliseconds(span: Duration) -> u64 {
    let begun = span.saturating_add(Duration::from_nanos(999_999));
    u64::try_from(begun.as_millis()).unwrap_or(u64::MAX)
}
