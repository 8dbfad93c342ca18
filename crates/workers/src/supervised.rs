//! Runs loops as tasks that restart after a panic.

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use model::Environment;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Backoff, Observer, panic::caught};

/// The pause after a panic. A loop that has run at least as long as the longest pause counts as recovered: its next pause is
/// the first one again.
const AFTER_PANIC: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

/// The background loops of a process, each in its own task. Clones share them.
#[derive(Clone)]
pub struct Workers(Arc<Inner>);

struct Inner {
    env: Environment,
    observer: Arc<dyn Observer>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Workers {
    /// Creates the set, without any loops yet.
    pub fn new(env: Environment, observer: Arc<dyn Observer>) -> Self {
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        Self(Arc::new(Inner { env, observer, tasks, stopping }))
    }

    /// Starts a loop that may be dropped at any await point when it is stopped. `work` creates the loop, at the start and
    /// after each panic.
    pub fn run<W, L>(&self, worker: &'static str, mut work: W)
    where
        W: FnMut() -> L + Send + 'static,
        L: Future<Output = Infallible> + Send + 'static,
    {
        let stopping = self.0.stopping.clone();
        self.run_to_end(worker, move || {
            let (stopping, work) = (stopping.clone(), work());
            async move {
                tokio::select! {
                    () = stopping.cancelled() => {}
                    never = work => match never {},
                }
            }
        });
    }

    /// Starts a loop that ends by itself soon after [`stopping`](Self::stopping) was cancelled. [`stop`](Self::stop) waits
    /// for it.
    pub fn run_to_end<W, L>(&self, worker: &'static str, mut work: W)
    where
        W: FnMut() -> L + Send + 'static,
        L: Future<Output = ()> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        inner.observer.started(worker);
        self.0.tasks.spawn(async move {
            let clock = &inner.env.clock;
            let mut panics = 0;
            loop {
                let started = clock.elapsed();
                // `work` is called inside the future, so that its own panic is caught, too.
                let Err(panic) = caught(async { work().await }).await else { return };
                if clock.elapsed().saturating_sub(started) >= AFTER_PANIC.longest {
                    panics = 0;
                }
                let pause = AFTER_PANIC.pause(panics);
                tracing::error!(worker, panic, ?pause, "a background loop panicked; it restarts");
                inner.observer.panicked(worker);
                tokio::select! {
                    () = inner.stopping.cancelled() => return,
                    () = clock.sleep(pause) => {}
                }
                panics = panics.saturating_add(1);
            }
        });
    }

    /// Cancelled when the loops are to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// Stops all loops, and waits until they have ended.
    pub async fn stop(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    pub(crate) fn env(&self) -> &Environment {
        &self.0.env
    }

    pub(crate) fn observer(&self) -> &Arc<dyn Observer> {
        &self.0.observer
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("loops", &self.0.tasks.len()).finish_non_exhaustive()
    }
}
