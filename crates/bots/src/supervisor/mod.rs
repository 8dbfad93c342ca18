//! Runs the bots of this process.
//!
//! - `due_bots`: leases bots that are due and runs each as a task (`run`). Startup and recovery from a crash work alike.
//! - `bots_to_close`: records the last step of bots that will not join any more.
//! - `running_bots`: the bots that run here; renews their leases and passes commands to them.
//! - `capacity_report`: reports to the other servers how many bots can run here.
//! - `retention`: deletes data whose retention period has ended.

mod bots_to_close;
mod capacity_report;
mod due_bots;
mod retention;
mod running_bots;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use workers::{Settings, Worker, Workers};

use crate::{run::RunParts, servers::ThisServer, wake::Wake};

use bots_to_close::BotsToClose;
use capacity_report::Presence;
use due_bots::DueBots;
use running_bots::RunningBots;

pub(crate) use retention::Sweeper;

/// The time limit for writing the last entries of bots' logs when a server stops.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bots whose last step is recorded at once. Each takes one or two transactions.
const MAX_CLOSING: NonZeroU32 = NonZeroU32::new(16).expect("not zero");

/// Runs the bots of this process.
///
/// Its workers read the desired state on a timer and when they are woken. When the server of a bot dies, the bot's lease
/// expires, and any server can lease the bot again.
pub struct Supervisor {
    parts: Arc<RunParts>,
    this_server: Arc<ThisServer>,
    workers: Workers,
    /// `None` on a server that runs no bots.
    joining: Option<Worker<DueBots>>,
    closing: Worker<BotsToClose>,
    running: Arc<RunningBots>,
    /// Cancelled when running bots are to leave.
    stopping: CancellationToken,
}

impl Supervisor {
    /// Starts the workers. `most_bots` is the largest number of bots that can ever run here at once.
    pub(crate) fn start(
        parts: Arc<RunParts>,
        this_server: Arc<ThisServer>,
        most_bots: u32,
        sweeper: Sweeper,
    ) -> Self {
        let workers = Workers::new(parts.env.clone(), Arc::new(parts.metrics.clone()));
        parts.metrics.bots_capacity(this_server.capacity.now());
        parts.browsers.limit(this_server.capacity.now());
        let running = Arc::new(RunningBots::new(parts.metrics.clone()));
        let stopping = CancellationToken::new();
        let settings = |most_at_once| Settings {
            most_at_once,
            claim_at_least: NonZeroU32::MIN,
            poll_interval: parts.timing.poll_interval,
        };
        let joining = NonZeroU32::new(most_bots).map(|most| {
            let (running, this_server) = (Arc::clone(&running), Arc::clone(&this_server));
            let due = DueBots::new(Arc::clone(&parts), running, this_server, stopping.clone());
            Worker::start(&workers, due, settings(most))
        });
        let closing =
            Worker::start(&workers, BotsToClose { parts: Arc::clone(&parts) }, settings(MAX_CLOSING));
        let sweeper = Arc::new(sweeper);
        workers.run("bot_retention", move || Arc::clone(&sweeper).run());
        let log = parts.log.clone();
        workers.run("bot_log", move || {
            let log = log.clone();
            async move { log.run().await }
        });
        if joining.is_some() {
            let presence = Arc::new(Presence {
                store: parts.store.clone(),
                this_server: Arc::clone(&this_server),
                running: Arc::clone(&running),
                browsers: parts.browsers.clone(),
                metrics: parts.metrics.clone(),
                env: parts.env.clone(),
            });
            workers.run_to_end("bot_presence", move || Arc::clone(&presence).run());
        }
        Self { parts, this_server, workers, joining, closing, running, stopping }
    }

    /// Returns the handle that wakes the workers, and the changed bot if it runs here.
    pub(crate) fn wake(&self) -> Wake {
        let (running, joining, closing) =
            (Arc::clone(&self.running), self.joining.clone(), self.closing.clone());
        Wake::new(move |bot| {
            running.changed(bot);
            if let Some(joining) = &joining {
                joining.wake();
            }
            closing.wake();
        })
    }

    /// Stops accepting bots, and returns when the last running bot has ended.
    pub async fn finish(&self) {
        self.this_server.finishing.cancel();
        if let Some(joining) = &self.joining {
            joining.finish().await;
        }
    }

    /// Takes every bot out of its meeting and releases it to another server, then closes the browsers. Returns when all of
    /// this is done.
    pub async fn stop(&self) {
        let RunParts { env, log, browsers, .. } = &*self.parts;
        self.stopping.cancel();
        self.finish().await;
        self.closing.finish().await;
        self.workers.stop().await;
        // A server that stops does not wait until the store is available.
        let written = env.clock.timeout(LAST_WRITE_TIMEOUT, log.flush()).await;
        if written != Some(true) {
            tracing::warn!("the last entries of bots' logs are lost: the store is unavailable");
        }
        browsers.close().await;
    }
}
