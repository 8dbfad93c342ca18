//! The installation-wide numbers of `/metrics`, counted on request.

use std::{sync::Arc, time::Duration};

use metrics::Metrics;
use model::{Environment, chain};
use store::{Stats, StoreError};
use tokio_util::task::TaskTracker;
use zoom::ZoomClient;

use crate::{accounts::Escrow, health::HealthChecks, single_flight::SingleFlight};

/// How long the count of accounts is cached: it scans an index.
const COUNT_TTL: Duration = Duration::from_secs(60);
/// How long a scrape waits for a new count.
const COUNT_TIMEOUT: Duration = Duration::from_secs(2);

/// The numbers of `/metrics`.
pub struct Statistics {
    pub(crate) store: Arc<dyn Stats + Send + Sync>,
    pub(crate) env: Environment,
    pub(crate) tasks: TaskTracker,
    pub(crate) zoom: ZoomClient,
    pub(crate) metrics: Metrics,
    pub(crate) health: Arc<HealthChecks>,
    pub(crate) escrow: Option<Escrow>,
    pub(crate) counts: SingleFlight<(), ()>,
}

impl Statistics {
    /// The metrics that the server itself counts.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// All metrics as OpenMetrics text. Accounts are counted at most once a minute.
    pub async fn metrics_text(self: &Arc<Self>) -> String {
        if !self.metrics.statistics_at().was_within(COUNT_TTL, self.env.now()) {
            let this = Arc::clone(self);
            let counted = self.counts.run((), &self.tasks, move || async move { this.count().await });
            // On a timeout the older count is used, together with its time.
            let _late = self.env.clock.timeout(COUNT_TIMEOUT, counted).await;
        }
        self.metrics.clock_ahead(self.zoom.clock().ahead_of_zoom().unwrap_or(0));
        for finding in self.health.check().await {
            self.metrics.problem(&finding);
        }
        if let Some(escrow) = &self.escrow {
            match escrow.waiting().await {
                Ok(files) => self.metrics.escrow_files(files),
                Err(error) => tracing::warn!(error = %chain(&error), "the files in escrow were not counted"),
            }
        }
        self.metrics.text()
    }

    async fn count(&self) {
        let now = self.env.now();
        let counted = async {
            Ok::<_, StoreError>((
                self.store.credentials_by_status().await?,
                self.store.seats_taken(now).await?,
                self.store.bots_waiting(now).await?,
            ))
        };
        match counted.await {
            Ok((counts, seats, waiting)) => {
                self.metrics.accounts(&counts);
                self.metrics.seats(seats);
                self.metrics.bots_waiting(waiting);
                self.metrics.counted(self.env.now());
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "accounts, seats and waiting bots were not counted");
            }
        }
    }
}
