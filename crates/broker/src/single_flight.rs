//! Runs work once for many concurrent callers.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

type Shared<V> = watch::Receiver<Option<V>>;

/// Work in progress, by key. Further callers wait for the same result.
///
/// The work runs as a task on the process's tracker, so cancelling a caller does not cancel it. A cache's
/// `try_get_with` would not do, because it runs the work inside one of its callers.
pub struct SingleFlight<K, V> {
    under_way: Arc<Mutex<HashMap<K, Shared<V>>>>,
}

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self { under_way: Arc::default() }
    }
}

impl<K, V> SingleFlight<K, V>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Waits for the run of `key`, starting `work` if there is none. `None` when the work panicked.
    pub async fn run<F>(&self, key: K, tasks: &TaskTracker, work: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut shared = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(shared) = under_way.get(&key) {
                shared.clone()
            } else {
                let (sender, shared) = watch::channel(None);
                under_way.insert(key.clone(), shared.clone());
                let guard = Guard { under_way: Arc::clone(&self.under_way), key };
                let work = work();
                let run = async move {
                    let value = work.await;
                    // The entry is removed before the result is published: later callers start a new run.
                    drop(guard);
                    sender.send_replace(Some(value));
                };
                // The work belongs to the trace of the first caller.
                tasks.spawn(run.in_current_span());
                shared
            }
        };
        // An error means that the sender was dropped without a result: the task panicked.
        shared.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// Removes the entry, even when the work panics.
struct Guard<K: Hash + Eq, V> {
    under_way: Arc<Mutex<HashMap<K, Shared<V>>>>,
    key: K,
}

impl<K: Hash + Eq, V> Drop for Guard<K, V> {
    fn drop(&mut self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::Semaphore;

    use super::{SingleFlight, TaskTracker};

    #[tokio::test]
    async fn many_callers_share_a_run_even_when_the_first_is_cancelled() {
        let (single, tasks) = (Arc::new(SingleFlight::<u8, usize>::default()), TaskTracker::new());
        let (started, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let work = || {
            let (started, gate) = (Arc::clone(&started), Arc::clone(&gate));
            move || async move {
                drop(gate.acquire().await);
                started.fetch_add(1, Ordering::SeqCst) + 1
            }
        };
        let mut first = Box::pin(single.run(1, &tasks, work()));
        assert!(futures_poll_once(first.as_mut()).await.is_none(), "it waits");
        drop(first);
        let second = single.run(1, &tasks, work());
        gate.add_permits(1);
        assert_eq!(second.await, Some(1), "the first caller's work continued");
        gate.add_permits(1);
        assert_eq!(single.run(1, &tasks, work()).await, Some(2), "a new run after the first");
    }

    #[tokio::test]
    async fn a_panic_ends_the_run_for_all_callers() {
        let (single, tasks) = (SingleFlight::<u8, usize>::default(), TaskTracker::new());
        assert_eq!(single.run(1, &tasks, || async { panic!("as planned") }).await, None);
        assert_eq!(single.run(1, &tasks, || async { 5 }).await, Some(5));
    }

    async fn futures_poll_once<F: Future + Unpin>(mut work: F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut work).poll(context) {
                std::task::Poll::Ready(value) => Some(value),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
