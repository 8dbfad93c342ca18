//! Leases endpoints that may have events to send, one task each.

use std::{sync::Arc, time::Duration};

use bots::request::EndpointKind;
use model::{Failure, LeaseToken};
use store::{Lease, RealtimeEndpoint};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Span;
use workers::{Claimed, Work};

use crate::{
    Parts,
    held::Held,
    teller::{Stopped, Teller},
    webhook, websocket,
};

/// How long an endpoint is held without a renewal.
const LEASE: Duration = Duration::from_secs(60);
/// Between renewals.
const RENEW_INTERVAL: Duration = Duration::from_secs(20);

/// Endpoints for which there is something.
pub(crate) struct DueEndpoints {
    pub(crate) parts: Arc<Parts>,
    pub(crate) held: Held,
    /// Told when something is due again at once.
    pub(crate) more: Arc<Notify>,
    /// Nothing further is begun.
    pub(crate) stopping: CancellationToken,
}

impl Work for DueEndpoints {
    const NAME: &'static str = "realtime";
    type Item = (RealtimeEndpoint, Lease);
    type Error = Failure;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<Self::Item>>, Failure> {
        if self.stopping.is_cancelled() {
            return Ok(Vec::new());
        }
        let Parts { store, env, .. } = &*self.parts;
        let tokens: Vec<_> = (0..most).map(|_| LeaseToken::generate(env)).collect();
        let now = env.now();
        let leased = store.lease_due_realtime_endpoints(&tokens, now, now + LEASE).await?;
        let claimed = leased.into_iter();
        Ok(claimed.map(|(row, lease, due_at)| Claimed { item: (row, lease), due_at }).collect())
    }

    async fn run(&self, (row, lease): &Self::Item) -> Result<(), Failure> {
        let Some(teller) = Teller::open(&self.parts, (row, lease)).await? else { return Ok(()) };
        let told = match teller.endpoint.kind {
            EndpointKind::Webhook => webhook::tell(teller, &self.more, &self.stopping).await,
            EndpointKind::Websocket => websocket::tell(teller, self.held.hold(row.id), &self.stopping).await,
        };
        match told {
            Ok(()) => Ok(()),
            Err(Stopped::Failed(failure)) => Err(failure),
            Err(Stopped::LeaseLost) => {
                tracing::warn!("another server tells this endpoint");
                Ok(())
            }
        }
    }

    async fn keep_lease(&self, (row, lease): &Self::Item) {
        let Parts { store, env, .. } = &*self.parts;
        let mut until = lease.expires_at;
        loop {
            env.clock.sleep(RENEW_INTERVAL).await;
            let next = env.now() + LEASE;
            match store.renew_realtime_endpoint(row.id, lease, next).await {
                Ok(true) => until = next,
                Ok(false) => return,
                Err(error) if env.now() >= until => {
                    tracing::warn!(%error, "the lease of a real-time endpoint could not be renewed");
                    return;
                }
                Err(_) => {}
            }
        }
    }

    fn span(&self, (row, _): &Self::Item) -> Span {
        tracing::info_span!("realtime", endpoint = %row.id, bot = %row.bot, workspace = %row.workspace)
    }
}
