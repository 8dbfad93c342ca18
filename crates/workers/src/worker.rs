//! The loop that claims and runs due rows.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use model::{Timestamp, chain};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument as _, Span};

use crate::{Backoff, Workers, panic::caught};

/// The longest pause while claims fail. The first pause is the polling interval.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Claims due rows, and works on them.
///
/// All state is in the rows. After a failure, or after its server died, an item is due again when its lease expires, or
/// according to its own schedule.
pub trait Work: Send + Sync + 'static {
    /// The worker's name in logs and metrics.
    const NAME: &'static str;
    /// A claimed row and its lease.
    type Item: Send + Sync + 'static;
    /// The error of a claim or of an item.
    type Error: std::error::Error + Send + 'static;

    /// Claims up to `most` items that are due and not leased.
    fn claim(&self, most: u32) -> impl Future<Output = Result<Vec<Claimed<Self::Item>>, Self::Error>> + Send;

    /// Resolves when an item may have become due, so that it is claimed before the next poll. The future is dropped and
    /// created again with every claim, so it must also notice changes since the last call. The default is for rows that
    /// are found only by polling.
    fn may_be_due(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Works on an item. An error is only logged and counted: the implementation records the result in the row.
    fn run(&self, item: &Self::Item) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Renews the lease of an item for as long as it is polled. Resolves when the lease is lost; then [`run`](Self::run) is
    /// dropped. The default is for items without a renewable lease.
    fn keep_lease(&self, _item: &Self::Item) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// The tracing span in which an item runs, with its ids.
    fn span(&self, _item: &Self::Item) -> Span {
        tracing::info_span!("work", worker = Self::NAME)
    }
}

/// A claimed item.
#[derive(Debug)]
pub struct Claimed<T> {
    /// The row and its lease.
    pub item: T,
    /// When the item was due.
    pub due_at: Timestamp,
}

/// Settings of a worker.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The most items that run at once.
    pub most_at_once: NonZeroU32,
    /// A claim waits until at least this many slots are free, because one transaction for many items is cheaper than many
    /// transactions.
    pub claim_at_least: NonZeroU32,
    /// Interval between claims while nothing is due.
    pub poll_interval: Duration,
}

/// A loop that claims and runs items. Clones share it.
pub struct Worker<W>(Arc<Inner<W>>);

struct Inner<W> {
    work: W,
    settings: Settings,
    workers: Workers,
    /// One permit for each free slot.
    free: Arc<Semaphore>,
    woken: Notify,
    /// Cancelled when no more items are to be claimed.
    closing: CancellationToken,
    running: TaskTracker,
}

impl<W: Work> Worker<W> {
    /// Creates a worker that claims only when [`claim`](Self::claim) is called.
    pub fn new(workers: &Workers, work: W, settings: Settings) -> Self {
        let places = settings.most_at_once.get();
        let claim_at_least = settings.claim_at_least.min(settings.most_at_once);
        Self(Arc::new(Inner {
            work,
            settings: Settings { claim_at_least, ..settings },
            workers: workers.clone(),
            free: Arc::new(Semaphore::new(places as usize)),
            woken: Notify::new(),
            closing: workers.stopping().child_token(),
            running: TaskTracker::new(),
        }))
    }

    /// Starts a worker that claims by itself, as a loop of `workers`.
    pub fn start(workers: &Workers, work: W, settings: Settings) -> Self {
        let worker = Self::new(workers, work, settings);
        workers.observer().claims(W::NAME);
        let looping = worker.clone();
        // The loop is not dropped during a claim, because the claimed rows would then wait until their leases expire.
        workers.run_to_end(W::NAME, move || {
            let worker = looping.clone();
            async move { worker.claim_until_closed().await }
        });
        worker
    }

    /// The implementation of [`Work`].
    pub fn work(&self) -> &W {
        &self.0.work
    }

    /// Makes the worker claim at once, because an item may be due. Without this call, the item waits up to one polling
    /// interval.
    pub fn wake(&self) {
        self.0.woken.notify_one();
    }

    /// Claims and starts as many due items as there are free slots. Returns how many.
    pub async fn claim(&self) -> Result<u32, W::Error> {
        let free = u32::try_from(self.0.free.available_permits()).unwrap_or(u32::MAX);
        match Arc::clone(&self.0.free).try_acquire_many_owned(free) {
            Ok(places) if free > 0 => self.claim_into(places).await,
            // Another call was faster, or no slots are free.
            _ => Ok(0),
        }
    }

    /// Stops claiming, and returns when the last running item has ended.
    pub async fn finish(&self) {
        self.0.closing.cancel();
        self.0.running.close();
        self.0.running.wait().await;
    }

    async fn claim_until_closed(&self) {
        let Inner { work, settings, workers, free, woken, closing, .. } = &*self.0;
        let poll_interval = settings.poll_interval;
        let backoff = Backoff { first: poll_interval, longest: MAX_PAUSE.max(poll_interval) };
        let mut failures = 0;
        while !closing.is_cancelled() {
            let places = tokio::select! {
                () = closing.cancelled() => return,
                places = Arc::clone(free).acquire_many_owned(settings.claim_at_least.get()) => places,
            };
            let mut places = places.expect("the semaphore is never closed");
            let more = free.available_permits();
            if let Ok(more) = Arc::clone(free).try_acquire_many_owned(u32::try_from(more).unwrap_or(0)) {
                places.merge(more);
            }
            let wanted = u32::try_from(places.num_permits()).unwrap_or(u32::MAX);
            match self.claim_into(places).await {
                Ok(claimed) => {
                    failures = 0;
                    // More items may be due.
                    if claimed >= wanted {
                        continue;
                    }
                }
                Err(error) => {
                    tracing::warn!(worker = W::NAME, error = %chain(&error), "could not claim due items; will retry");
                    failures += 1;
                }
            }
            let pause = backoff.pause(failures);
            tokio::select! {
                () = closing.cancelled() => {}
                () = woken.notified() => {}
                () = work.may_be_due() => {}
                () = workers.env().clock.sleep(pause) => {}
            }
        }
    }

    async fn claim_into(&self, mut places: OwnedSemaphorePermit) -> Result<u32, W::Error> {
        let Inner { work, workers, running, .. } = &*self.0;
        let claimed = work.claim(u32::try_from(places.num_permits()).unwrap_or(u32::MAX)).await?;
        let (now, count) = (workers.env().now(), u32::try_from(claimed.len()).unwrap_or(u32::MAX));
        for Claimed { item, due_at } in claimed {
            workers.observer().claimed(W::NAME, now.since(due_at));
            // More items than requested would exceed the limit.
            let place = places.split(1);
            debug_assert!(place.is_some(), "{} claimed more than requested", W::NAME);
            let (worker, span) = (self.clone(), work.span(&item));
            let run = async move {
                worker.run(&item).await;
                drop((item, place));
            };
            running.spawn(run.instrument(span));
        }
        Ok(count)
    }

    /// Runs one item while its lease is valid.
    async fn run(&self, item: &W::Item) {
        let Inner { work, workers, .. } = &*self.0;
        let under_lease = async {
            tokio::select! {
                done = work.run(item) => Some(done),
                () = work.keep_lease(item) => None,
            }
        };
        let observer = workers.observer();
        match caught(under_lease).await {
            Ok(Some(Ok(()))) => return,
            Ok(Some(Err(error))) => {
                tracing::info!(worker = W::NAME, error = %chain(&error), "an item failed");
            }
            Ok(None) => {
                tracing::warn!(worker = W::NAME, "the lease of an item was lost; its work is cancelled");
            }
            Err(panic) => {
                tracing::error!(worker = W::NAME, panic, "an item panicked");
                observer.panicked(W::NAME);
            }
        }
        observer.failed(W::NAME);
    }
}

impl<W> Clone for Worker<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Work> fmt::Debug for Worker<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &W::NAME).field("running", &self.0.running.len()).finish()
    }
}
