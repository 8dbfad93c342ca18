//! A map of temporary values.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

/// A map that drops values which are no longer useful. It is swept when its size has doubled, so an insertion
/// takes constant time on average, and the map never has more than twice the useful values.
pub struct ExpiringMap<K, V> {
    inner: Mutex<Inner<K, V>>,
}

struct Inner<K, V> {
    values: HashMap<K, V>,
    sweep_at: usize,
}

impl<K, V> Default for ExpiringMap<K, V> {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { values: HashMap::new(), sweep_at: 1024 }) }
    }
}

impl<K: Hash + Eq, V: Clone> ExpiringMap<K, V> {
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<V> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).values.get(key).cloned()
    }

    /// Inserts `value`; `of_use` says of each other value whether to keep it.
    pub fn put(&self, key: K, value: V, of_use: impl Fn(&V) -> bool) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.values.len() >= inner.sweep_at {
            inner.values.retain(|_, value| of_use(value));
            inner.sweep_at = (inner.values.len() * 2).max(1024);
        }
        inner.values.insert(key, value);
    }

    /// Finds a value. It checks every value, so use it rarely.
    pub fn find(&self, wanted: impl Fn(&V) -> bool) -> Option<V> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.values.values().find(|value| wanted(value)).cloned()
    }

    /// Drops the matching values. It checks every value, so use it rarely.
    pub fn forget_where(&self, unwanted: impl Fn(&V) -> bool) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.values.retain(|_, value| !unwanted(value));
    }

    /// Drops the value of a key.
    pub fn forget(&self, key: &K) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).values.remove(key);
    }
}
