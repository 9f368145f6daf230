//! Agreeing on permessage-deflate (RFC 7692, section 7.1).

use std::mem;

use flate2::{Compress, Compression};

use crate::extension::{Extension, Extensions};

const NAME: &str = "permessage-deflate";
const SERVER_NO_CONTEXT: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT: &str = "client_no_context_takeover";
const SERVER_WINDOW: &str = "server_max_window_bits";
const CLIENT_WINDOW: &str = "client_max_window_bits";
const WINDOW_BITS_MIN: u8 = 9;
const WINDOW_BITS_MAX: u8 = 15;

/// Compression as both sides agreed on it. Neither side ever refers to an earlier message, so that a
/// message is compressed once for everybody, and no connection keeps a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deflate {
    /// The window of what the server sends, 9 to 15. Recipients with equal windows share frames.
    window_bits: u8,
}

impl Deflate {
    /// How many window sizes there are.
    pub(crate) const WINDOW_SIZES: usize = (WINDOW_BITS_MAX - WINDOW_BITS_MIN + 1) as usize;

    /// What a client puts into `Sec-WebSocket-Extensions` to offer compression.
    pub const OFFER: &str =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    /// Chooses the first acceptable offer of a client from the values of its
    /// `Sec-WebSocket-Extensions` headers, and says what to answer in that header. `None`: there is
    /// none, the connection goes on without compression.
    ///
    /// Offers with unknown, doubled or malformed parameters are declined, and windows of 8 bits too:
    /// zlib cannot make raw streams with them.
    pub fn negotiate<'h>(offers: impl IntoIterator<Item = &'h str>) -> Option<(Self, String)> {
        offers
            .into_iter()
            .flat_map(Extensions::new)
            .find_map(|offer| Self::accept(&offer))
    }

    /// Reads a server's answer to [`OFFER`](Self::OFFER). `None`: it accepts something that was not
    /// offered, and the client must fail the connection.
    pub fn agreed(answer: &str) -> Option<Self> {
        let mut extensions = Extensions::new(answer);
        let answer = Parameters::read(&extensions.next()?)?;
        let is_only = extensions.next().is_none();
        (is_only && answer.server_no_context && !answer.client_window).then(|| Self {
            window_bits: answer.server_window.unwrap_or(WINDOW_BITS_MAX),
        })
    }

    fn accept(offer: &Extension<'_>) -> Option<(Self, String)> {
        let offer = Parameters::read(offer)?;
        let mut answer = Self::OFFER.to_owned();
        if let Some(bits) = offer.server_window {
            answer = format!("{answer}; {SERVER_WINDOW}={bits}");
        }
        let window_bits = offer.server_window.unwrap_or(WINDOW_BITS_MAX);
        Some((Self { window_bits }, answer))
    }

    pub(crate) fn window_index(self) -> usize {
        usize::from(self.window_bits - WINDOW_BITS_MIN)
    }

    pub(crate) fn context(self, level: Compression) -> Compress {
        Compress::new_with_window_bits(level, false, self.window_bits)
    }
}

/// The parameters of an offer or an answer, each at most once and in range.
#[derive(Default)]
struct Parameters {
    server_no_context: bool,
    client_no_context: bool,
    server_window: Option<u8>,
    /// A client may mention its window with a value or without. Either way it may use any window
    /// that it mentions, since every one can be inflated here.
    client_window: bool,
}

impl Parameters {
    fn read(extension: &Extension<'_>) -> Option<Self> {
        if extension.name != NAME {
            return None;
        }
        let mut read = Self::default();
        for &(name, value) in &extension.parameters {
            let is_new = match (name, value) {
                (SERVER_NO_CONTEXT, None) => !mem::replace(&mut read.server_no_context, true),
                (CLIENT_NO_CONTEXT, None) => !mem::replace(&mut read.client_no_context, true),
                (SERVER_WINDOW, Some(bits)) => {
                    read.server_window.replace(parse_window(bits)?).is_none()
                }
                (CLIENT_WINDOW, None) => !mem::replace(&mut read.client_window, true),
                (CLIENT_WINDOW, Some(bits)) if parse_window(bits).is_some() => {
                    !mem::replace(&mut read.client_window, true)
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(read)
    }
}

/// A decimal without leading zeros, in the range that we support.
fn parse_window(bits: &str) -> Option<u8> {
    (WINDOW_BITS_MIN..=WINDOW_BITS_MAX).find(|candidate| candidate.to_string() == bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(offers: &[&str], expected: Option<(u8, &str)>) {
        let negotiated = Deflate::negotiate(offers.iter().copied());
        let expected = expected.map(|(window_bits, more)| {
            (Deflate { window_bits }, format!("{}{more}", Deflate::OFFER))
        });
        assert_eq!(negotiated, expected, "{offers:?}");
    }

    #[test]
    fn acceptable_offers_are_answered() {
        check(&["permessage-deflate"], Some((15, "")));
        check(
            &["permessage-deflate; client_max_window_bits"],
            Some((15, "")),
        );
        check(
            &["permessage-deflate; client_max_window_bits=9"],
            Some((15, "")),
        );
        check(
            &["permessage-deflate;server_max_window_bits=\"10\";client_no_context_takeover"],
            Some((10, "; server_max_window_bits=10")),
        );
        check(
            &["x-webkit-deflate-frame", "foo; bar, permessage-deflate"],
            Some((15, "")),
        );
    }

    #[test]
    fn unacceptable_offers_are_declined() {
        for parameter in [
            "server_max_window_bits=8",
            "client_max_window_bits=8",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=010",
            "server_max_window_bits=+10",
            "server_max_window_bits=abc",
            "server_max_window_bits=",
            "server_max_window_bits",
            "server_max_window_bits=9; server_max_window_bits=10",
            "client_max_window_bits; client_max_window_bits",
            "server_no_context_takeover=1",
            "client_no_context_takeover; client_no_context_takeover",
            "constructor",
            "",
        ] {
            check(&[&format!("permessage-deflate; {parameter}")], None);
        }
        check(&[], None);
        check(&["", ",", "constructor", "permessage-deflate-2"], None);
    }

    #[test]
    fn a_later_offer_is_the_fall_back() {
        check(
            &[
                "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9",
            ],
            Some((9, "; server_max_window_bits=9")),
        );
        check(
            &["permessage-deflate; \"", "permessage-deflate"],
            Some((15, "")),
        );
    }

    #[test]
    fn a_client_agrees_to_what_it_offered_only() {
        let (deflate, answer) = Deflate::negotiate([Deflate::OFFER]).expect("our own offer");
        assert_eq!(Deflate::agreed(&answer), Some(deflate));
        assert_eq!(Deflate::agreed("permessage-deflate"), None);
        assert_eq!(Deflate::agreed(""), None);
        assert_eq!(
            Deflate::agreed(&format!("{answer}; client_max_window_bits=15")),
            None
        );
        assert_eq!(Deflate::agreed(&format!("{answer}, {answer}")), None);
        assert_eq!(
            Deflate::agreed(&format!("{answer}; server_max_window_bits=16")),
            None
        );
    }
}
