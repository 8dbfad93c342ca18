//! Recognizes requests that were received before.
//!
//! The id of a signed request is stored in memory, and shared with the other servers. If the signature covers no id, the
//! whole request is stored, as a hash in the store.

use std::{convert::Infallible, sync::Arc, time::Duration};

use model::{Code, Environment, Failure, Timestamp, chain};
use store::{Digest, StoreError, TokenLink, TokenLinks};
use tenants::digest;

use crate::{
    dialects::RequestId,
    used_ids::{UsedFor, UsedIds},
};

/// The same id on the same link within this time is a retry and is answered again.
const RETRY_WINDOW: Duration = Duration::from_secs(30);
/// The same for a request whose signature covers no id, such as Attendee's.
const RETRY_WINDOW_WITHOUT_ID: Duration = Duration::from_secs(60);
/// How long requests without an id are stored. Their signatures never expire, and each needs only 32 bytes.
const REQUESTS_ARE_REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);
/// The interval at which ids used here are written and ids used elsewhere are read.
const SHARE_INTERVAL: Duration = Duration::from_millis(500);
/// Old rows are deleted once in this number of rounds.
const ROUNDS_UNTIL_PRUNED: u32 = 120;

/// Whether a request at `now` is a retry of the one at `first`. If `first` is in the future, it was written by a wrong clock
/// and its age is unknown.
fn is_retry(first: Timestamp, window: Duration, now: Timestamp) -> bool {
    !first.is_from_the_future(now) && now.since(first) <= window
}

/// The hashes that identify a request without an id.
struct Whole {
    /// On this link.
    here: Digest,
    /// On any link of the workspace.
    anywhere: Digest,
}

impl Whole {
    fn of(link: &TokenLink, canonical: &str) -> Self {
        let here = digest(&format!("{}.{canonical}", link.id));
        Self { here, anywhere: digest(&format!("{}.{canonical}", link.workspace)) }
    }
}

/// Refuses requests that were received before.
pub struct ReplayGuard {
    ids: UsedIds,
    /// Stores requests without an id.
    requests: Arc<dyn TokenLinks + Send + Sync>,
    env: Environment,
}

impl ReplayGuard {
    pub(crate) fn new(ids: UsedIds, requests: Arc<dyn TokenLinks + Send + Sync>, env: Environment) -> Self {
        Self { ids, requests, env }
    }

    /// Refuses a fetch that was received before.
    pub(crate) async fn admit(
        &self,
        link: &TokenLink,
        id: &RequestId<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let refused = |words| Err(Failure::new(Code::ReplayRefused, words));
        match id {
            RequestId::None => Ok(()),
            RequestId::Signed(id) => match self.ids.first_use(link, (UsedFor::Token, id), now)? {
                None => Ok(()),
                Some(first) if first.is_on(link.id) && is_retry(first.at, RETRY_WINDOW, now) => Ok(()),
                Some(_) => refused("this webhook-id was used before: each fetch needs an id of its own"),
            },
            RequestId::Whole(canonical) => {
                let whole = Whole::of(link, canonical);
                match self.requests.record_request(&whole.here, now).await? {
                    // A request that was answered on another link is refused here, even if it is new on this link.
                    None => match self.requests.record_request(&whole.anywhere, now).await? {
                        None => Ok(()),
                        Some(_) => refused("this request was sent to another link before"),
                    },
                    Some(first)
                        if link.terms.allow_repeat || is_retry(first, RETRY_WINDOW_WITHOUT_ID, now) =>
                    {
                        Ok(())
                    }
                    Some(_) => refused(
                        "this bot has fetched its tokens before: a link with allow_repeat gives them again",
                    ),
                }
            }
        }
    }

    /// Whether a report was accepted before, too long ago for a retry. A retry is processed again: the first may have
    /// failed, and a second report changes nothing.
    pub(crate) async fn is_known_report(
        &self,
        link: &TokenLink,
        id: &RequestId<'_>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let first = match id {
            RequestId::None => None,
            RequestId::Signed(id) => self.ids.used(link, (UsedFor::Report, id)).map(|first| first.at),
            RequestId::Whole(canonical) => {
                self.requests.request_seen_at(&Whole::of(link, canonical).here).await?
            }
        };
        Ok(first.is_some_and(|first| !is_retry(first, RETRY_WINDOW, now)))
    }

    /// Stores an accepted report. A report that failed may be repeated.
    pub(crate) async fn remember_report(
        &self,
        link: &TokenLink,
        id: &RequestId<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        match id {
            RequestId::None => {}
            RequestId::Signed(id) => {
                self.ids.first_use(link, (UsedFor::Report, id), now)?;
            }
            RequestId::Whole(canonical) => {
                self.requests.record_request(&Whole::of(link, canonical).here, now).await?;
            }
        }
        Ok(())
    }

    /// Stores which ids were used here, for the other servers and for the next start.
    pub async fn write_used_ids(&self) -> Result<(), StoreError> {
        self.ids.write().await
    }

    /// Reads which ids were used elsewhere, or here before this start.
    pub async fn read_used_ids(&self) -> Result<(), StoreError> {
        self.ids.read().await
    }

    /// Synchronizes used ids with the other servers, and deletes old ones, for as long as it is polled.
    pub(crate) async fn run(&self) -> Infallible {
        let (mut round, mut away) = (0_u32, false);
        loop {
            self.env.clock.sleep(SHARE_INTERVAL).await;
            let done = match self.ids.write().await {
                Ok(()) => self.ids.read().await,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => away = false,
                // Logged once: other callers report the store's failures.
                Err(error) if !away => {
                    away = true;
                    tracing::warn!(error = %chain(&error), "used request ids are not shared with other servers");
                }
                Err(_) => {}
            }
            round = (round + 1) % ROUNDS_UNTIL_PRUNED;
            if round == 0 {
                self.forget_old().await;
            }
        }
    }

    async fn forget_old(&self) {
        if let Err(error) = self.ids.forget_old().await {
            tracing::warn!(error = %chain(&error), "old ids of signed requests were not deleted");
        }
        if let Err(error) = self.requests.forget_requests(self.env.now() - REQUESTS_ARE_REMEMBERED).await {
            tracing::warn!(error = %chain(&error), "old requests of bot platforms were not deleted");
        }
    }
}

impl std::fmt::Debug for ReplayGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplayGuard").finish_non_exhaustive()
    }
}
