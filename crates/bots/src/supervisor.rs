//! Leases bots that are due, one task each.
//!
//! It reads the desired state and moves the world toward it, on a timer and when poked: a lost poke costs a second,
//! never a bot. A bot whose server died is leased again when its lease lapses, by whoever finds it first.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{BotId, LeaseToken, Timestamp};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Parts, parts::LEASE_LIFE, runner};

/// How often it looks for due bots without being poked.
const LOOK: Duration = Duration::from_secs(1);
/// How often a server that runs bots says so, to those that run none.
const SAY_SO: Duration = Duration::from_secs(60);
/// After this without a word, a server that runs bots is taken to be gone.
const GONE: Duration = Duration::from_secs(600);
/// And after this, it is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 3600);

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
    pub(crate) parts: Parts,
    look: Notify,
    /// Told when the row of a bot that runs here has changed.
    running: Mutex<HashMap<BotId, Arc<Notify>>>,
    /// No further bot is taken.
    closing: CancellationToken,
    /// Those that run leave.
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Supervisor {
    /// Starts looking after bots.
    pub fn start(parts: Parts) -> Arc<Self> {
        let supervisor = Arc::new(Self {
            parts,
            look: Notify::new(),
            running: Mutex::default(),
            closing: CancellationToken::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let looking = Arc::clone(&supervisor);
        supervisor.tasks.spawn(async move { looking.look_after_bots().await });
        if supervisor.parts.capacity > 0 {
            let saying = Arc::clone(&supervisor);
            supervisor.tasks.spawn(async move { saying.say_that_bots_run_here().await });
        }
        supervisor
    }

    /// What bots need; the API checks requests with it.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// A bot was made or changed: look at once.
    pub fn poke(&self, bot: BotId) {
        if let Some(changed) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&bot) {
            changed.notify_one();
        }
        self.look.notify_one();
    }

    /// Whether a new bot would find no server to run it. One that is `scheduled` has time until somebody starts one.
    pub async fn nobody_runs_bots(
        &self,
        scheduled: bool,
    ) -> Result<Option<NobodyRunsBots>, store::StoreError> {
        if self.parts.capacity > 0 {
            return Ok(None);
        }
        let silence = if scheduled { FORGOTTEN } else { GONE };
        Ok(match self.parts.store.bot_server_seen_at().await? {
            None => Some(NobodyRunsBots::Ever),
            Some(at) => (self.parts.env.now().since(at) > silence).then_some(NobodyRunsBots::Since(at)),
        })
    }

    async fn say_that_bots_run_here(self: Arc<Self>) {
        let env = &self.parts.env;
        let server = env.entropy.token();
        while !self.closing.is_cancelled() {
            let now = env.now();
            if let Err(error) = self.parts.store.see_bot_server(&server, now, now - FORGOTTEN).await {
                tracing::warn!(%error, "other servers are not told that bots run here");
            }
            tokio::select! {
                () = self.closing.cancelled() => {}
                () = env.clock.sleep(SAY_SO) => {}
            }
        }
    }

    /// Takes no further bot, and returns when the last one that runs here has ended.
    pub async fn finish(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Brings every bot out of its meeting and gives it to whoever comes next, ends the browser, and returns when all of it
    /// is done.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.finish().await;
        self.parts.fleet.close().await;
    }

    async fn look_after_bots(self: Arc<Self>) {
        let env = &self.parts.env;
        while !self.closing.is_cancelled() {
            if let Err(error) = self.lease_due_bots().await {
                tracing::error!(%error, "due bots cannot be read");
            }
            tokio::select! {
                () = self.closing.cancelled() => {}
                () = self.look.notified() => {}
                () = env.clock.sleep(LOOK) => {}
            }
        }
    }

    async fn lease_due_bots(self: &Arc<Self>) -> Result<(), store::StoreError> {
        let env = &self.parts.env;
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).len();
        let free = self.parts.capacity.saturating_sub(running);
        if free == 0 {
            return Ok(());
        }
        let tokens: Vec<_> = (0..free).map(|_| LeaseToken::generate(env)).collect();
        let now = env.now();
        for (bot, lease) in self.parts.store.lease_due_bots(&tokens, now, now + LEASE_LIFE).await? {
            let (supervisor, changed) = (Arc::clone(self), Arc::new(Notify::new()));
            let seat = Seat { supervisor: Arc::clone(self), bot: bot.id, changed: Arc::clone(&changed) };
            self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(bot.id, Arc::clone(&changed));
            let stopping = self.stopping.clone();
            self.tasks.spawn(async move {
                let _seat = seat;
                runner::run(&supervisor.parts, bot, lease, &changed, &stopping).await;
            });
        }
        Ok(())
    }
}

/// A running bot's place; given back also when its task panics.
struct Seat {
    supervisor: Arc<Supervisor>,
    bot: BotId,
    changed: Arc<Notify>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut running = self.supervisor.running.lock().unwrap_or_else(PoisonError::into_inner);
        // A lease that lapsed while this process stood still may have been taken here again: that seat stays.
        if running.get(&self.bot).is_some_and(|changed| Arc::ptr_eq(changed, &self.changed)) {
            running.remove(&self.bot);
        }
        drop(running);
        self.supervisor.look.notify_one();
    }
}
