//! Leases due bots and runs them, and records the last step of bots that will not join any more.
//!
//! It reads the desired state on a timer and when woken: a lost wake-up costs a second. A bot whose server
//! died is leased again, by any server, when its lease lapses.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{BotId, LeaseToken, Timestamp};
use store::{Bot, Lease, StoreError};
use tokio_util::sync::CancellationToken;
use workers::{Claimed, Settings, Work, Worker, Workers};

use crate::{
    Kind, Note, Parts, Screenshots, best_before,
    capacity::{self, Capacity},
    create::AliveCounts,
    lease::{LeasedBot, RunningBots},
    log, retention, runner,
};

/// The time limit for the last entries of bots' logs while a server stops.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Most bots whose last step is recorded at once: each is a transaction or two.
const MAX_CLOSING: NonZeroU32 = NonZeroU32::new(16).expect("not zero");

/// How long a server leaves scheduled bots beyond its share to the others.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(3);

/// Runs the bots of this process.
pub struct Supervisor {
    pub(crate) parts: Arc<Parts>,
    workers: Workers,
    /// `None` where no bots run.
    pub(crate) joining: Option<Worker<DueBots>>,
    closing: Worker<BotsToClose>,
    pub(crate) running: Arc<RunningBots>,
    pub(crate) capacity: Arc<Capacity>,
    /// Names this server to the others.
    pub(crate) id: String,
    pub(crate) alive: AliveCounts,
    /// Cancelled when no further bot is to be taken.
    pub(crate) finishing: CancellationToken,
    /// Cancelled when running bots are to leave.
    stopping: CancellationToken,
}

impl Supervisor {
    /// Starts the workers.
    pub fn start(parts: Parts) -> Arc<Self> {
        let parts = Arc::new(parts);
        let workers = Workers::new(parts.env.clone(), Arc::new(parts.metrics.clone()));
        let capacity = Arc::new(Capacity::new(parts.capacity));
        parts.metrics.bots_capacity(capacity.now());
        parts.browsers.limit(capacity.now());
        let id = parts.env.entropy.token();
        let running = Arc::new(RunningBots::new(parts.metrics.clone()));
        let (finishing, stopping) = (CancellationToken::new(), CancellationToken::new());
        let settings = |most_at_once| Settings {
            most_at_once,
            claim_at_least: NonZeroU32::MIN,
            poll_interval: parts.timing.poll_interval,
        };
        let joining = NonZeroU32::new(parts.capacity.most()).map(|most| {
            let due = DueBots {
                parts: Arc::clone(&parts),
                running: Arc::clone(&running),
                capacity: Arc::clone(&capacity),
                id: id.clone(),
                left_since: Mutex::default(),
                stopping: stopping.clone(),
            };
            Worker::start(&workers, due, settings(most))
        });
        let to_close = BotsToClose { parts: Arc::clone(&parts) };
        let closing = Worker::start(&workers, to_close, settings(MAX_CLOSING));
        let kept = Arc::clone(&parts);
        workers.run("bot_retention", move || retention::run(Arc::clone(&kept)));
        let log = parts.log.clone();
        workers.run("bot_log", move || {
            let log = log.clone();
            async move { log.run().await }
        });
        let alive = AliveCounts::default();
        let supervisor = Arc::new(Self {
            parts,
            workers,
            joining,
            closing,
            running,
            capacity,
            id,
            alive,
            finishing,
            stopping,
        });
        if supervisor.joining.is_some() {
            let saying = Arc::clone(&supervisor);
            supervisor.workers.run_to_end("bot_presence", move || Arc::clone(&saying).run_presence());
        }
        supervisor
    }

    /// The pictures of bots.
    pub fn screenshots(&self) -> &Screenshots {
        &self.parts.screenshots
    }

    /// Wakes the worker: a bot was created or changed.
    pub fn poke(&self, bot: BotId) {
        self.running.changed(bot);
        if let Some(joining) = &self.joining {
            joining.poke();
        }
        self.closing.poke();
    }

    /// Takes no further bot, and returns when the last running one has ended.
    pub async fn finish(&self) {
        self.finishing.cancel();
        if let Some(joining) = &self.joining {
            joining.finish().await;
        }
    }

    /// Takes every bot out of its meeting and releases it to another server, closes the browser, and returns
    /// when that is done.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.finish().await;
        self.closing.finish().await;
        self.workers.stop().await;
        // A server that stops does not wait for the store.
        let written = self.parts.env.clock.timeout(LAST_WRITE_TIMEOUT, self.parts.log.flush()).await;
        if written != Some(true) {
            tracing::warn!("the last entries of bots' logs are lost: the store did not take them");
        }
        self.parts.browsers.close().await;
    }
}

/// Bots that are due, or soon will be, or whose server died.
pub(crate) struct DueBots {
    parts: Arc<Parts>,
    running: Arc<RunningBots>,
    capacity: Arc<Capacity>,
    id: String,
    /// Since when bots have been left to the other servers, on the monotonic clock.
    left_since: Mutex<Option<Duration>>,
    stopping: CancellationToken,
}

impl Work for DueBots {
    const NAME: &'static str = "bots";
    type Item = LeasedBot;
    type Error = StoreError;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<LeasedBot>>, StoreError> {
        let Parts { store, env, timing, .. } = &*self.parts;
        let now = env.now();
        let soon = now + timing.warm_up;
        let demand = store.bot_demand(soon, now).await?;
        let running = self.running.count();
        let capacity = self.capacity.now();
        let room = capacity.saturating_sub(running).min(most);
        if demand.waiting == 0 || room == 0 {
            self.left(false);
            return Ok(Vec::new());
        }
        // A bot that is due waits for no other server, as long as this one, which was asked, is not half full.
        let at_once = capacity.div_ceil(2).saturating_sub(running).min(room);
        let mut leased = self.lease(at_once, now, now).await?;
        if demand.waiting > leased.len() as u64 {
            let rest = room - u32::try_from(leased.len()).unwrap_or(room);
            let own = if self.left(true) {
                rest
            } else {
                let servers = store.bot_servers(now).await?;
                let of_all = capacity::of_all(&servers, (&self.id, capacity), now);
                let share = capacity::share(demand.needed, capacity, of_all);
                share.saturating_sub(running + (room - rest)).min(rest)
            };
            leased.extend(self.lease(own, soon, now).await?);
        }
        if demand.waiting <= leased.len() as u64 {
            self.left(false);
        }
        Ok(leased
            .into_iter()
            .map(|(bot, lease)| Claimed {
                due_at: best_before::due_at(&bot, now),
                item: self.running.add(bot, lease),
            })
            .collect())
    }

    async fn run(&self, item: &LeasedBot) -> Result<(), StoreError> {
        let now = self.parts.env.now();
        let late = log::milliseconds(best_before::due_at(&item.bot, now), now);
        let note = Note::new(Kind::Taken, format!("A server took the bot, {late} ms after it was due."));
        self.parts.log.note(item.bot.id, note.with("milliseconds_late", late));
        runner::run(&self.parts, &item.bot, item.lease, item.commands(), item.output_revision()).await;
        Ok(())
    }

    async fn keep_lease(&self, item: &LeasedBot) {
        item.keep(&self.parts, &self.stopping).await;
    }
}

impl DueBots {
    /// Leases up to `most` bots that are due `until`.
    async fn lease(
        &self,
        most: u32,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let tokens = tokens(most, &self.parts);
        self.parts.store.lease_due_bots(&tokens, until, now, now + self.parts.timing.lease).await
    }

    /// Notes whether bots are left to the other servers. Answers whether they have been for so long that nobody
    /// else seems to take them.
    fn left(&self, are_left: bool) -> bool {
        let now = self.parts.env.clock.elapsed();
        let mut since = self.left_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = are_left.then(|| since.unwrap_or(now));
        since.is_some_and(|since| now.saturating_sub(since) >= LEFT_TO_OTHERS)
    }
}

/// Bots that will not join any more. Their last step needs no browser and no free place.
struct BotsToClose {
    parts: Arc<Parts>,
}

impl Work for BotsToClose {
    const NAME: &'static str = "bots_to_close";
    type Item = (Bot, Lease);
    type Error = StoreError;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<(Bot, Lease)>>, StoreError> {
        let Parts { store, env, timing, .. } = &*self.parts;
        let (tokens, now) = (tokens(most, &self.parts), env.now());
        let missed_before = now - timing.join_within;
        let leased = store.lease_bots_to_close(&tokens, missed_before, now, now + timing.lease).await?;
        // They were due for their last step when they were missed.
        let claimed = |item: (Bot, Lease)| Claimed {
            due_at: best_before::due_at(&item.0, now) + timing.join_within,
            item,
        };
        Ok(leased.into_iter().map(claimed).collect())
    }

    async fn run(&self, (bot, lease): &(Bot, Lease)) -> Result<(), StoreError> {
        runner::close(&self.parts, bot, *lease).await;
        Ok(())
    }
}

fn tokens(count: u32, parts: &Parts) -> Vec<LeaseToken> {
    (0..count).map(|_| LeaseToken::generate(&parts.env)).collect()
}
