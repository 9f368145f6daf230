//! Tokens, and a configuration that accepts them.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
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

/// The seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
