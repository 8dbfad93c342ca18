//! Limits how many bots of a workspace may wait or run at once.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{BotStatus, Code, Failure, Timestamp, WorkspaceId};
use store::{BotFilter, Bots};

/// How long a count of a workspace's bots is cached while it is far from the limit.
const COUNT_TTL: Duration = Duration::from_secs(60);

/// Limits how many bots of each workspace may wait or run at once.
pub(crate) struct WorkspaceLimit {
    store: Arc<dyn Bots + Send + Sync>,
    most: u64,
    /// The number of bots of each workspace that have not ended, and when they were counted.
    counts: Mutex<HashMap<WorkspaceId, (Timestamp, u64)>>,
}

impl WorkspaceLimit {
    pub(crate) fn new(store: Arc<dyn Bots + Send + Sync>, most: NonZeroU32) -> Self {
        Self { store, most: u64::from(most.get()), counts: Mutex::default() }
    }

    /// Checks whether the workspace may have one more bot. Counts are cached, so concurrent requests on several servers may
    /// exceed the limit by a few bots.
    pub(crate) async fn check(&self, workspace: WorkspaceId, now: Timestamp) -> Result<(), Failure> {
        let most = self.most;
        let counts = || self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = counts().get(&workspace).copied();
        let fresh = kept.filter(|(at, count)| at.was_within(COUNT_TTL, now) && *count < most);
        let (at, count) = if let Some(kept) = fresh {
            kept
        } else {
            let alive = BotStatus::ALL.iter().copied().filter(|status| !status.is_terminal());
            let filter = BotFilter { status: alive.collect(), ..BotFilter::default() };
            (now, self.store.bots(workspace, &filter, 0, 0).await?.count)
        };
        if count >= most {
            let words = format!(
                "{count} bots of this workspace have not ended, and at most {most} are allowed \
                 (bots.most_of_a_workspace, set by the operator of this server): wait until some have ended, or tell some \
                 to leave"
            );
            let failure = Failure::new(Code::RateLimited, words);
            return Err(Failure { retry_after: Some(COUNT_TTL), ..failure });
        }
        let mut counts = counts();
        counts.retain(|_, (at, _)| at.was_within(COUNT_TTL, now));
        counts.insert(workspace, (at, count + 1));
        Ok(())
    }
}
