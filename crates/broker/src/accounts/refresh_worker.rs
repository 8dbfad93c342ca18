//! Refreshes due accounts: ahead of time while in use, rarely while idle, and after failures.
//!
//! Every process runs this worker. A claim moves the account's due time, so that other processes skip it; if
//! this process dies, it becomes due again. The refresh itself is an ordinary one, under the row's lease.

use std::{convert::Infallible, sync::Arc, time::Duration};

use model::Failure;
use store::Due;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    refresh::{RefreshReason, Refresher},
    schedule,
};

/// Interval between looks while idle.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a claim lasts: longer than all refreshes of a claim take at the slowest pace.
const CLAIM_TTL: Duration = Duration::from_secs(180);
/// Most accounts in progress at once, waiting for their turn included.
const MAX_IN_FLIGHT: u32 = 256;

impl Refresher {
    /// Refreshes due accounts for as long as it is polled. If the store is away, one look is lost.
    pub async fn run_due(self: &Arc<Self>) -> Infallible {
        let permits = Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize));
        loop {
            // Claims at half of the permits, so that the next claim is ready while turns of this one are
            // still in use.
            let free =
                Arc::clone(&permits).acquire_many_owned(MAX_IN_FLIGHT / 2).await.expect("never closed");
            match self.refresh_due_into(free).await {
                Ok(claimed) if claimed >= MAX_IN_FLIGHT / 2 => {}
                Ok(_) => self.env.clock.sleep(POLL_INTERVAL).await,
                Err(error) => {
                    tracing::warn!(%error, "the refresher could not look for due accounts");
                    self.env.clock.sleep(POLL_INTERVAL).await;
                }
            }
        }
    }

    /// Claims due accounts and starts their refreshes as tasks of the process. Returns how many.
    pub async fn refresh_due(self: &Arc<Self>) -> Result<u32, Failure> {
        let permits = Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize));
        let free = permits.acquire_many_owned(MAX_IN_FLIGHT).await.expect("never closed");
        self.refresh_due_into(free).await
    }

    async fn refresh_due_into(self: &Arc<Self>, mut permits: OwnedSemaphorePermit) -> Result<u32, Failure> {
        let now = self.env.now();
        let until = now + schedule::part(&self.env, CLAIM_TTL, 900..1000);
        let limit = u32::try_from(permits.num_permits()).unwrap_or(MAX_IN_FLIGHT);
        let due = self.store.claim_due(now, until, limit).await?;
        let claimed = u32::try_from(due.len()).unwrap_or(u32::MAX);
        for due in due {
            let permit = permits.split(1).expect("no more were claimed than there are permits for");
            let this = Arc::clone(self);
            self.tasks.spawn(async move {
                this.refresh_in_turn(due).await;
                drop(permit);
            });
        }
        Ok(claimed)
    }

    /// Waits for a turn before the refresh starts, so that a caller who needs this account meanwhile doesn't
    /// wait in the queue.
    async fn refresh_in_turn(self: &Arc<Self>, due: Due) {
        let turn = tokio::select! {
            turn = self.limits.token_turn_in_queue(due.app) => turn,
            // It has not started; it becomes due again when the claim lapses.
            () = self.stopping.cancelled() => return,
        };
        let refreshed = async {
            self.refresh(due.workspace, due.credential, Some(due.generation), RefreshReason::Due(turn?)).await
        };
        if let Err(error) = refreshed.await {
            // The row says when it is due again.
            tracing::info!(credential = %due.credential, %error, "a due refresh failed");
        }
    }

    /// Cancels refreshes that wait for their turn, so that a stop doesn't wait for them. Running ones finish.
    pub fn stop(&self) {
        self.stopping.cancel();
    }
}
