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

/// The token that development mode accepts.
const DEVELOPMENT_TOKEN: &str = "dev-token";

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

/// Every connection in development mode is a user of its own, and stays it.
fn development(token: &Token, current: Option<&Identity>) -> Result<Identity, Denied> {
    let presented = token.expose().as_bytes();
    if !bool::from(presented.ct_eq(DEVELOPMENT_TOKEN.as_bytes())) {
        return Err(Denied::Wrong);
    }
    if let Some(current) = current {
        return Ok(current.clone());
    }
    let number = getrandom::u32().expect("the process has drawn random numbers before");
    let user: Arc<str> = format!("user-{number:08x}").into();
    Ok(Identity {
        name: Arc::clone(&user),
        user,
        expires_at: None,
        grants: Arc::new([]),
    })
}
