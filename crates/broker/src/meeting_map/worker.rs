//! Lists the meetings of accounts whose list is due.
//!
//! Every process runs one. A list is fetched under a lease on the account's row, which is renewed for as long as the list
//! takes.

use std::sync::Arc;

use model::{Failure, LeaseToken, chain};
use store::{DueSync, Lease};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use workers::{Claimed, Work};

use super::{MeetingMap, sync::LEASE_TTL};

/// How often a lease is renewed within its length.
const RENEWALS: u32 = 5;

/// Accounts whose meetings are due to be listed.
pub struct DueLists {
    map: Arc<MeetingMap>,
    stopping: CancellationToken,
}

impl DueLists {
    /// When `stopping` is cancelled, lists end at once, and are due again when their lease expires.
    pub fn new(map: Arc<MeetingMap>, stopping: CancellationToken) -> Self {
        Self { map, stopping }
    }

    async fn renew(&self, due: &DueSync, lease: &Lease) -> Result<bool, Failure> {
        let MeetingMap { store, env, .. } = &*self.map;
        let now = env.now();
        Ok(store.put_meetings(due.credential, lease, &[], now, now + LEASE_TTL).await?)
    }
}

impl Work for DueLists {
    const NAME: &'static str = "meeting_sync";
    type Item = (DueSync, Lease);
    type Error = Failure;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<(DueSync, Lease)>>, Failure> {
        let MeetingMap { store, env, .. } = &*self.map;
        let now = env.now();
        let lease = Lease { token: LeaseToken::generate(env), expires_at: now + LEASE_TTL };
        let due = store.claim_meeting_syncs(&lease, now, most).await?;
        Ok(due.into_iter().map(|due| Claimed { due_at: due.due_at, item: (due, lease) }).collect())
    }

    async fn run(&self, (due, lease): &(DueSync, Lease)) -> Result<(), Failure> {
        tokio::select! {
            done = self.map.sync(*due, lease) => done,
            () = self.stopping.cancelled() => Ok(()),
        }
    }

    async fn keep_lease(&self, (due, lease): &(DueSync, Lease)) {
        loop {
            self.map.env.clock.sleep(LEASE_TTL / RENEWALS).await;
            match self.renew(due, lease).await {
                Ok(true) => {}
                Ok(false) => return,
                // While the store is unavailable, no other server can take the lease either.
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "the lease of a list of meetings was not renewed");
                }
            }
        }
    }

    fn span(&self, (due, _): &(DueSync, Lease)) -> Span {
        tracing::info_span!("list_meetings", credential = %due.credential)
    }
}
