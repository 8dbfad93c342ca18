//! Checks whether the cached links of this server are still current.
//!
//! The store has one revision number that counts every change that affects the answers of links. It is read once a second,
//! however many links are in use. A link that was cached at an older revision is read again. So changes of links,
//! accounts and secrets on other servers take effect here within a second, and unchanged links cost the store nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use broker::{STORE_MAY_BE_AWAY, SingleFlight};
use model::{Code, Environment, Failure, Timestamp};
use store::TokenLinks;
use tokio_util::task::TaskTracker;

/// How long the number counts as current: a revocation takes effect within this.
const COUNTS_FOR: Duration = Duration::from_secs(1);
/// The timeout of a read from the store.
pub(crate) const READ_WITHIN: Duration = Duration::from_secs(1);

/// The last answer of the store.
#[derive(Debug, Clone, Copy)]
struct Seen {
    revision: i64,
    /// How many account changes this server had made at that time: its own changes take effect here at once.
    changes: u64,
    /// When the store was asked.
    said_at: Timestamp,
    /// The last attempt. It is later than `said_at` while the store is unavailable, so that not every request asks the
    /// store.
    looked_at: Timestamp,
}

/// The cached revision number, and its reads.
pub(crate) struct Revision {
    store: Arc<dyn TokenLinks + Send + Sync>,
    env: Environment,
    tasks: TaskTracker,
    seen: Arc<Mutex<Option<Seen>>>,
    /// Reads in flight, by the number of account changes that they must include.
    looks: SingleFlight<u64, Result<i64, Failure>>,
}

impl Revision {
    pub(crate) fn new(
        store: Arc<dyn TokenLinks + Send + Sync>,
        env: Environment,
        tasks: TaskTracker,
    ) -> Self {
        Self { store, env, tasks, seen: Arc::default(), looks: SingleFlight::default() }
    }

    /// The revision of the last second; while the store is unavailable, the last known one. It must be read *before* a
    /// link is read, so that it is never newer than the link.
    pub(crate) async fn get(&self, now: Timestamp, changes: u64) -> Result<i64, Failure> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.filter(|seen| seen.changes == changes && is_new(seen.looked_at, now)) {
            Some(seen) => Ok(seen.revision),
            None => self.look(changes).await,
        }
    }

    /// Asks the store, once for all concurrent callers.
    async fn look(&self, changes: u64) -> Result<i64, Failure> {
        let look = || {
            let (store, env, seen) = (Arc::clone(&self.store), self.env.clone(), Arc::clone(&self.seen));
            async move {
                let begun = env.now();
                let said = env.clock.timeout(READ_WITHIN, store.link_revision()).await;
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                let now_seen = match (said, *seen) {
                    (Some(Ok(revision)), _) => Seen { revision, changes, said_at: begun, looked_at: begun },
                    (_, Some(last)) if last.said_at.was_within(STORE_MAY_BE_AWAY, begun) => {
                        Seen { changes, looked_at: begun, ..last }
                    }
                    (Some(Err(error)), _) => return Err(error.into()),
                    (None, _) => return Err(Failure::new(Code::Unavailable, "the store does not answer")),
                };
                *seen = Some(now_seen);
                Ok(now_seen.revision)
            }
        };
        let seen = self.looks.run(changes, &self.tasks, look).await;
        seen.unwrap_or_else(|| {
            Err(Failure::new(Code::Internal, "the read of the links' revision was aborted"))
        })
    }
}

/// Whether a read is current. A read in the future was made before the clock was set back: its age is unknown.
fn is_new(looked_at: Timestamp, now: Timestamp) -> bool {
    now.since(looked_at) < COUNTS_FOR && looked_at.since(now) < COUNTS_FOR
}
