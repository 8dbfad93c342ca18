//! Takes notes of all bots of a server, and writes them in batches: no bot ever waits for its log.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::Metrics;
use model::{BotId, BotLogEntryId, Environment};
use store::{BotLogs, LogEntry};
use tokio::sync::Notify;

use super::note::Note;

/// After a note: what comes meanwhile is written with it.
const WRITE_PAUSE: Duration = Duration::from_millis(250);
/// Between tries while the store is away.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Most entries, of all bots, that wait for the store. Later ones are counted as missed.
const MOST_WAITING: usize = 20_000;
/// The largest batch of a bot.
const BATCH: usize = 200;

/// The logs of the bots of this server. Cloned freely.
#[derive(Clone)]
pub struct BotLog(Arc<Inner>);

struct Inner {
    store: Arc<dyn BotLogs + Send + Sync>,
    metrics: Metrics,
    env: Environment,
    waiting: Mutex<VecDeque<(BotId, LogEntry)>>,
    noted: Notify,
    /// The batch that is being written: the same until the store has it. The writer holds it.
    writing: tokio::sync::Mutex<VecDeque<(BotId, Vec<LogEntry>)>>,
}

impl BotLog {
    /// Logs in `store`.
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

    /// Notes what happened to a bot, in no time.
    pub fn note(&self, bot: BotId, note: Note) {
        let now = self.0.env.now();
        let Note { kind, text, fields } = note;
        let id = BotLogEntryId::generate_at(now, &self.0.env);
        let entry = LogEntry { id, at: now, kind: kind.as_str().to_owned(), text, fields };
        let mut waiting = self.waiting();
        if waiting.len() >= MOST_WAITING {
            return self.0.metrics.bot_log_missed(1);
        }
        waiting.push_back((bot, entry));
        self.0.noted.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(BotId, LogEntry)>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was noted, for as long as it is polled. Dropped at any time: what is not confirmed is written again.
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

    /// Writes all that was noted so far; `false` if the store did not take it.
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
                    tracing::error!(%bot, %error, "entries of a bot's log wait for the store");
                    return false;
                }
            }
        }
        true
    }
}

/// The entries of each bot, in their order.
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
