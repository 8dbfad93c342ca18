//! Values kept in memory for a while.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

/// A map that forgets what is no longer of use. It is swept whenever it has doubled: putting costs the same on average
/// however large it is, and it never holds more than twice what is of use.
pub struct Memory<K, V> {
    inner: Mutex<Inner<K, V>>,
}

struct Inner<K, V> {
    values: HashMap<K, V>,
    sweep_at: usize,
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { values: HashMap::new(), sweep_at: 1024 }) }
    }
}

impl<K: Hash + Eq, V: Clone> Memory<K, V> {
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<V> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).values.get(key).cloned()
    }

    /// Keeps `value`; `of_use` says of each other value whether it still is.
    pub fn put(&self, key: K, value: V, of_use: impl Fn(&V) -> bool) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.values.len() >= inner.sweep_at {
            inner.values.retain(|_, value| of_use(value));
            inner.sweep_at = (inner.values.len() * 2).max(1024);
        }
        inner.values.insert(key, value);
    }

    /// Looks at every value, so it is for rare occasions.
    pub fn find(&self, wanted: impl Fn(&V) -> bool) -> Option<V> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.values.values().find(|value| wanted(value)).cloned()
    }

    /// Looks at every value, so it is for rare occasions.
    pub fn forget_where(&self, unwanted: impl Fn(&V) -> bool) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.values.retain(|_, value| !unwanted(value));
    }

    /// Drops the value of a key.
    pub fn forget(&self, key: &K) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).values.remove(key);
    }
}
