//! Real-time endpoints of bots: they get the events of a meeting at once. Each has a position.
//!
//! The queue is the stored events of the meeting ([`crate::MeetingEvents`]); an endpoint's row is its position there. It is
//! due while there may be an event after the position, so endpoints without new events cost nothing.

use std::time::Duration;

use async_trait::async_trait;
use model::{BotId, LeaseToken, RealtimeEndpointId, RealtimeState, Timestamp, WorkspaceId};

use crate::{Lease, NewEvent, StoreError};

/// The longest pause before an endpoint is tried again. A later due time was given by a wrong clock, and counts as past.
pub const LONGEST_REALTIME_PAUSE: Duration = Duration::from_secs(60);

/// A real-time endpoint. Its address and what it listens to are in the bot's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealtimeEndpoint {
    /// Its id, made from the bot's and its place.
    pub id: RealtimeEndpointId,
    /// Whose meeting it is told of.
    pub bot: BotId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its place in the request's list.
    pub place: u8,
    /// How far it is.
    pub progress: RealtimeProgress,
}

/// How far an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealtimeProgress {
    /// How it stands.
    pub state: RealtimeState,
    /// It was told of every event up to this number.
    pub told: u64,
    /// Attempts that failed since one succeeded.
    pub failures: u32,
    /// Since when.
    pub failing_since: Option<Timestamp>,
}

/// The next state of an endpoint that a worker has finished with for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealtimeNext {
    /// Everything that the worker has found was sent: it is due when there is more. The worker keeps it.
    Kept,
    /// The same, and another worker may have it.
    Released,
    /// It is tried again at this time, by any worker.
    Again(Timestamp),
}

/// How the places of a worker are shared among workspaces.
#[derive(Debug, Clone, Copy)]
pub struct RealtimeShares<'s> {
    /// Workspaces that have enough: their endpoints are left for later.
    pub full: &'s [WorkspaceId],
    /// Endpoints of one workspace that are claimed at once.
    pub most: u32,
}

/// Real-time endpoints.
#[async_trait]
pub trait RealtimeEndpoints {
    /// Adds endpoints of a bot under its lease. Existing ones are not changed: the bot ran before.
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

    /// Claims up to `tokens.len()` endpoints that are due and not leased, and answers since when. Workspaces take turns, and
    /// within one the longest due is first. Across tenants: asked by the worker.
    async fn lease_due_realtime_endpoints(
        &self,
        tokens: &[LeaseToken],
        shares: RealtimeShares<'_>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(RealtimeEndpoint, Lease, Timestamp)>, StoreError>;

    /// Which of these are due. Across tenants: asked by the worker that holds them.
    async fn due_realtime_endpoints(
        &self,
        ids: &[RealtimeEndpointId],
        now: Timestamp,
    ) -> Result<Vec<RealtimeEndpointId>, StoreError>;

    /// Holds on to an endpoint until `expires_at`; `false` when the lease is lost.
    async fn renew_realtime_endpoint(
        &self,
        id: RealtimeEndpointId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Writes down how far an endpoint is, under the lease, and the event that says so if its state has changed. `false`, and
    /// nothing is written, when the lease is lost. A state that ends it ends the lease.
    async fn record_realtime_progress(
        &self,
        id: RealtimeEndpointId,
        lease: &Lease,
        progress: &RealtimeProgress,
        event: Option<&NewEvent>,
    ) -> Result<bool, StoreError>;

    /// Sets when an endpoint is due next: at once if there are events that it was not sent. Returns whether it is due.
    /// `None` when the lease is lost.
    async fn settle_realtime_endpoint(
        &self,
        id: RealtimeEndpointId,
        lease: &Lease,
        next: RealtimeNext,
        now: Timestamp,
    ) -> Result<Option<bool>, StoreError>;

    /// Returns as soon as this process has stored more than `seen` batches of meetings' events, and answers how many it has.
    /// Those of other processes are not noticed.
    async fn meetings_written(&self, seen: u64) -> u64;
}
