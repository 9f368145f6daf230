//! Tokens, and a configuration that accepts them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, encode};
use serde_json::{Value, json};

/// What the tokens are signed with.
pub(crate) const SECRET: &str = "only-the-tests-know-this-secret-of-theirs";

/// An end that no test lives to see: the year 2100.
pub(crate) const NEVER: u64 = 4_102_444_800;

/// A configuration that accepts tokens, and these lines besides.
pub(crate) fn production(more: &str) -> String {
    format!("[auth]\nhs256_secret = {SECRET:?}\ntoken_lifetime = \"36500days\"\n{more}")
}

/// A token of a user, which ends at so many seconds since 1970 and grants these actions by room.
pub(crate) fn token(user: &str, ends: u64, rooms: &Value) -> String {
    let claims = json!({"sub": user, "exp": ends, "rooms": rooms});
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::default(), &claims, &key).unwrap()
}

/// A token of exactly this header and these claims, whatever they say, signed with HMAC-SHA-256.
pub(crate) fn forge(header: &str, claims: &str, secret: &str) -> String {
    let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let signed = format!("{header}.{claims}");
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{signed}.{signature}")
}

/// The seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
