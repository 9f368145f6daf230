//! A map that many threads use, in stripes with a lock each.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::Mutex;

/// Enough that threads rarely meet.
const STRIPES: usize = 64;

/// A map in stripes. Its hashes are keyed, because its keys are chosen by strangers.
pub(super) struct Stripes<K, V> {
    stripes: [Mutex<HashMap<K, V>>; STRIPES],
    hasher: RandomState,
}

impl<K, V> Default for Stripes<K, V> {
    fn default() -> Self {
        Self {
            stripes: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::default(),
        }
    }
}

impl<K: Eq + Hash, V> Stripes<K, V> {
    /// Has `act` look at the stripe that `key` belongs to, alone.
    pub(super) fn with<T>(&self, key: &K, act: impl FnOnce(&mut HashMap<K, V>) -> T) -> T {
        let at = usize::try_from(self.hasher.hash_one(key) % STRIPES as u64);
        let stripe = at.ok().and_then(|at| self.stripes.get(at));
        act(&mut stripe.expect("a remainder is below its divisor").lock())
    }
}

/// How many entries one stripe may have if the whole map may have `most`.
pub(super) const fn share(most: usize) -> usize {
    most / STRIPES
}
