//! Messages as bytes. The only place where the protocol versions meet.
//!
//! What all members of a room are told is one [`Message`], and [`encode`] makes it into bytes for each [`Version`].
//! What a client says, and what cannot be done ([`Refusal`]), has its words in each version's dialect: [`v1`] makes a
//! [`Command`] of a text, [`v2`] has both ends of its envelope. Nothing here has state, and nothing here knows
//! the sessions.

pub mod code;
mod command;
mod iso_time;
mod json;
mod message;
mod refusal;
mod request_id;
mod token;
pub mod v1;
pub mod v2;
mod version;

pub use code::{CloseCode, ErrorCode, Retry};
pub use command::Command;
pub use message::Message;
pub use refusal::{Answer, Close, Refusal};
pub use request_id::RequestId;
pub use token::Token;
pub use version::{Negotiated, NegotiationError, Version};

/// The deepest nesting of an application's JSON value; a number or an empty string has depth 0.
pub const PAYLOAD_DEPTH_MAX: usize = 32;

/// Why a text of right JSON may not be an application's data; none if it may.
pub fn data_fault(text: &str) -> Option<String> {
    let Err(fault) = json::scan(text, PAYLOAD_DEPTH_MAX) else {
        return json::has_infinity(text).then(|| "has a number that no double can say".to_owned());
    };
    Some(match fault {
        json::Fault::TooDeep => format!("must nest at most {PAYLOAD_DEPTH_MAX} levels"),
        json::Fault::LoneSurrogate => {
            "has a string with half of a surrogate pair as an escape".to_owned()
        }
    })
}

/// What the server says, as the payload of one message; empty if the version has no words for it.
pub fn encode(version: Version, message: &Message<'_>) -> Vec<u8> {
    match version {
        Version::V1 => v1::encode(message),
        Version::V2(encoding) => v2::ServerMessage::told(message)
            .map(|message| v2::Envelope::from(message).encode(encoding))
            .unwrap_or_default(),
    }
}
