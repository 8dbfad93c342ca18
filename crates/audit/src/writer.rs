//! Group commit: a caller that waits for a record waits for the batch that contains it.
//!
//! There is no idle task, and no timer while a caller waits. The first record starts a task which writes it at once. Records
//! that arrive meanwhile form its next batch, and the task ends when there are no more. So an idle server answers after one
//! commit, and a busy one makes few commits however many tokens it gives. If no caller waits, the task pauses between two
//! batches and makes fewer commits. It belongs to the process's tracker: waiting for the tracker at shutdown flushes the
//! audit.

mod drain;

use std::{
    collections::VecDeque,
    fmt, mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::Metrics;
use model::{Environment, Failure, Timestamp, chain};
use store::{AuditBatch, AuditRecord, Audits, StoreError};
use tokio::{sync::oneshot, task::yield_now};
use tokio_util::task::TaskTracker;
use workers::Observer as _;

use crate::{AuditMode, Journal, journal::records, unwritten};

/// Its name in the log and in metrics.
const WORKER: &str = "audit";
/// The maximum number of records that wait to be written, of about 200 bytes each.
const MAX_WAITING: usize = 16_384;
/// The maximum number of records in one transaction, which takes a few milliseconds.
const MAX_AT_ONCE: usize = 2048;
/// How often at most the task yields for more records before it writes. A yield that brings records takes about ten
/// microseconds.
const MAX_YIELDS: u32 = 16;
/// Pause between batches that no caller waits for. A relaxed audit that is killed loses at most this and one
/// commit.
const BATCH_PAUSE: Duration = Duration::from_millis(25);
/// How long a token waits for its record.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the task checks for overdue tokens. A timer for each of them would cost more than its record.
const OVERDUE_CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// Time limit of the store: a connection that hangs must not hang the audit, and a waiting caller needs time
/// left for the disk.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);
/// The first and the longest pause between two attempts. The pause doubles each time.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How long the audit counts as refusing tokens after it has refused one.
const REFUSAL_COUNTS_FOR: Duration = Duration::from_secs(10);
/// How long the remaining records are retried while the server stops.
const FLUSHED_WITHIN: Duration = Duration::from_secs(5);

/// Writes records. One per process; all clones are the same.
#[derive(Clone)]
pub struct Audit {
    shared: Arc<Shared>,
}

struct Shared {
    mode: AuditMode,
    store: Arc<dyn Audits>,
    env: Environment,
    tasks: TaskTracker,
    metrics: Metrics,
    journal: Option<Journal>,
    queue: Mutex<Queue>,
    /// When a batch was refused by the store and by the disk, if none has been written since.
    refused_at: Mutex<Option<Timestamp>>,
    /// The last outage, which may be over.
    outage: Mutex<Option<Outage>>,
}

/// A period in which tokens were refused because their records could be written nowhere.
#[derive(Debug, Clone, Copy)]
struct Outage {
    since: Timestamp,
    last: Timestamp,
    /// Whether a record has been written since.
    is_over: bool,
}

/// The records that wait, and whether a task writes them.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Entry>,
    writing: bool,
}

struct Entry {
    record: AuditRecord,
    /// Notified when the record is written. Without a waiter, the writer retries until it is.
    waiter: Option<oneshot::Sender<()>>,
}

impl Entry {
    /// Whether it must be written. No token is given for a record whose caller has disconnected.
    fn matters(&self) -> bool {
        self.waiter.as_ref().is_none_or(|waiter| !waiter.is_closed())
    }
}

impl Audit {
    /// Creates an audit on `store`. `journal` is used before the store, or while the store is unavailable. The shutdown
    /// waits for `tasks`.
    pub fn new(
        mode: AuditMode,
        store: Arc<dyn Audits>,
        journal: Option<Journal>,
        metrics: Metrics,
        env: Environment,
        tasks: TaskTracker,
    ) -> Self {
        metrics.started(WORKER);
        let (queue, refused_at, outage) = (Mutex::default(), Mutex::default(), Mutex::default());
        let shared = Shared { mode, store, env, tasks, metrics, journal, queue, refused_at, outage };
        Self { shared: Arc::new(shared) }
    }

    /// Returns once a token may be given for this record.
    pub(crate) async fn write(&self, record: AuditRecord) -> Result<(), Failure> {
        if self.shared.mode == AuditMode::Relaxed {
            self.write_later(record);
            return Ok(());
        }
        let (waiter, written) = oneshot::channel();
        if self.shared.enqueue(Entry { record, waiter: Some(waiter) }).is_err() {
            return Err(unwritten());
        }
        written.await.map_err(|_| unwritten())
    }

    /// Whether tokens were refused a moment ago because their records could not be written. It expires,
    /// because a server without requests could never show that it works again.
    pub fn refuses_tokens(&self, now: Timestamp) -> bool {
        let refused_at = *self.shared.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.mode == AuditMode::Strict
            && refused_at.is_some_and(|at| at.was_within(REFUSAL_COUNTS_FOR, now))
    }

    /// When the last outage began, which may be over. The store can't record it during the outage, so callers report it
    /// afterwards.
    pub fn last_outage(&self) -> Option<Timestamp> {
        self.shared.outage().map(|outage| outage.since)
    }

    /// Writes a record that no caller waits for. If the queue is full it goes to the log.
    pub(crate) fn write_later(&self, record: AuditRecord) {
        if let Err(entry) = self.shared.enqueue(Entry { record, waiter: None }) {
            self.shared.log_lost_record(&entry);
        }
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    pub(crate) fn env(&self) -> &Environment {
        &self.shared.env
    }

    pub(crate) fn store(&self) -> &dyn Audits {
        &*self.shared.store
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outage(&self) -> MutexGuard<'_, Option<Outage>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that tokens are refused. Refusals shortly after an outage belong to that outage.
    fn record_outage(&self, now: Timestamp) {
        let mut outage = self.outage();
        let before =
            outage.filter(|before| !before.is_over || before.last.was_within(REFUSAL_COUNTS_FOR, now));
        let since = before.map_or(now, |before| before.since);
        *outage = Some(Outage { since, last: now, is_over: false });
    }

    /// Puts an entry into the queue and starts a writer if none runs. Returns the entry if the queue is full.
    fn enqueue(self: &Arc<Self>, entry: Entry) -> Result<(), Box<Entry>> {
        let mut queue = self.queue();
        if queue.waiting.len() >= MAX_WAITING {
            return Err(entry.into());
        }
        queue.waiting.push_back(entry);
        self.metrics.audit_waiting(queue.waiting.len());
        if !queue.writing {
            queue.writing = true;
            let shared = Arc::clone(self);
            self.tasks.spawn(async move { shared.write().await });
        }
        Ok(())
    }

    /// Writes batches until no entries are left.
    async fn write(&self) {
        let mut guard = ResetOnPanic { shared: self, batch: Vec::new() };
        let batch = &mut guard.batch;
        let (mut pause, mut stopping) = (RETRY_PAUSES.0, None);
        loop {
            self.gather().await;
            if !self.fill(batch) {
                return;
            }
            let batches = AuditBatch::pack(batch.iter().map(|entry| &entry.record));
            let begun = self.env.now();
            if self.unless_late(batch, self.make_durable(&batches)).await {
                for waiter in batch.drain(..).filter_map(|entry| entry.waiter) {
                    // A caller that has disconnected gets no token, and leaves a surplus record.
                    let _gone = waiter.send(());
                }
                pause = RETRY_PAUSES.0;
                if self.mode == AuditMode::Relaxed && !self.tasks.is_closed() {
                    self.env.clock.sleep(BATCH_PAUSE).await;
                }
            } else if self.gives_up(&mut stopping) {
                for entry in batch.drain(..).filter(|entry| entry.waiter.is_none()) {
                    self.log_lost_record(&entry);
                }
            } else if self.env.now().since(begun) < STORE_TIMEOUT {
                self.unless_late(batch, self.env.clock.sleep(pause)).await;
                pause = (pause * 2).min(RETRY_PAUSES.1);
            }
        }
    }

    /// Waits for `work`, and refuses callers that have waited too long meanwhile.
    async fn unless_late<T>(&self, batch: &mut Vec<Entry>, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            if let Some(done) = self.env.clock.timeout(OVERDUE_CHECK_INTERVAL, work.as_mut()).await {
                return done;
            }
            let now = self.env.now();
            let mut refused = false;
            let mut in_time = |entry: &Entry| {
                let is_late = entry.waiter.is_some() && now.since(entry.record.at) >= WRITE_TIMEOUT;
                refused |= is_late;
                !is_late
            };
            batch.retain(&mut in_time);
            self.queue().waiting.retain(&mut in_time);
            if refused {
                self.record_outage(now);
            }
        }
    }

    /// Lets other tasks add their records first; otherwise the first of many would get its own commit. Before a write to
    /// the disk, which is short, it yields as long as each yield brings more records, so that they share the cost. While a
    /// store commits, records accumulate without that.
    async fn gather(&self) {
        let yields = if self.is_disk_first() { MAX_YIELDS } else { 1 };
        let mut waiting = self.queue().waiting.len();
        for _ in 0..yields {
            yield_now().await;
            let now = self.queue().waiting.len();
            if now == mem::replace(&mut waiting, now) {
                break;
            }
        }
    }

    /// Makes records durable: in the store, or on the disk if that comes first or the store is unavailable.
    async fn make_durable(&self, batches: &[AuditBatch]) -> bool {
        let written = self.write_store_or_journal(batches).await;
        let refused_at = (!written).then(|| self.env.now());
        *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner) = refused_at;
        if written {
            self.outage().iter_mut().for_each(|outage| outage.is_over = true);
        }
        written
    }

    async fn write_store_or_journal(&self, batches: &[AuditBatch]) -> bool {
        let disk = self.journal.as_ref();
        let disk_first = self.is_disk_first() || disk.is_some_and(Journal::is_store_unavailable);
        if disk_first && self.append_to_journal(batches).await {
            return true;
        }
        let stored = self.store(batches).await.is_ok();
        if let Some(journal) = disk {
            journal.set_store_unavailable(!stored);
        }
        stored || (!disk_first && self.append_to_journal(batches).await)
    }

    /// Whether batches go to the disk before the store. In relaxed mode no caller waits, so they go to the store directly.
    fn is_disk_first(&self) -> bool {
        self.mode == AuditMode::Strict && self.journal.as_ref().is_some_and(|journal| journal.is_first)
    }

    /// Stores batches.
    async fn store(&self, batches: &[AuditBatch]) -> Result<(), StoreError> {
        let (records, begun) = (records(batches), self.env.now());
        let work = self.store.append_audit_batches(batches);
        let failure = match self.env.clock.timeout(STORE_TIMEOUT, work).await {
            Some(Ok(())) => {
                self.metrics.audit_batch(records, self.env.now().since(begun));
                return Ok(());
            }
            Some(Err(error)) => error,
            None => StoreError::Unavailable("it does not answer".into()),
        };
        self.metrics.audit_failure();
        tracing::error!(records, error = %chain(&failure), "the audit cannot be written");
        Err(failure)
    }

    async fn append_to_journal(&self, batches: &[AuditBatch]) -> bool {
        let Some(journal) = &self.journal else { return false };
        let records = records(batches);
        match journal.append(batches.to_vec()).await {
            Ok(()) => {
                if journal.is_store_unavailable() {
                    self.metrics.audit_journaled(records);
                }
                true
            }
            Err(error) => {
                tracing::error!(records, error = %chain(&error), "the audit's journal cannot be written");
                false
            }
        }
    }

    /// Moves the waiting entries into the batch, without those whose callers have given up. `false` if none is left;
    /// then the next entry has to start a new task.
    fn fill(&self, batch: &mut Vec<Entry>) -> bool {
        batch.retain(Entry::matters);
        let mut queue = self.queue();
        while batch.len() < MAX_AT_ONCE
            && let Some(entry) = queue.waiting.pop_front()
        {
            batch.extend(Some(entry).filter(Entry::matters));
        }
        self.metrics.audit_waiting(queue.waiting.len() + batch.len());
        queue.writing = !batch.is_empty();
        queue.writing
    }

    /// Whether the server is stopping and has retried for long enough.
    fn gives_up(&self, stopping: &mut Option<Timestamp>) -> bool {
        let now = self.env.now();
        self.tasks.is_closed() && now.since(*stopping.get_or_insert(now)) >= FLUSHED_WITHIN
    }

    /// Logs a whole record that will never be in the store. It contains no secret.
    fn log_lost_record(&self, entry: &Entry) {
        self.metrics.audit_dropped();
        let record = serde_json::to_string(&entry.record).unwrap_or_default();
        tracing::error!(record, "a record is missing from the audit");
    }
}

/// The batch of a task. If the task panics, its batch is logged and another task may start.
struct ResetOnPanic<'a> {
    shared: &'a Shared,
    batch: Vec<Entry>,
}

impl Drop for ResetOnPanic<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        tracing::error!(worker = WORKER, "the audit's writer panicked; the next record starts it again");
        self.shared.metrics.panicked(WORKER);
        // A waiting caller is refused, because its sender is dropped.
        for entry in self.batch.drain(..).filter(|entry| entry.waiter.is_none()) {
            self.shared.log_lost_record(&entry);
        }
        let mut queue = self.shared.queue();
        queue.writing = false;
        // Waiting callers in the queue are refused too, because no task works on their records.
        queue.waiting.retain(|entry| entry.waiter.is_none());
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("mode", &self.shared.mode).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
