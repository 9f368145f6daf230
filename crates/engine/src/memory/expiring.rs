//! Values that end by themselves.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

/// A map whose entries end at a moment of their own.
#[derive(Debug)]
pub(crate) struct Expiring<K, V> {
    entries: HashMap<K, Entry<V>>,
    ends: BTreeSet<(Duration, K)>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    end: Duration,
}

impl<K, V> Default for Expiring<K, V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            ends: BTreeSet::new(),
        }
    }
}

impl<K: Clone + Hash + Ord, V> Expiring<K, V> {
    /// Keeps `value` from `now` for `ttl`, in the place of what was kept there.
    pub(crate) fn insert(&mut self, key: K, value: V, now: Duration, ttl: Duration) {
        let end = now.saturating_add(ttl);
        self.ends.insert((end, key.clone()));
        if let Some(before) = self.entries.insert(key.clone(), Entry { value, end })
            && before.end != end
        {
            self.ends.remove(&(before.end, key));
        }
    }

    /// What is kept under `key`, unless it has ended.
    pub(crate) fn get<Q>(&self, key: &Q, now: Duration) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.entries.get(key)?;
        (now < entry.end).then_some(&entry.value)
    }

    /// Forgets what has ended.
    pub(crate) fn expire(&mut self, now: Duration) {
        while let Some((end, _)) = self.ends.first()
            && *end <= now
            && let Some((_, key)) = self.ends.pop_first()
        {
            self.entries.remove(&key);
        }
        if self.entries.len() < self.entries.capacity() / 8 {
            self.entries.shrink_to(self.entries.len() * 2);
        }
    }

    /// Everything that is kept, and when it ends.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V, Duration)> {
        let entries = self.entries.iter();
        entries.map(|(key, entry)| (key, &entry.value, entry.end))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
