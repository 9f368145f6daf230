//! What attackers bring along: right tokens of their own, and wrong ones.

use anyhow::Result;

use crate::system::{self, SECRET};

/// Attackers are so many users: each has at most sixteen connections.
const USERS: usize = 64;
/// More than a token may have, and less than a message.
const LONG: usize = 6000;
/// More than all headers of a request may have together.
const HUGE: usize = 16 * 1024;
/// Unsigned, by the algorithm `none`, for the year 2100: {"sub":"ann","exp":4102444800}.
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJleHAiOjQxMDI0NDQ4MDB9.";

/// What attackers bring along.
#[derive(Debug)]
pub(super) struct Arms {
    right: Vec<String>,
    /// Each for another reason. The last one fits into a handshake only.
    wrong: Vec<String>,
}

impl Arms {
    pub(super) fn new() -> Result<Self> {
        let right = (0..USERS).map(|nth| system::token(&format!("attacker-{nth}"), SECRET));
        let another_key = SECRET.to_uppercase();
        let forged = system::token("bench", &another_key)?;
        Ok(Self {
            right: right.collect::<Result<_>>()?,
            wrong: vec![
                forged,
                UNSIGNED.to_owned(),
                "x".repeat(LONG),
                "x".repeat(HUGE),
            ],
        })
    }

    /// The token of the attacker who begins the connection of this number.
    pub(super) fn right(&self, number: u64) -> &str {
        in_turn(&self.right, number)
    }

    /// A token that is wrong, each time for another reason.
    pub(super) fn wrong(&self, number: u64) -> &str {
        let shorter = self.wrong.split_last().map_or(&[][..], |(_, rest)| rest);
        in_turn(shorter, number)
    }

    /// The same for the handshake, where more fits.
    pub(super) fn wrong_in_handshake(&self, number: u64) -> &str {
        in_turn(&self.wrong, number)
    }
}

fn in_turn(all: &[String], number: u64) -> &str {
    let turn = usize::try_from(number).unwrap_or_default() % all.len().max(1);
    all.get(turn).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wrong_token_is_a_right_one() {
        let arms = Arms::new().unwrap();
        for number in 0..4 {
            assert!(!arms.right.iter().any(|right| right == arms.wrong(number)));
        }
        assert_ne!(arms.right(0), arms.right(1));
        assert_eq!(arms.right(0), arms.right(USERS as u64));
    }
}
