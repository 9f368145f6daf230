//! The plain protocol: flat JSON in text frames, for anyone with `new WebSocket(url)`.
//!
//! `protocol/README.md` is its normative text, and `protocol/vectors/v1` shows every row of it.

mod encode;
mod fields;
mod object;
mod parse;
mod publication;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use encode::encode;
pub use parse::parse;

use super::{Answer, Close, CloseCode, ErrorCode, Refusal};
use crate::model::RoomName;

/// How v1 answers a refusal: what a correct program cannot cause ends the connection.
pub fn answer(refusal: &Refusal) -> Answer {
    let close = |code, reason| Answer::Close(Close::with_reason(code, reason));
    let error = |code, message| Answer::Error { code, message };
    match refusal {
        Refusal::Malformed(reason) => close(CloseCode::Policy, reason.clone()),
        // v1 has neither what these are about nor the words for it.
        Refusal::Faulty(_)
        | Refusal::NoHello
        | Refusal::SecondHello
        | Refusal::ListedTwice { .. }
        | Refusal::NoPresence { .. } => Answer::Close(Close::new(CloseCode::Policy)),
        Refusal::TooBig { bytes_max } => {
            let reason = format!("a message must have at most {bytes_max} bytes");
            close(CloseCode::Policy, reason.into())
        }
        Refusal::Binary => Answer::Close(Close::new(CloseCode::UnsupportedData)),
        Refusal::AuthTimeout => Answer::Close(Close::new(CloseCode::AuthRequired)),
        Refusal::NotAuthenticated | Refusal::WrongToken => {
            Answer::Close(Close::new(CloseCode::AuthFailed))
        }
        Refusal::TokenExpired => close(CloseCode::AuthRequired, "token expired".into()),
        Refusal::OtherUser => close(
            CloseCode::AuthFailed,
            "auth failed: this connection belongs to another user; open a new one".into(),
        ),
        Refusal::NotJoined => close(CloseCode::Policy, "join room before chat".into()),
        Refusal::Forbidden { action, room } => error(ErrorCode::Forbidden, forbidden(action, room)),
        Refusal::NoAcks { room } => error(ErrorCode::Unsupported, without_acks(room)),
        Refusal::TooManyRooms { room, rooms_max } => error(
            ErrorCode::LimitExceeded,
            format!(
                "cannot join {room}: this connection is in {rooms_max} rooms, the most allowed; \
                 leave one first"
            )
            .into(),
        ),
        Refusal::TooLarge { room, bytes_max } => error(
            ErrorCode::TooLarge,
            format!("a publication in {room} must have at most {bytes_max} bytes; send less")
                .into(),
        ),
        Refusal::TooManyConnections { connections_max } => close(
            CloseCode::LimitReached,
            format!(
                "limit reached: a user has at most {connections_max} connections; close one first"
            )
            .into(),
        ),
        Refusal::TooOften { what, wait } => error(
            ErrorCode::RateLimited,
            too_often(&format_args!("you {what}"), *wait),
        ),
        Refusal::RoomTooOften { room, wait } => error(
            ErrorCode::RateLimited,
            too_often(&format_args!("{room} is published to"), *wait),
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
        Refusal::UnknownMethod => error(
            ErrorCode::UnknownMethod,
            Cow::Borrowed("nobody answers this method here; check its name"),
        ),
        Refusal::Failed { code, message } => error(*code, message.clone()),
    }
}

fn too_often(what: &dyn fmt::Display, wait: Duration) -> Cow<'static, str> {
    let wait = wait.as_millis() + 1;
    format!("{what} too often; wait {wait} ms and send it again").into()
}

fn without_acks(room: &RoomName) -> Cow<'static, str> {
    format!("{room} asks for acknowledgements, which v1 does not have; join it with v2").into()
}

fn forbidden(action: &str, room: &RoomName) -> Cow<'static, str> {
    format!(
        "you may not {action} {room}: neither the room's rule nor your token allows it; \
         use a token that does"
    )
    .into()
}
