//! Which protocol a connection speaks, settled in the handshake.

use super::Token;
use super::v2::Encoding;

/// A protocol version. Later versions are greater, and greater is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// The plain protocol: flat JSON in text frames.
    V1,
    /// The typed envelope.
    V2(Encoding),
}

/// What a handshake settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// The version that is spoken.
    pub version: Version,
    /// The subprotocol to answer with; none if the client named no version.
    pub echo: Option<&'static str>,
    /// The credential that came among the subprotocols.
    pub token: Option<Token>,
}

/// Why a handshake with these subprotocols is refused with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NegotiationError {
    /// The client offers versions, and none is known here.
    #[error("none of the offered subprotocols is known; offer one of: {}", supported.join(", "))]
    Unsupported {
        /// What could be offered.
        supported: &'static [&'static str],
    },
    /// `bearer.` with nothing behind it.
    #[error("the subprotocol `bearer.` has no token behind the dot; put the token there")]
    EmptyToken,
    /// More than one `bearer.<token>`: which one counts would be a guess.
    #[error("more than one `bearer.` subprotocol is offered; offer one token")]
    SeveralTokens,
}

impl Version {
    /// Every version, the best first.
    pub const ALL: [Self; 3] = [
        Self::V2(Encoding::MessagePack),
        Self::V2(Encoding::Json),
        Self::V1,
    ];
    /// The subprotocols of all versions, the best first.
    pub const SUBPROTOCOLS: [&'static str; 3] = [
        "tautline.v2.msgpack",
        "tautline.v2.json",
        "tautline.v1.json",
    ];
    /// What a subprotocol begins with that is a credential instead of a version.
    const BEARER: &'static str = "bearer.";

    /// The name of this version in `Sec-WebSocket-Protocol`.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::V1 => "tautline.v1.json",
            Self::V2(Encoding::Json) => "tautline.v2.json",
            Self::V2(Encoding::MessagePack) => "tautline.v2.msgpack",
        }
    }

    /// Settles the version from the offered subprotocols, each one name without spaces around it.
    ///
    /// Without any version among them it is v1, and nothing is echoed.
    pub fn negotiate<'a>(
        offers: impl IntoIterator<Item = &'a str>,
    ) -> Result<Negotiated, NegotiationError> {
        let mut token = None;
        let mut best: Option<Self> = None;
        let mut names_versions = false;
        for offer in offers {
            if let Some(secret) = offer.strip_prefix(Self::BEARER) {
                if secret.is_empty() {
                    return Err(NegotiationError::EmptyToken);
                }
                if token.replace(Token::new(secret)).is_some() {
                    return Err(NegotiationError::SeveralTokens);
                }
            } else {
                names_versions = true;
                let known = Self::ALL.into_iter().find(|v| v.subprotocol() == offer);
                best = best.max(known);
            }
        }
        if names_versions && best.is_none() {
            return Err(NegotiationError::Unsupported {
                supported: &Self::SUBPROTOCOLS,
            });
        }
        Ok(Negotiated {
            version: best.unwrap_or(Self::V1),
            echo: best.map(Self::subprotocol),
            token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(offers: &[&str]) -> Negotiated {
        Version::negotiate(offers.iter().copied()).unwrap()
    }

    fn refused(offers: &[&str]) -> NegotiationError {
        Version::negotiate(offers.iter().copied()).unwrap_err()
    }

    #[test]
    fn no_offer_is_v1_and_nothing_is_echoed() {
        let plain = settled(&[]);
        assert_eq!((plain.version, plain.echo), (Version::V1, None));
        assert_eq!(plain.token, None);
    }

    #[test]
    fn the_known_version_is_echoed_among_unknown_ones() {
        let v1 = settled(&["mqtt", "tautline.v1.json", "tautline.v9.json"]);
        assert_eq!(v1.echo, Some("tautline.v1.json"));
    }

    #[test]
    fn the_best_of_several_is_settled() {
        for (offers, best) in [
            (
                &["tautline.v1.json", "tautline.v2.json"][..],
                Version::V2(Encoding::Json),
            ),
            (
                &["tautline.v2.msgpack", "tautline.v2.json"],
                Version::V2(Encoding::MessagePack),
            ),
            (&["tautline.v1.json", "tautline.v3.json"], Version::V1),
        ] {
            let settled = settled(offers);
            assert_eq!(settled.version, best);
            assert_eq!(settled.echo, Some(best.subprotocol()));
        }
    }

    #[test]
    fn unknown_versions_alone_are_refused_with_the_supported_ones() {
        for offers in [
            &["mqtt"][..],
            &["TAUTLINE.V1.JSON"],
            &["bearer.secret123", "mqtt"],
        ] {
            let error = refused(offers);
            assert_eq!(
                error,
                NegotiationError::Unsupported {
                    supported: &Version::SUBPROTOCOLS
                }
            );
            assert!(error.to_string().ends_with("tautline.v1.json"));
        }
    }

    #[test]
    fn a_bearer_is_a_credential_and_is_never_echoed() {
        let both = settled(&["bearer.secret.123", "tautline.v1.json"]);
        assert_eq!(both.echo, Some("tautline.v1.json"));
        assert_eq!(both.token.unwrap().expose(), "secret.123");
        let alone = settled(&["bearer.secret.123"]);
        assert_eq!((alone.version, alone.echo), (Version::V1, None));
        assert!(alone.token.is_some());
    }

    #[test]
    fn an_empty_or_a_second_bearer_is_refused() {
        assert_eq!(refused(&["bearer."]), NegotiationError::EmptyToken);
        assert_eq!(
            refused(&["tautline.v1.json", "bearer."]),
            NegotiationError::EmptyToken
        );
        assert_eq!(
            refused(&["bearer.a", "bearer.b"]),
            NegotiationError::SeveralTokens
        );
    }

    #[test]
    fn the_list_of_subprotocols_names_every_version() {
        assert_eq!(
            Version::ALL.map(Version::subprotocol),
            Version::SUBPROTOCOLS
        );
    }
}
