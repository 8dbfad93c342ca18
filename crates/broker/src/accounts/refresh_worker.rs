//! Refreshes due accounts: ahead of time while in use, rarely while idle, and after failures.
//!
//! Every process runs this worker. A claim moves the account's due time, so that other processes skip it; if
//! this process dies, it becomes due again. The refresh itself is an ordinary one, under the row's lease.

use std::{sync::Arc, time::Duration};

use model::Failure;
use store::Due;
use tokio_util::sync::CancellationToken;
use tracing::Span;
use workers::{Claimed, Work};

use super::{
    refresh::{RefreshReason, Refresher},
    schedule,
};

/// How long a claim lasts: longer than all refreshes of a claim take at the slowest rate.
const CLAIM_TTL: Duration = Duration::from_secs(180);

/// Accounts that are due for a refresh.
pub struct DueRefreshes {
    refresher: Arc<Refresher>,
    stopping: CancellationToken,
}

impl DueRefreshes {
    /// When `stopping` is cancelled, refreshes that wait for their turn end at once, and become due again when
    /// their claim expires. Running ones finish.
    pub fn new(refresher: Arc<Refresher>, stopping: CancellationToken) -> Self {
        Self { refresher, stopping }
    }
}

impl Work for DueRefreshes {
    const NAME: &'static str = "refresh";
    type Item = Due;
    type Error = Failure;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<Due>>, Failure> {
        let Refresher { env, store, .. } = &*self.refresher;
        let now = env.now();
        let due =
            store.claim_due_refreshes(now, now + schedule::part(env, CLAIM_TTL, 900..1000), most).await?;
        Ok(due.into_iter().map(|due| Claimed { due_at: due.due_at, item: due }).collect())
    }

    /// Waits for a turn before the refresh starts, so that a caller that needs this account in the meantime
    /// does not wait in the queue.
    async fn run(&self, due: &Due) -> Result<(), Failure> {
        let turn = tokio::select! {
            turn = self.refresher.limits.token_turn_in_queue(due.app) => turn?,
            () = self.stopping.cancelled() => return Ok(()),
        };
        let reason = RefreshReason::Due(turn);
        self.refresher.refresh(due.workspace, due.credential, Some(due.generation), reason).await
    }

    fn span(&self, due: &Due) -> Span {
        tracing::info_span!("refresh_due", credential = %due.credential)
    }
}
