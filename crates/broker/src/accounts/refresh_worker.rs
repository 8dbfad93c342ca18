//! Refreshes what is due: ahead of time for accounts in use, now and then for idle ones, and again what failed.
//!
//! Every process runs one. A claim puts the account off in the store, so that no other process finds it; if this one
//! dies, it is due again. The refresh itself is one like any other, under the row's lease.

use std::{convert::Infallible, sync::Arc, time::Duration};

use model::Failure;
use store::Due;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    refresh::{RefreshReason, Refresher},
    schedule,
};

/// How often an idle refresher looks.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a claim keeps others away: longer than all of them take at the slowest sensible pace.
const CLAIM_TTL: Duration = Duration::from_secs(180);
/// How many accounts are on their way at once, waiting for their turn included.
const MAX_IN_FLIGHT: u32 = 256;

impl Refresher {
    /// Refreshes what is due for as long as it is polled. A store that is away costs a look.
    pub async fn run_due(self: &Arc<Self>) -> Infallible {
        let permits = Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize));
        loop {
            // Half of the permits, so that the next claim is made while the turns of this one are still taken.
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

    /// Claims what is due and sets off its refreshes, which go on as tasks of the process. Answers how many.
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

    /// Waits for a turn before the refresh begins: whoever asks for this account meanwhile need not wait in the queue.
    async fn refresh_in_turn(self: &Arc<Self>, due: Due) {
        let turn = tokio::select! {
            turn = self.limits.token_turn_in_queue(due.app) => turn,
            // Nothing has begun; it is due again when the claim lapses.
            () = self.stopping.cancelled() => return,
        };
        let refreshed = async {
            self.refresh(due.workspace, due.credential, Some(due.generation), RefreshReason::Due(turn?)).await
        };
        if let Err(error) = refreshed.await {
            // The row says when it is due again.
            tracing::info!(credential = %due.credential, %error, "a due refresh came to nothing");
        }
    }

    /// Lets what waits for its turn go, so that a stop need not wait for it. What has begun comes to its end.
    pub fn stop(&self) {
        self.stopping.cancel();
    }
}
