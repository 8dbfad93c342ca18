//! Counts how many of a worker's slots each holder occupies, so that one holder can't occupy all of them.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// The number of occupied slots of each holder, for example a host or a workspace. Clones share the counts.
#[derive(Debug, Clone)]
pub struct Shares<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    held: Mutex<HashMap<K, u32>>,
    most: u32,
    freed: Arc<Notify>,
}

/// One occupied slot. Dropping this frees it.
pub struct Share<K: Clone + Eq + Hash> {
    shares: Shares<K>,
    holder: K,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// Creates the counts. A holder with `most` slots is full. `freed` is notified when a full holder frees a slot,
    /// because it may have more due items.
    pub fn new(most: u32, freed: Arc<Notify>) -> Self {
        Self(Arc::new(Inner { held: Mutex::default(), most, freed }))
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<K, u32>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The holders that are full.
    pub fn full(&self) -> Vec<K> {
        let held = self.locked();
        held.iter().filter(|(_, count)| **count >= self.0.most).map(|(holder, _)| holder.clone()).collect()
    }

    /// Occupies a slot for `holder`, even if it is full.
    pub fn enter(&self, holder: K) -> Share<K> {
        *self.locked().entry(holder.clone()).or_default() += 1;
        Share { shares: self.clone(), holder }
    }
}

impl<K: Clone + Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.shares.locked();
        if let Some(count) = held.get_mut(&self.holder) {
            if *count == self.shares.0.most {
                self.shares.0.freed.notify_one();
            }
            *count -= 1;
            if *count == 0 {
                held.remove(&self.holder);
            }
        }
    }
}

impl<K: Clone + Eq + Hash + fmt::Debug> fmt::Debug for Share<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Share").field(&self.holder).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_holder_is_full_until_it_frees_a_slot() {
        let freed = Arc::new(Notify::new());
        let shares = Shares::new(2, freed.clone());
        let is_notified = || pin!(freed.notified()).now_or_never().is_some();
        let mut places: Vec<_> = (0..3).map(|_| shares.enter("a")).collect();
        let other = shares.enter("b");
        assert_eq!(shares.full(), ["a"]);
        drop(other);
        places.pop();
        assert!(!is_notified(), "the holder is still full");
        places.pop();
        assert!(is_notified() && shares.full().is_empty());
        places.clear();
        assert!(!is_notified() && shares.locked().is_empty());
    }
}
