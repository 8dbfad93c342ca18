//! Tells the other servers that bots run here, and how many can.

use std::{sync::Arc, time::Duration};

use store::BotServer;

use crate::{Supervisor, capacity};

/// A server that has not reported for this long is deleted.
pub(crate) const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

impl Supervisor {
    /// How many bots this server takes now, those that run included: none, once it has been told to finish.
    pub(crate) fn takes(&self) -> u32 {
        if self.joining.is_none() || self.finishing.is_cancelled() { 0 } else { self.capacity.now() }
    }

    /// Measures and reports, until this server takes no more bots; reports that, too.
    pub(crate) async fn run_presence(self: Arc<Self>) {
        let clock = &self.parts.env.clock;
        let mut measured = clock.elapsed();
        self.report().await;
        while !self.finishing.is_cancelled() {
            tokio::select! {
                () = self.finishing.cancelled() => {}
                () = clock.sleep(capacity::INTERVAL) => {
                    let usage = self.parts.browsers.weigh().await;
                    let span = clock.elapsed().saturating_sub(std::mem::replace(&mut measured, clock.elapsed()));
                    let capacity = self.capacity.measure(usage, self.running.count(), span);
                    self.parts.metrics.bots_capacity(capacity);
                    self.parts.browsers.limit(capacity);
                }
            }
            self.report().await;
        }
    }

    async fn report(&self) {
        let now = self.parts.env.now();
        let server = BotServer { id: self.id.clone(), capacity: self.takes(), seen_at: now };
        if let Err(error) = self.parts.store.see_bot_server(&server, now - KEPT).await {
            tracing::warn!(%error, "other servers are not told how many bots can run here");
        }
    }
}
