//! A running broker: its workers, and the order in which they stop.

use std::{convert::Infallible, sync::Arc, time::Duration};

use model::{Environment, Failure, chain};
use tokio_util::task::TaskTracker;
use workers::{Worker, Workers};

use crate::{Broker, DueLists, DueRefreshes, Parts, Timing, clock};

/// The interval of polls of the escrow.
const ESCROW_INTERVAL: Duration = Duration::from_secs(5);
/// The interval between deletions of expired secrets and answers.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

/// A broker with running workers. Stop it with [`stop`](Self::stop).
pub struct Running {
    broker: Arc<Broker>,
    workers: Workers,
    refreshes: Worker<DueRefreshes>,
    lists: Worker<DueLists>,
    tasks: TaskTracker,
}

impl Broker {
    /// Creates the broker, moves grants and records that the last run left on this machine's disk into the store, and starts
    /// the workers. Records of the audit are kept for `audit_kept`.
    ///
    /// # Errors
    /// When the escrow can't be read, or the store is unavailable: a grant that is not settled must not be spent again.
    pub async fn start(parts: Parts, workers: &Workers, audit_kept: Duration) -> Result<Running, Failure> {
        let (env, tasks, timing) = (parts.env.clone(), parts.tasks.clone(), parts.timing);
        let broker = Arc::new(Self::new(parts));
        // This must be done before any token is requested.
        broker.accounts.grants.replay().await?;
        broker.audit.replay_journal().await;
        let (refreshes, lists) = broker.start_claiming(workers, timing);
        broker.run_workers(workers, &env, audit_kept);
        Ok(Running { broker, workers: workers.clone(), refreshes, lists, tasks })
    }

    /// Starts the workers that claim rows.
    fn start_claiming(&self, workers: &Workers, timing: Timing) -> (Worker<DueRefreshes>, Worker<DueLists>) {
        let stopping = workers.stopping();
        let refreshes = DueRefreshes::new(Arc::clone(&self.accounts.refresher), stopping.clone());
        let lists = DueLists::new(Arc::clone(&self.meeting_map), stopping.clone());
        (Worker::start(workers, refreshes, timing.refreshes()), Worker::start(workers, lists, timing.lists()))
    }

    /// Starts the other loops.
    fn run_workers(self: &Arc<Self>, workers: &Workers, env: &Environment, audit_kept: Duration) {
        self.run(workers, "escrow", {
            let env = env.clone();
            move |broker| broker.run_escrow(env.clone())
        });
        self.run(workers, "received_events", |broker| async move {
            broker.accounts.webhooks.run_received_events().await
        });
        self.run(workers, "gone_meetings", |broker| Arc::clone(&broker.meeting_map).run_forgetting());
        self.run(
            workers,
            "parked_consents",
            |broker| async move { broker.accounts.parked.run_expiry().await },
        );
        self.run(workers, "zoom_limits", |broker| async move { broker.limits.run_shares().await });
        self.run(workers, "audit_journal", |broker| async move { broker.audit.run_journal().await });
        self.run(
            workers,
            "audit_upkeep",
            move |broker| async move { broker.audit.run_upkeep(audit_kept).await },
        );
        self.run(workers, "expiry", {
            let env = env.clone();
            move |broker| broker.run_expiry(env.clone())
        });
        self.run(workers, "zoom_clock", {
            let env = env.clone();
            move |broker| {
                let env = env.clone();
                async move { clock::run(&broker.zoom, &env).await }
            }
        });
    }

    fn run<L>(
        self: &Arc<Self>,
        workers: &Workers,
        name: &'static str,
        work: impl Fn(Arc<Self>) -> L + Send + 'static,
    ) where
        L: Future<Output = Infallible> + Send + 'static,
    {
        let broker = Arc::clone(self);
        workers.run(name, move || work(Arc::clone(&broker)));
    }

    /// Settles deposits in escrow. A failure means that the store is unavailable; the next poll retries.
    async fn run_escrow(self: Arc<Self>, env: Environment) -> Infallible {
        loop {
            env.clock.sleep(ESCROW_INTERVAL).await;
            if let Err(error) = self.accounts.grants.replay_deposits().await {
                tracing::warn!(error = %chain(&error), "grants in escrow were not stored");
            }
            if let Err(error) = self.accounts.imports.resume().await {
                tracing::warn!(error = %chain(&error), "imported grants in escrow were not stored");
            }
        }
    }

    /// Deletes expired idempotent answers, expired secrets and old invitations.
    async fn run_expiry(self: Arc<Self>, env: Environment) -> Infallible {
        loop {
            if let Err(error) = self.idempotency.forget_old().await {
                tracing::warn!(error = %chain(&error), "expired idempotent answers were not deleted");
            }
            if let Err(error) = self.workspaces.erase_former_callback_secrets().await {
                tracing::warn!(error = %chain(&error), "expired callback secrets were not erased");
            }
            if let Err(error) = self.accounts.apps.erase_former_webhook_secrets().await {
                tracing::warn!(error = %chain(&error), "expired webhook secrets were not erased");
            }
            if let Err(error) = self.accounts.authorizations.forget_ended().await {
                tracing::warn!(error = %chain(&error), "old invitations were not deleted");
            }
            env.clock.sleep(EXPIRY_INTERVAL).await;
        }
    }
}

impl Running {
    /// The broker.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// Stops in this order: workers, including those that others started on the same [`Workers`]; their claims;
    /// running tasks, which finish; the audit's journal, after the last token; this server's shares of Zoom's
    /// limits, after the last call to Zoom. The store may be closed afterwards.
    pub async fn stop(self) {
        self.workers.stop().await;
        self.refreshes.finish().await;
        self.lists.finish().await;
        self.tasks.close();
        self.tasks.wait().await;
        self.broker.audit.close_journal().await;
        self.broker.limits.give_back().await;
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("workers", &self.workers).finish_non_exhaustive()
    }
}
