//! From a token to an identity. Knows no room, no socket.

mod jwt;
mod key;

use std::sync::Arc;

use subtle::ConstantTimeEq;
use tautline_protocol::model::Identity;
use tautline_protocol::server::Denied;
use tautline_protocol::wire::Token;

use crate::config::Credentials;

pub(crate) use jwt::sign;
pub(crate) use key::{Keys, make};

/// The token that development mode accepts, alone or with `:` and a name behind it.
const DEVELOPMENT_TOKEN: &str = "dev-token";
/// Longer names are nobody's in development mode.
const DEVELOPMENT_NAME_BYTES_MAX: usize = 128;

/// Verifies tokens.
pub(crate) enum Verifier {
    /// Nothing is configured: everybody is denied.
    Nobody,
    /// Development mode.
    Development,
    /// JSON Web Tokens.
    Jwt(Box<jwt::Jwt>),
}

impl Verifier {
    pub(crate) fn new(credentials: Credentials) -> Self {
        match credentials {
            Credentials::None => Self::Nobody,
            Credentials::Development => Self::Development,
            Credentials::Hs256(secret, claims) => {
                Self::Jwt(Box::new(jwt::Jwt::hs256(&secret, &claims)))
            }
        }
    }

    /// Whom the token proves, or why it proves nobody. `current` is who the connection belongs to.
    pub(crate) fn verify(
        &self,
        token: &Token,
        current: Option<&Identity>,
    ) -> Result<Identity, Denied> {
        match self {
            Self::Nobody => Err(Denied::Wrong),
            Self::Development => development(token, current),
            Self::Jwt(jwt) => jwt.verify(token),
        }
    }
}

/// Every connection in development mode is a user of its own, and stays it, unless its token says which user it is.
fn development(token: &Token, current: Option<&Identity>) -> Result<Identity, Denied> {
    let presented = token.expose();
    let (secret, name) = match presented.split_once(':') {
        Some((secret, name)) => (secret, Some(name)),
        None => (presented, None),
    };
    if !bool::from(secret.as_bytes().ct_eq(DEVELOPMENT_TOKEN.as_bytes())) {
        return Err(Denied::Wrong);
    }
    let user: Arc<str> = match (name, current) {
        (Some(name), _) if name.is_empty() || name.len() > DEVELOPMENT_NAME_BYTES_MAX => {
            return Err(Denied::Wrong);
        }
        (Some(name), _) => name.into(),
        (None, Some(current)) => return Ok(current.clone()),
        (None, None) => {
            let number = getrandom::u32().expect("the process has drawn random numbers before");
            format!("user-{number:08x}").into()
        }
    };
    Ok(Identity {
        name: Arc::clone(&user),
        user,
        expires_at: None,
        grants: Arc::new([]),
    })
}
