//! Real-time endpoints of bots: they receive the events of a meeting as soon as they are stored.
//!
//! The queue is the stored events of the meeting ([`crate::MeetingEvents`]). An endpoint's row has its position in that
//! queue. The row is due while there may be an event after the position, so endpoints without new events cost nothing.

use std::time::Duration;

use async_trait::async_trait;
use model::{BotId, LeaseToken, RealtimeEndpointId, RealtimeState, Timestamp, WorkspaceId};

use crate::{Lease, NewEvent, StoreError};

/// The longest pause before an endpoint is retried. A later due time was written by a wrong clock and counts as past.
pub const MAX_REALTIME_PAUSE: Duration = Duration::from_secs(60);

/// A real-time endpoint. Its address and its event types are in the bot's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealtimeEndpoint {
    /// Its id, derived from the bot's id and the endpoint's place.
    pub id: RealtimeEndpointId,
    /// The bot whose meeting's events it receives.
    pub bot: BotId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its place in the request's list.
    pub place: u8,
    /// Its progress.
    pub progress: RealtimeProgress,
}

/// The progress of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealtimeProgress {
    /// Its state.
    pub state: RealtimeState,
    /// Every event up to this number was sent to it.
    pub told: u64,
    /// Failed attempts since the last success.
    pub failures: u32,
    /// Since when attempts have failed.
    pub failing_since: Option<Timestamp>,
}

/// What happens next with an endpoint after a worker's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealtimeNext {
    /// All events that the worker found were sent: it is due when there are more. The worker keeps the lease.
    Kept,
    /// The same, but the lease ends and another worker may claim the endpoint.
    Released,
    /// Any worker retries it at this time.
    Again(Timestamp),
}

/// How the slots of a worker are shared among workspaces.
#[derive(Debug, Clone, Copy)]
pub struct RealtimeShares<'s> {
    /// Workspaces that have used their share: their endpoints are not claimed now.
    pub full: &'s [WorkspaceId],
    /// The maximum number of endpoints of one workspace that are claimed at once.
    pub most: u32,
}

/// Real-time endpoints.
#[async_trait]
pub trait RealtimeEndpoints {
    /// Adds endpoints of a bot under its lease. Existing ones, from an earlier run of the bot, are not changed.
    async fn add_realtime_endpoints(
        &self,
        lease: &Lease,
        endpoints: &[RealtimeEndpoint],
    ) -> Result<(), StoreError>;

    /// Endpoints of a bot, in the order of its request.
    async fn realtime_endpoints(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
    ) -> Result<Vec<RealtimeEndpoint>, StoreError>;

    /// Claims up to `tokens.len()` endpoints that are due and not leased, and returns since when each is due. Workspaces
    /// take turns, and within one the longest due comes first. Across tenants: used by the worker.
    async fn lease_due_realtime_endpoints(
        &self,
        tokens: &[LeaseToken],
        shares: RealtimeShares<'_>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(RealtimeEndpoint, Lease, Timestamp)>, StoreError>;

    /// Which of these are due. Across tenants: used by the worker that has leased them.
    async fn due_realtime_endpoints(
        &self,
        ids: &[RealtimeEndpointId],
        now: Timestamp,
    ) -> Result<Vec<RealtimeEndpointId>, StoreError>;

    /// Extends the lease of an endpoint until `expires_at`; `false` when the lease is lost.
    async fn renew_realtime_endpoint(
        &self,
        id: RealtimeEndpointId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Records the progress of an endpoint under the lease, and the event about it if its state has changed. `false`, and
    /// nothing is written, when the lease is lost. A terminal state ends the lease.
    async fn record_realtime_progress(
        &self,
        id: RealtimeEndpointId,
        lease: &Lease,
        progress: &RealtimeProgress,
        event: Option<&NewEvent>,
    ) -> Result<bool, StoreError>;

    /// Sets when an endpoint is due next: at once if there are events that were not sent to it. Returns whether it is due.
    /// `None` when the lease is lost.
    async fn settle_realtime_endpoint(
        &self,
        id: RealtimeEndpointId,
        lease: &Lease,
        next: RealtimeNext,
        now: Timestamp,
    ) -> Result<Option<bool>, StoreError>;

    /// Waits until this process has stored more than `seen` batches of meeting events, and returns how many it has stored.
    /// Batches of other processes are not noticed.
    async fn meetings_written(&self, seen: u64) -> u64;
}
