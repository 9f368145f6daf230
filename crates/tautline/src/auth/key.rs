//! Keys of operators and back ends: made here, kept as hashes.
//!
//! A key has 256 random bits. Nobody finds it by trying, whatever the hash, so that a fast one does; slow
//! hashes are for passwords, which people choose.

use std::fmt::Write;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use crate::config::{HashedKey, Mode};

/// What every key begins with, so that a search for lost secrets finds it.
const PREFIX: &str = "tlk_";
/// The random bytes of a key.
const SECRET_BYTES: usize = 32;
/// The random bytes of an id that nobody chose.
const ID_BYTES: usize = 4;
/// A longer text is no key, and is not hashed.
const KEY_BYTES_MAX: usize = 256;

/// The key that everybody knows, for development mode.
const DEVELOPMENT_KEY: &str = "dev-key";
/// Whom that key names.
const DEVELOPMENT_ID: &str = "dev";

/// The keys that open the operators' listener.
#[derive(Debug)]
pub(crate) struct Keys(Vec<HashedKey>);

impl Keys {
    /// These, and in development mode the one that everybody knows.
    pub(crate) fn new(mode: Mode, mut keys: Vec<HashedKey>) -> Self {
        if mode == Mode::Development {
            keys.push(HashedKey {
                id: DEVELOPMENT_ID.into(),
                hash: hash(DEVELOPMENT_KEY),
            });
        }
        Self(keys)
    }

    /// Whether nothing opens it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The id of a key. All are compared, each in the same time whatever it shares with the text.
    pub(crate) fn operator(&self, text: &str) -> Option<Arc<str>> {
        if text.len() > KEY_BYTES_MAX {
            return None;
        }
        let hash = hash(text);
        let mut found = None;
        for key in &self.0 {
            if bool::from(key.hash.ct_eq(&hash)) {
                found = Some(Arc::clone(&key.id));
            }
        }
        found
    }
}

/// A new key, and what is written of it into the configuration.
pub(crate) struct NewKey {
    pub(crate) key: String,
    pub(crate) entry: String,
}

/// Makes a key with this id, or a random one.
pub(crate) fn make(id: Option<&str>) -> Result<NewKey, String> {
    let no_chance = |_| "the system has no random numbers".to_owned();
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(no_chance)?;
    let mut random_id = [0; ID_BYTES];
    getrandom::fill(&mut random_id).map_err(no_chance)?;
    let id = id.map_or_else(|| hex(&random_id), str::to_owned);
    if !HashedKey::is_id(&id) {
        return Err(format!(
            "{id:?} is no id: write 1 to 32 of the characters a-z 0-9 -"
        ));
    }
    let key = format!("{PREFIX}{id}_{}", hex(&secret));
    let entry = format!("{id}:{}", hex(&hash(&key)));
    Ok(NewKey { key, entry })
}

fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_entry_and_no_other_is() {
        let (new, other) = (make(Some("ci")).unwrap(), make(None).unwrap());
        assert_ne!(new.key, other.key);
        let keys = [&other.entry, &new.entry].map(|entry| HashedKey::parse(entry).unwrap());
        let keys = Keys::new(Mode::Production, keys.to_vec());
        assert_eq!(keys.operator(&new.key).as_deref(), Some("ci"));
        let shorter = &new.key[..new.key.len() - 1];
        let longer = format!("{}0", new.key);
        let another_id = new.key.replace("tlk_ci_", "tlk_cd_");
        for wrong in ["", "dev-key", shorter, &longer, &another_id, &new.entry] {
            assert_eq!(keys.operator(wrong), None, "{wrong}");
        }
        assert_eq!(keys.operator(&"x".repeat(100_000)), None);
    }

    #[test]
    fn the_key_that_everybody_knows_is_for_development_mode() {
        let operator = |mode| Keys::new(mode, Vec::new()).operator("dev-key");
        assert_eq!(operator(Mode::Development).as_deref(), Some("dev"));
        assert_eq!(operator(Mode::Production), None);
    }

    #[test]
    fn an_id_is_short_and_plain() {
        for wrong in ["", "A", "a_b", "a b", "a:b", &"x".repeat(33)] {
            assert!(make(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
