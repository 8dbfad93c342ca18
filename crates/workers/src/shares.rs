//! Who holds how many of a worker's places, so that one holder has a part of them and no more.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// Places that are held, by their holder: a host, a workspace. Clones are the same.
#[derive(Debug, Clone)]
pub struct Shares<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    held: Mutex<HashMap<K, u32>>,
    most: u32,
    freed: Arc<Notify>,
}

/// One place, for as long as it lives.
pub struct Share<K: Clone + Eq + Hash> {
    shares: Shares<K>,
    holder: K,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// A holder is full with `most` places. `freed` is told when one that was full gives a place back: it may have more that
    /// is due.
    pub fn new(most: u32, freed: Arc<Notify>) -> Self {
        Self(Arc::new(Inner { held: Mutex::default(), most, freed }))
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<K, u32>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are full.
    pub fn full(&self) -> Vec<K> {
        let held = self.locked();
        held.iter().filter(|(_, count)| **count >= self.0.most).map(|(holder, _)| holder.clone()).collect()
    }

    /// Takes a place for `holder`, also when it is full.
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
    fn a_holder_is_full_until_it_gives_a_place_back() {
        let freed = Arc::new(Notify::new());
        let shares = Shares::new(2, freed.clone());
        let is_told = || pin!(freed.notified()).now_or_never().is_some();
        let mut places: Vec<_> = (0..3).map(|_| shares.enter("a")).collect();
        let other = shares.enter("b");
        assert_eq!(shares.full(), ["a"]);
        drop(other);
        places.pop();
        assert!(!is_told(), "it has as many as it may");
        places.pop();
        assert!(is_told() && shares.full().is_empty());
        places.clear();
        assert!(!is_told() && shares.locked().is_empty());
    }
}
