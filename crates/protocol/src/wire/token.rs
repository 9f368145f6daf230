//! A credential on its way to be checked.

use std::fmt;

/// The shortest token that is worth checking, in UTF-16 units.
pub(super) const TOKEN_UNITS_MIN: usize = 8;

/// What a client presents as proof of who it is. Never shown: its `Debug` prints `…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

impl Token {
    /// Takes a text for a token; whether it proves anything is for others to say.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether it is long enough to be worth checking.
    pub fn is_plausible(&self) -> bool {
        self.0.encode_utf16().nth(TOKEN_UNITS_MIN - 1).is_some()
    }

    /// The secret text, for whoever checks it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        assert_eq!(format!("{:?}", Token::new("secret-token")), "…");
    }
}
