//! Leases due bots and runs them, and records the last step of bots that will not join any more.
//!
//! It reads the desired state on a timer and when woken: a lost wake-up costs a second. A bot whose server
//! died is leased again, by any server, when its lease lapses.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use model::{BotId, LeaseToken, Timestamp};
use store::{Bot, Lease, StoreError};
use tokio_util::sync::CancellationToken;
use workers::{Claimed, Settings, Work, Worker, Workers};

use crate::{
    Kind, Note, Parts, Screenshots, best_before,
    create::AliveCounts,
    lease::{LeasedBot, RunningBots},
    log, retention, runner,
};

/// How often a server that runs bots reports that it is alive, for servers that run none.
const PRESENCE_INTERVAL: Duration = Duration::from_secs(60);
/// A server that has not reported for this long counts as gone.
const PRESENCE_TTL: Duration = Duration::from_secs(600);
/// A server that has not reported for this long is deleted.
const PRESENCE_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// The time limit for the last entries of bots' logs while a server stops.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Most bots whose last step is recorded at once: each is a transaction or two.
const MAX_CLOSING: NonZeroU32 = NonZeroU32::new(16).expect("not zero");

/// Why a new bot would wait for ever, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NobodyRunsBots {
    /// There never was such a server.
    #[error(
        "No server of this installation runs bots: set bots.capacity above 0 in the configuration of one, and start it."
    )]
    Ever,
    /// There was one.
    #[error(
        "The last server that runs bots was seen at {0}: start one with bots.capacity above 0, and try again."
    )]
    Since(Timestamp),
}

/// Runs the bots of this process.
pub struct Supervisor {
    pub(crate) parts: Arc<Parts>,
    workers: Workers,
    /// `None` where no bots run.
    joining: Option<Worker<DueBots>>,
    closing: Worker<BotsToClose>,
    running: Arc<RunningBots>,
    pub(crate) alive: AliveCounts,
    /// Cancelled when no further bot is to be taken.
    finishing: CancellationToken,
    /// Cancelled when running bots are to leave.
    stopping: CancellationToken,
}

impl Supervisor {
    /// Starts the workers.
    pub fn start(parts: Parts) -> Arc<Self> {
        let parts = Arc::new(parts);
        let workers = Workers::new(parts.env.clone(), Arc::new(parts.metrics.clone()));
        parts.metrics.bots_capacity(parts.capacity);
        let running = Arc::new(RunningBots::new(parts.metrics.clone()));
        let (finishing, stopping) = (CancellationToken::new(), CancellationToken::new());
        let settings = |most_at_once| Settings {
            most_at_once,
            claim_at_least: NonZeroU32::MIN,
            poll_interval: parts.timing.poll_interval,
        };
        let capacity = NonZeroU32::new(u32::try_from(parts.capacity).unwrap_or(u32::MAX));
        let joining = capacity.map(|capacity| {
            let (parts, running) = (Arc::clone(&parts), Arc::clone(&running));
            let due = DueBots { parts, running, stopping: stopping.clone() };
            Worker::start(&workers, due, settings(capacity))
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
        let supervisor =
            Arc::new(Self { parts, workers, joining, closing, running, alive, finishing, stopping });
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

    /// Whether a new bot would find no server. For a `scheduled` bot one may be started in time.
    pub async fn nobody_runs_bots(&self, scheduled: bool) -> Result<Option<NobodyRunsBots>, StoreError> {
        if self.joining.is_some() {
            return Ok(None);
        }
        let silence = if scheduled { PRESENCE_KEPT } else { PRESENCE_TTL };
        let now = self.parts.env.now();
        Ok(match self.parts.store.bot_server_seen_at(now).await? {
            None => Some(NobodyRunsBots::Ever),
            Some(at) => (now.since(at) > silence).then_some(NobodyRunsBots::Since(at)),
        })
    }

    /// Reports that this server runs bots, until it takes no more.
    async fn run_presence(self: Arc<Self>) {
        let env = &self.parts.env;
        let server = env.entropy.token();
        while !self.finishing.is_cancelled() {
            let now = env.now();
            if let Err(error) = self.parts.store.see_bot_server(&server, now, now - PRESENCE_KEPT).await {
                tracing::warn!(%error, "other servers are not told that bots run here");
            }
            tokio::select! {
                () = self.finishing.cancelled() => {}
                () = env.clock.sleep(PRESENCE_INTERVAL) => {}
            }
        }
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
        self.parts.shared_browser.close().await;
    }
}

/// Bots that are due, or whose server died.
struct DueBots {
    parts: Arc<Parts>,
    running: Arc<RunningBots>,
    stopping: CancellationToken,
}

impl Work for DueBots {
    const NAME: &'static str = "bots";
    type Item = LeasedBot;
    type Error = StoreError;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<LeasedBot>>, StoreError> {
        let Parts { store, env, timing, .. } = &*self.parts;
        let (tokens, now) = (tokens(most, &self.parts), env.now());
        let leased = store.lease_due_bots(&tokens, now, now + timing.lease).await?;
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
