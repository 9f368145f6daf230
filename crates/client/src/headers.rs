//! What a client adds to the handshake.

use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};

/// A handshake has at most so many headers of the application's: the server takes 64, and some are the handshake's own.
const HEADERS_MAX: usize = 32;
/// The names that the handshake writes itself.
const OWN: [HeaderName; 6] = [
    header::HOST,
    header::CONNECTION,
    header::UPGRADE,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
];
/// What the names begin with that belong to the WebSocket.
const OWN_PREFIX: &str = "sec-websocket-";

/// Headers of the application's in the handshake, for instance `User-Agent` or `Cookie`. Their values get into
/// no log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(HeaderMap);

/// Why a header cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is none.
    #[error(
        "the header's name is empty or has a character that names have not: use letters, digits and -"
    )]
    Name,
    /// The value has a control character, for instance a line break.
    #[error("the header's value has a control character: write it in one line")]
    Value,
    /// The handshake writes this one itself.
    #[error("the header belongs to the handshake, which writes it itself: leave it out")]
    Own,
    /// There are as many as a handshake may have.
    #[error(
        "the handshake has {HEADERS_MAX} headers already, and servers take few: leave some out"
    )]
    TooMany,
}

impl Headers {
    /// Adds a header. One that is there already stays, and both are sent.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let name: HeaderName = name.parse().or(Err(HeaderError::Name))?;
        let mut value: HeaderValue = value.parse().or(Err(HeaderError::Value))?;
        if OWN.contains(&name) || name.as_str().starts_with(OWN_PREFIX) {
            return Err(HeaderError::Own);
        }
        if self.0.len() >= HEADERS_MAX {
            return Err(HeaderError::TooMany);
        }
        value.set_sensitive(true);
        self.0.append(name, value);
        Ok(())
    }

    pub(crate) fn map(&self) -> &HeaderMap {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_get_into_no_log() {
        let mut headers = Headers::default();
        headers.add("Cookie", "session=hidden").unwrap();
        assert!(!format!("{headers:?}").contains("hidden"));
    }

    #[test]
    fn what_the_handshake_says_itself_is_refused() {
        let mut headers = Headers::default();
        for (name, value, wrong) in [
            ("Host", "a.test", HeaderError::Own),
            ("sec-websocket-KEY", "a", HeaderError::Own),
            ("Sec-WebSocket-Extensions", "a", HeaderError::Own),
            ("upgrade", "h2c", HeaderError::Own),
            ("", "a", HeaderError::Name),
            ("a b", "a", HeaderError::Name),
            ("x-a", "a\r\nx-b: b", HeaderError::Value),
        ] {
            assert_eq!(headers.add(name, value), Err(wrong), "{name}");
        }
        for _ in 0..HEADERS_MAX {
            headers.add("x-a", "a").unwrap();
        }
        assert_eq!(headers.add("x-a", "a"), Err(HeaderError::TooMany));
    }
}
