//! What is kept of content in memory: dropped as a whole when content changes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

/// Entries kept at most; beyond that all are dropped, so that made-up names fill no memory.
const ENTRIES_MAX: usize = 10_000;

/// Values by key, all under one revision of the content.
#[derive(Debug)]
pub(crate) struct Kept<K, V>(RwLock<(i64, HashMap<K, V>)>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(RwLock::new((0, HashMap::new())))
    }
}

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    /// What is kept under `key` since the content was at `revision`.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, revision: i64, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if kept.0 == revision { kept.1.get(key).cloned() } else { None }
    }

    /// Keeps what was read while the content was at `revision`.
    pub fn put(&self, revision: i64, key: K, value: V) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != revision || kept.1.len() >= ENTRIES_MAX {
            *kept = (revision, HashMap::new());
        }
        kept.1.insert(key, value);
    }
}
