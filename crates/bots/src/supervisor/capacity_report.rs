//! Measures how many bots can run on this server, and reports it to the other servers through the store.

use std::sync::Arc;

use metrics::Metrics;
use model::{Environment, chain};
use store::{BotServer, BotServers};

use super::running_bots::RunningBots;
use crate::{
    browsers::Browsers,
    servers::{FORGET_SERVER_AFTER, ThisServer, capacity},
};

/// Measures this server's capacity, and reports it.
pub(super) struct Presence {
    pub(super) store: Arc<dyn BotServers + Send + Sync>,
    pub(super) this_server: Arc<ThisServer>,
    pub(super) running: Arc<RunningBots>,
    pub(super) browsers: Browsers,
    pub(super) metrics: Metrics,
    pub(super) env: Environment,
}

impl Presence {
    /// Measures and reports until this server accepts no more bots. The last report says so.
    pub(super) async fn run(self: Arc<Self>) {
        let (clock, server) = (&self.env.clock, &self.this_server);
        let mut measured = clock.elapsed();
        self.report().await;
        while !server.finishing.is_cancelled() {
            tokio::select! {
                () = server.finishing.cancelled() => {}
                () = clock.sleep(capacity::INTERVAL) => {
                    let usage = self.browsers.weigh().await;
                    let span = clock.elapsed().saturating_sub(std::mem::replace(&mut measured, clock.elapsed()));
                    let capacity = server.capacity.measure(usage, self.running.count(), span);
                    self.metrics.bots_capacity(capacity);
                    self.browsers.limit(capacity);
                }
            }
            self.report().await;
        }
    }

    async fn report(&self) {
        let (now, server) = (self.env.now(), &self.this_server);
        let row = BotServer { id: server.id.clone(), capacity: server.takes(), seen_at: now };
        if let Err(error) = self.store.report_bot_server(&row, now - FORGET_SERVER_AFTER).await {
            tracing::warn!(error = %chain(&error), "could not report to the other servers how many bots can run here");
        }
    }
}
