//! Whether the links that this server keeps are still as it has read them.
//!
//! The store counts whatever the answer of a link depends on. That one number is asked for once a second, however many links
//! are in use; a link that was read at an older one is read again. So what links, accounts and secrets have become elsewhere
//! takes hold here within a second, and links that don't change cost the store nothing.

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
/// How long the store may take for an answer.
pub(crate) const READ_WITHIN: Duration = Duration::from_secs(1);

/// What the store said last.
#[derive(Debug, Clone, Copy)]
struct Seen {
    revision: i64,
    /// How often this server had changed accounts at that time: its own changes take effect here at once.
    changes: u64,
    /// When it was asked.
    said_at: Timestamp,
    /// Later than `said_at` while the store is away: it is not asked for every request.
    looked_at: Timestamp,
}

/// The number, and who asks for it.
pub(crate) struct Revision {
    store: Arc<dyn TokenLinks + Send + Sync>,
    env: Environment,
    tasks: TaskTracker,
    seen: Arc<Mutex<Option<Seen>>>,
    /// By the changes that they have to see.
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

    /// The revision, as the store had it within the last second; while it is away, as it had it at last. Asked for *before*
    /// a link is read, it is never newer than what was read.
    pub(crate) async fn get(&self, now: Timestamp, changes: u64) -> Result<i64, Failure> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.filter(|seen| seen.changes == changes && is_new(seen.looked_at, now)) {
            Some(seen) => Ok(seen.revision),
            None => self.look(changes).await,
        }
    }

    /// Asks the store, once for everybody who wants to know.
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
        seen.unwrap_or_else(|| Err(Failure::new(Code::Internal, "the look at the links' revision broke off")))
    }
}

/// Whether a read is current. A read in the future was made before the clock was set back: its age is unknown.
fn is_new(looked_at: Timestamp, now: Timestamp) -> bool {
    now.since(looked_at) < COUNTS_FOR && looked_at.since(now) < COUNTS_FOR
}
