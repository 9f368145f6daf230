//! JSON Web Tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, TokenData, Validation};
use serde::Deserialize;
use tautline_protocol::model::{Action, Grant, Identity, Pattern, Timestamp};
use tautline_protocol::server::Denied;
use tautline_protocol::wire::Token;

use crate::cli::TokenArguments;
use crate::config;

/// Longer tokens are not looked at.
const TOKEN_BYTES_MAX: usize = 4096;

/// Clocks may differ by this much.
const LEEWAY_SECS: u64 = 10;

/// Verifies tokens of one key and one algorithm.
pub(crate) struct Jwt {
    key: DecodingKey,
    validation: Validation,
    /// The longest that a token may be good for.
    lifetime: Duration,
}

/// What a token says. Other claims are nobody's business here.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    name: Option<String>,
    #[serde(default)]
    rooms: BTreeMap<String, Vec<String>>,
}

impl Jwt {
    /// Tokens signed with HMAC-SHA-256 and this secret.
    pub(super) fn hs256(secret: &[u8], asked: &config::Claims) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECS;
        validation.validate_nbf = true;
        validation.validate_aud = asked.audience.is_some();
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = &asked.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &asked.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        Self {
            key: DecodingKey::from_secret(secret),
            validation,
            lifetime: asked.lifetime,
        }
    }

    /// Whom the token proves.
    pub(super) fn verify(&self, token: &Token) -> Result<Identity, Denied> {
        let text = token.expose();
        if text.len() > TOKEN_BYTES_MAX {
            return Err(Denied::Wrong);
        }
        let TokenData { header, claims } =
            jsonwebtoken::decode::<Claims>(text, &self.key, &self.validation).map_err(|error| {
                let has_expired = matches!(error.kind(), ErrorKind::ExpiredSignature);
                if has_expired {
                    Denied::Expired
                } else {
                    Denied::Wrong
                }
            })?;
        if asks_for_more(&header) {
            return Err(Denied::Wrong);
        }
        let longest = self.lifetime.as_secs().saturating_add(LEEWAY_SECS);
        let latest = jsonwebtoken::get_current_timestamp().saturating_add(longest);
        if claims.exp > latest {
            tracing::debug!("a token is good for longer than auth.token_lifetime");
            return Err(Denied::Wrong);
        }
        if claims.sub.is_empty() {
            return Err(Denied::Wrong);
        }
        let user: Arc<str> = claims.sub.into();
        let name = claims.name.map_or_else(|| Arc::clone(&user), Arc::from);
        // As long as it would be accepted anew.
        let end = claims.exp.saturating_add(LEEWAY_SECS);
        let expires_at = Some(Timestamp(end.saturating_mul(1000)));
        Ok(Identity {
            user,
            name,
            expires_at,
            grants: grants(&claims.rooms)?,
        })
    }
}

/// Whether a token brings keys of its own, or demands what is not understood here.
fn asks_for_more(header: &Header) -> bool {
    let brings_keys = header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some();
    brings_keys || header.crit.is_some()
}

/// A token as the arguments say, signed with HMAC-SHA-256. Only what [`Jwt::verify`] accepts is signed.
pub(crate) fn sign(
    arguments: &TokenArguments,
    secret: &[u8],
    asked: &config::Claims,
) -> Result<String, String> {
    if arguments.ttl > asked.lifetime {
        let longest = humantime::format_duration(asked.lifetime);
        return Err(format!(
            "--ttl {}: the server refuses tokens that are good for longer than {longest}; \
             ask for less, or raise auth.token_lifetime",
            humantime::format_duration(arguments.ttl)
        ));
    }
    let rooms = arguments.room.iter();
    let rooms: BTreeMap<String, Vec<String>> = rooms
        .map(|room| (room.clone(), arguments.can.clone()))
        .collect();
    if grants(&rooms).is_err() {
        return Err(format!(
            "--room {:?} --can {:?}: a pattern is a room's name with a * at its end or none; \
             actions are join, publish, cast, history, presence, members",
            arguments.room, arguments.can
        ));
    }
    let mut claims = serde_json::json!({
        "sub": arguments.user,
        "name": arguments.name.as_ref().unwrap_or(&arguments.user),
        "exp": jsonwebtoken::get_current_timestamp() + arguments.ttl.as_secs(),
        "rooms": rooms,
    });
    for (name, value) in [("iss", &asked.issuer), ("aud", &asked.audience)] {
        if let (Some(claims), Some(value)) = (claims.as_object_mut(), value) {
            claims.insert(name.to_owned(), value.as_str().into());
        }
    }
    jsonwebtoken::encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(secret),
    )
    .map_err(|error| error.to_string())
}

/// A grant that cannot be understood makes the token wrong: less than it says would surprise its
/// issuer, more would be worse.
fn grants(rooms: &BTreeMap<String, Vec<String>>) -> Result<Arc<[Grant]>, Denied> {
    let grant = |(pattern, actions): (&String, &Vec<String>)| {
        let rooms = Pattern::parse(pattern)?;
        let actions = actions
            .iter()
            .map(|name| Action::parse(name))
            .collect::<Option<_>>()?;
        Some(Grant { rooms, actions })
    };
    rooms
        .iter()
        .map(grant)
        .collect::<Option<_>>()
        .ok_or(Denied::Wrong)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::encode;
    use serde_json::{Value, json};
    use tautline_protocol::model::RoomName;

    use super::*;

    const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";
    /// The year 2100.
    const FUTURE: u64 = 4_102_444_800;

    fn asked() -> config::Claims {
        config::Claims {
            lifetime: Duration::MAX,
            ..config::Claims::default()
        }
    }

    fn jwt(asked: &config::Claims) -> Jwt {
        Jwt::hs256(SECRET, asked)
    }

    fn verify(algorithm: Algorithm, secret: &[u8], claims: &Value) -> Result<Identity, Denied> {
        let token = encode(
            &Header::new(algorithm),
            claims,
            &EncodingKey::from_secret(secret),
        )
        .unwrap();
        jwt(&asked()).verify(&Token::new(&token))
    }

    #[test]
    fn a_token_proves_its_subject_and_grants() {
        let claims =
            json!({"sub": "ann", "exp": FUTURE, "name": "Ann", "rooms": {"chat:*": ["join"]}});
        let identity = verify(Algorithm::HS256, SECRET, &claims).unwrap();
        assert_eq!((&*identity.user, &*identity.name), ("ann", "Ann"));
        let room = RoomName::parse("chat:1").unwrap();
        assert!(identity.grants(&room, Action::Join) && !identity.grants(&room, Action::Publish));
    }

    #[test]
    fn an_expired_token_is_told_from_a_wrong_one() {
        let expired = json!({"sub": "ann", "exp": 1});
        assert_eq!(
            verify(Algorithm::HS256, SECRET, &expired),
            Err(Denied::Expired)
        );
    }

    #[test]
    fn other_keys_algorithms_and_claims_are_wrong() {
        let good = json!({"sub": "ann", "exp": FUTURE});
        assert_eq!(
            verify(Algorithm::HS256, b"another secret of thirty-two byt", &good),
            Err(Denied::Wrong)
        );
        assert_eq!(verify(Algorithm::HS384, SECRET, &good), Err(Denied::Wrong));
        for bad in [
            json!({"sub": "ann"}),
            json!({"exp": FUTURE}),
            json!({"sub": "", "exp": FUTURE}),
            json!({"sub": "ann", "exp": "soon"}),
            json!({"sub": "ann", "exp": FUTURE, "rooms": {"a*b": ["join"]}}),
            json!({"sub": "ann", "exp": FUTURE, "rooms": {"a": ["rule"]}}),
        ] {
            assert_eq!(
                verify(Algorithm::HS256, SECRET, &bad),
                Err(Denied::Wrong),
                "{bad}"
            );
        }
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJleHAiOjQxMDI0NDQ4MDB9.";
        assert_eq!(
            jwt(&asked()).verify(&Token::new(unsigned)),
            Err(Denied::Wrong)
        );
    }

    fn verify_as(
        asked: &config::Claims,
        header: &Header,
        claims: &Value,
    ) -> Result<Identity, Denied> {
        let token = encode(header, claims, &EncodingKey::from_secret(SECRET)).unwrap();
        jwt(asked).verify(&Token::new(&token))
    }

    #[test]
    fn a_token_for_longer_than_allowed_is_wrong() {
        let hour = config::Claims {
            lifetime: Duration::from_hours(1),
            ..asked()
        };
        let claims = |secs| {
            let exp = jsonwebtoken::get_current_timestamp() + secs;
            json!({"sub": "ann", "exp": exp})
        };
        let header = Header::default();
        assert!(verify_as(&hour, &header, &claims(3600)).is_ok());
        assert_eq!(verify_as(&hour, &header, &claims(4000)), Err(Denied::Wrong));
    }

    #[test]
    fn issuer_and_audience_must_be_those_that_are_asked_for() {
        let asked = config::Claims {
            issuer: Some("us".to_owned()),
            audience: Some("rooms".to_owned()),
            ..asked()
        };
        let header = Header::default();
        let claims = |iss, aud| json!({"sub": "ann", "exp": FUTURE, "iss": iss, "aud": aud});
        let both = json!(["mail", "rooms"]);
        assert!(verify_as(&asked, &header, &claims("us", both)).is_ok());
        for bad in [
            claims("them", json!("rooms")),
            claims("us", json!("mail")),
            json!({"sub": "ann", "exp": FUTURE}),
        ] {
            assert_eq!(
                verify_as(&asked, &header, &bad),
                Err(Denied::Wrong),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_token_that_is_not_good_yet_is_wrong() {
        let claims = json!({"sub": "ann", "exp": FUTURE, "nbf": FUTURE - 10});
        assert_eq!(
            verify(Algorithm::HS256, SECRET, &claims),
            Err(Denied::Wrong)
        );
    }

    #[test]
    fn a_token_that_brings_keys_or_demands_more_is_wrong() {
        let claims = json!({"sub": "ann", "exp": FUTURE});
        let with = |change: fn(&mut Header)| {
            let mut header = Header::default();
            change(&mut header);
            verify_as(&asked(), &header, &claims)
        };
        assert!(with(|header| header.kid = Some("../../x".to_owned())).is_ok());
        for change in [
            (|header| header.jku = Some("http://127.0.0.1/keys".to_owned())) as fn(&mut Header),
            |header| header.x5u = Some("http://127.0.0.1/cert".to_owned()),
            |header| header.crit = Some(vec!["exp".to_owned()]),
        ] {
            assert_eq!(with(change), Err(Denied::Wrong));
        }
    }
}
