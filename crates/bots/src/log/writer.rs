//! Queues the log entries of all bots of a server and writes them in batches, so that no bot waits for its log.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::Metrics;
use model::{BotId, BotLogEntryId, Environment, chain};
use store::{BotLogs, LogEntry};
use tokio::sync::Notify;

use super::note::NewLogEntry;

/// Pause between an entry and its write, so that later entries join its batch.
const WRITE_PAUSE: Duration = Duration::from_millis(250);
/// Pause between tries while the store is unavailable.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// The most entries, of all bots together, that wait for the store. Further entries are dropped and counted as missed.
const MAX_WAITING: usize = 20_000;
/// The most entries of one bot in one batch.
const BATCH: usize = 200;

/// Writes the logs of the bots of this server. Clones share one queue.
#[derive(Clone)]
pub struct BotLog(Arc<Inner>);

struct Inner {
    store: Arc<dyn BotLogs + Send + Sync>,
    metrics: Metrics,
    env: Environment,
    waiting: Mutex<VecDeque<(BotId, LogEntry)>>,
    noted: Notify,
    /// The batches that are being written. They stay unchanged until the store confirms them. The writer holds the lock.
    writing: tokio::sync::Mutex<VecDeque<(BotId, Vec<LogEntry>)>>,
}

impl BotLog {
    /// Creates a log that is written to `store`.
    pub fn new(store: Arc<dyn BotLogs + Send + Sync>, metrics: Metrics, env: Environment) -> Self {
        Self(Arc::new(Inner {
            store,
            metrics,
            env,
            waiting: Mutex::default(),
            noted: Notify::new(),
            writing: tokio::sync::Mutex::default(),
        }))
    }

    /// Queues an entry of a bot's log, without waiting.
    pub fn note(&self, bot: BotId, note: NewLogEntry) {
        let now = self.0.env.now();
        let NewLogEntry { kind, text, fields } = note;
        let id = BotLogEntryId::generate_at(now, &self.0.env);
        let entry = LogEntry { id, at: now, kind: kind.as_str().to_owned(), text, fields };
        let mut waiting = self.waiting();
        if waiting.len() >= MAX_WAITING {
            return self.0.metrics.bot_log_missed(1);
        }
        waiting.push_back((bot, entry));
        self.0.noted.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(BotId, LogEntry)>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes queued entries for as long as it is polled. It may be dropped at any time: the next run writes unconfirmed
    /// entries again.
    pub(crate) async fn run(&self) -> Infallible {
        let clock = &self.0.env.clock;
        loop {
            self.0.noted.notified().await;
            clock.sleep(WRITE_PAUSE).await;
            while !self.flush().await {
                clock.sleep(STORE_RETRY_PAUSE).await;
            }
        }
    }

    /// Writes all entries that are queued now. Returns `false` if the store failed.
    #[tracing::instrument(name = "write_bot_log", skip_all)]
    pub async fn flush(&self) -> bool {
        let Inner { store, metrics, .. } = &*self.0;
        let mut writing = self.0.writing.lock().await;
        writing.extend(batches(std::mem::take(&mut *self.waiting())));
        while let Some((bot, entries)) = writing.front() {
            match store.append_bot_log(*bot, entries).await {
                Ok(dropped) => {
                    metrics.bot_log_kept(entries.len() as u64 - dropped);
                    metrics.bot_log_missed(dropped);
                    writing.pop_front();
                }
                Err(error) => {
                    tracing::error!(%bot, error = %chain(&error), "could not write entries of a bot's log; will retry");
                    return false;
                }
            }
        }
        true
    }
}

/// Groups entries by bot, in order, in batches of bounded size.
fn batches(noted: VecDeque<(BotId, LogEntry)>) -> Vec<(BotId, Vec<LogEntry>)> {
    let mut of_bots: BTreeMap<BotId, Vec<LogEntry>> = BTreeMap::new();
    for (bot, entry) in noted {
        of_bots.entry(bot).or_default().push(entry);
    }
    let chunks = |(bot, entries): (BotId, Vec<LogEntry>)| {
        entries.chunks(BATCH).map(|some| (bot, some.to_vec())).collect::<Vec<_>>()
    };
    of_bots.into_iter().flat_map(chunks).collect()
}

impl std::fmt::Debug for BotLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BotLog").field("waiting", &self.waiting().len()).finish_non_exhaustive()
    }
}
