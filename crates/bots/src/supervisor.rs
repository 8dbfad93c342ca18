//! Leases bots that are due, and runs them; and gives those their last step that will join no meeting any more.
//!
//! It reads the desired state and moves the world toward it, on a timer and when poked: a lost poke costs a second,
//! never a bot. A bot whose server died is leased again when its lease lapses, by whoever finds it first.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use model::{BotId, LeaseToken, Timestamp};
use store::{Bot, Lease, StoreError};
use tokio_util::sync::CancellationToken;
use workers::{Claimed, Settings, Work, Worker, Workers};

use crate::{
    Parts, Screenshots, best_before,
    create::AliveCounts,
    lease::{LeasedBot, RunningBots},
    retention, runner,
};

/// How often a server that runs bots says so, to those that run none.
const PRESENCE_INTERVAL: Duration = Duration::from_secs(60);
/// After this without a word, a server that runs bots is taken to be gone.
const PRESENCE_TTL: Duration = Duration::from_secs(600);
/// And after this, it is forgotten.
const PRESENCE_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Bots that get their last step at once: each is a transaction or two.
const MAX_CLOSING: NonZeroU32 = NonZeroU32::new(16).expect("not zero");

/// Why a new bot would wait for ever, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NobodyRunsBots {
    /// There is no such server.
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
    /// No further bot is taken.
    finishing: CancellationToken,
    /// Those that run leave.
    stopping: CancellationToken,
}

impl Supervisor {
    /// Starts looking after bots.
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

    /// A bot was made or changed: look at once.
    pub fn poke(&self, bot: BotId) {
        self.running.changed(bot);
        if let Some(joining) = &self.joining {
            joining.poke();
        }
        self.closing.poke();
    }

    /// Whether a new bot would find no server to run it. One that is `scheduled` has time until somebody starts one.
    pub async fn nobody_runs_bots(&self, scheduled: bool) -> Result<Option<NobodyRunsBots>, StoreError> {
        if self.joining.is_some() {
            return Ok(None);
        }
        let silence = if scheduled { PRESENCE_KEPT } else { PRESENCE_TTL };
        Ok(match self.parts.store.bot_server_seen_at().await? {
            None => Some(NobodyRunsBots::Ever),
            Some(at) => (self.parts.env.now().since(at) > silence).then_some(NobodyRunsBots::Since(at)),
        })
    }

    /// Says that bots run here, until none is taken any more.
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

    /// Takes no further bot, and returns when the last one that runs here has ended.
    pub async fn finish(&self) {
        self.finishing.cancel();
        if let Some(joining) = &self.joining {
            joining.finish().await;
        }
    }

    /// Brings every bot out of its meeting and gives it to whoever comes next, ends the browser, and returns when all of it
    /// is done.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.finish().await;
        self.closing.finish().await;
        self.workers.stop().await;
        self.parts.fleet.close().await;
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
                due_at: best_before::due_at(&bot),
                item: self.running.add(bot, lease),
            })
            .collect())
    }

    async fn run(&self, item: &LeasedBot) -> Result<(), StoreError> {
        runner::run(&self.parts, &item.bot, item.lease, item.commands()).await;
        Ok(())
    }

    async fn keep_lease(&self, item: &LeasedBot) {
        item.keep(&self.parts, &self.stopping).await;
    }
}

/// Bots that will join no meeting any more, and need no browser and no free place to hear it.
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
        // Due for their last step when they were missed.
        let claimed =
            |item: (Bot, Lease)| Claimed { due_at: best_before::due_at(&item.0) + timing.join_within, item };
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
