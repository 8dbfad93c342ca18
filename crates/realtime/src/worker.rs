//! Leases endpoints that may have events to send, one task each.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bots::request::EndpointKind;
use model::{Failure, LeaseToken, WorkspaceId, chain};
use store::{Lease, RealtimeEndpoint, RealtimeShares};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Span;
use workers::{Claimed, Share, Shares, Work};

use crate::{
    Parts,
    leased_endpoint::{LeasedEndpoint, Stopped},
    open_connections::OpenConnections,
    webhook, websocket,
};

/// How long an endpoint is leased without a renewal.
const LEASE_TTL: Duration = Duration::from_secs(60);
/// When this many endpoints of one workspace are served at the same time, no more are claimed.
pub(crate) const MAX_OF_A_WORKSPACE: u32 = 256;
/// The most endpoints of one workspace in one claim.
const CLAIMED_OF_A_WORKSPACE: u32 = 64;
/// Interval between renewals of a lease.
const RENEW_INTERVAL: Duration = Duration::from_secs(20);

/// A worker for endpoints that may have events to send.
pub(crate) struct DueEndpoints {
    pub(crate) parts: Arc<Parts>,
    pub(crate) open: OpenConnections,
    /// Notified when there is more to claim at once.
    pub(crate) more: Arc<Notify>,
    /// The number of transactions with events of meetings that `may_be_due` has seen.
    pub(crate) written: AtomicU64,
    /// Cancelled when nothing more is to be started.
    pub(crate) stopping: CancellationToken,
    /// How many endpoints of each workspace are served. An open connection counts while it is open.
    pub(crate) workspaces: Shares<WorkspaceId>,
}

impl Work for DueEndpoints {
    const NAME: &'static str = "realtime";
    type Item = (RealtimeEndpoint, Lease, Share<WorkspaceId>);
    type Error = Failure;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<Self::Item>>, Failure> {
        if self.stopping.is_cancelled() {
            return Ok(Vec::new());
        }
        let Parts { store, env, .. } = &*self.parts;
        let tokens = LeaseToken::generate_many(env, most);
        let now = env.now();
        let full = self.workspaces.full();
        let shares = RealtimeShares { full: &full, most: CLAIMED_OF_A_WORKSPACE };
        let leased = store.lease_due_realtime_endpoints(&tokens, shares, now, now + LEASE_TTL).await?;
        if leased.len() >= CLAIMED_OF_A_WORKSPACE as usize {
            // A workspace may have reached the limit of one claim: claim again.
            self.more.notify_one();
        }
        let claimed = leased.into_iter().map(|(row, lease, due_at)| {
            let share = self.workspaces.enter(row.workspace);
            Claimed { item: (row, lease, share), due_at }
        });
        Ok(claimed.collect())
    }

    async fn may_be_due(&self) {
        tokio::select! {
            written = self.parts.store.meetings_written(self.written.load(Relaxed)) => {
                self.written.store(written, Relaxed);
            }
            () = self.more.notified() => {}
        }
    }

    async fn run(&self, (row, lease, _): &Self::Item) -> Result<(), Failure> {
        let Some(endpoint) = LeasedEndpoint::open(&self.parts, (row, lease)).await? else { return Ok(()) };
        let sent = match endpoint.config.kind {
            EndpointKind::Webhook => webhook::send(endpoint, &self.more, &self.stopping).await,
            EndpointKind::Websocket => websocket::send(endpoint, self.open.add(row.id), &self.stopping).await,
        };
        match sent {
            Ok(()) => Ok(()),
            Err(Stopped::Failed(failure)) => Err(failure),
            Err(Stopped::LeaseLost) => {
                tracing::warn!("the lease was lost: another server may send to this endpoint");
                Ok(())
            }
        }
    }

    async fn keep_lease(&self, (row, lease, _): &Self::Item) {
        let Parts { store, env, .. } = &*self.parts;
        let mut until = lease.expires_at;
        loop {
            env.clock.sleep(RENEW_INTERVAL).await;
            let next = env.now() + LEASE_TTL;
            match store.renew_realtime_endpoint(row.id, lease, next).await {
                Ok(true) => until = next,
                Ok(false) => return,
                Err(error) if env.now() >= until => {
                    tracing::warn!(error = %chain(&error), "could not renew the lease of a real-time endpoint");
                    return;
                }
                Err(_) => {}
            }
        }
    }

    fn span(&self, (row, ..): &Self::Item) -> Span {
        tracing::info_span!("realtime", endpoint = %row.id, bot = %row.bot, workspace = %row.workspace)
    }
}
