//! JSON Web Tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use tautline_protocol::model::{Action, Grant, Identity, Pattern, Timestamp};
use tautline_protocol::server::Denied;
use tautline_protocol::wire::Token;

use crate::cli::TokenArguments;

/// Longer tokens are not looked at.
const TOKEN_BYTES_MAX: usize = 4096;

/// Clocks may differ by this much.
const LEEWAY_SECS: u64 = 10;

/// Verifies tokens of one key and one algorithm.
pub(crate) struct Jwt {
    key: DecodingKey,
    validation: Validation,
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
    pub(super) fn hs256(secret: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        validation.leeway = LEEWAY_SECS;
        validation.validate_aud = false;
        Self {
            key: DecodingKey::from_secret(secret),
            validation,
        }
    }

    /// Whom the token proves.
    pub(super) fn verify(&self, token: &Token) -> Result<Identity, Denied> {
        let text = token.expose();
        if text.len() > TOKEN_BYTES_MAX {
            return Err(Denied::Wrong);
        }
        let claims = jsonwebtoken::decode::<Claims>(text, &self.key, &self.validation)
            .map_err(|error| {
                let has_expired = matches!(error.kind(), ErrorKind::ExpiredSignature);
                if has_expired {
                    Denied::Expired
                } else {
                    Denied::Wrong
                }
            })?
            .claims;
        if claims.sub.is_empty() {
            return Err(Denied::Wrong);
        }
        let user: Arc<str> = claims.sub.into();
        let name = claims.name.map_or_else(|| Arc::clone(&user), Arc::from);
        let expires_at = Some(Timestamp(claims.exp.saturating_mul(1000)));
        Ok(Identity {
            user,
            name,
            expires_at,
            grants: grants(&claims.rooms)?,
        })
    }
}

/// A token as the arguments say, signed with HMAC-SHA-256. Only what [`Jwt::verify`] accepts is signed.
pub(crate) fn sign(arguments: &TokenArguments, secret: &[u8]) -> Result<String, String> {
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
    let claims = serde_json::json!({
        "sub": arguments.user,
        "name": arguments.name.as_ref().unwrap_or(&arguments.user),
        "exp": jsonwebtoken::get_current_timestamp() + arguments.ttl.as_secs(),
        "rooms": rooms,
    });
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

    fn verify(algorithm: Algorithm, secret: &[u8], claims: &Value) -> Result<Identity, Denied> {
        let token = encode(
            &Header::new(algorithm),
            claims,
            &EncodingKey::from_secret(secret),
        )
        .unwrap();
        Jwt::hs256(SECRET).verify(&Token::new(&token))
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
            Jwt::hs256(SECRET).verify(&Token::new(unsigned)),
            Err(Denied::Wrong)
        );
    }
}
