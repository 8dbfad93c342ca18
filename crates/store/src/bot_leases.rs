//! Leases of bots: which server runs a bot, and the steps that it records.

use async_trait::async_trait;
use model::{BotId, LeaseToken, StatusChange, Timestamp};

use crate::{Bot, Lease, StoreError};

/// The result of recording a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// It is recorded.
    Recorded,
    /// The lease has ended: the caller must stop.
    LeaseLost,
    /// [`BotStatus::may_become`](model::BotStatus::may_become) forbids it.
    Forbidden,
}

/// Leases of bots.
#[async_trait]
pub trait BotLeases {
    /// Claims up to `tokens.len()` bots that are due until `until` and not leased, one token for each.
    /// The workspace with the fewest running bots comes first, and within it the oldest bot. No
    /// workspace gets more than its limit. Across tenants: used by the supervisor.
    async fn lease_due_bots(
        &self,
        tokens: &[LeaseToken],
        until: Timestamp,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError>;

    /// Claims up to `tokens.len()` bots that are not leased and will not join any more: a caller
    /// asked them to leave, or they were due before `missed_before`, or their lease ended before
    /// it. Limits of workspaces don't apply, because such a bot only needs its last step. Across
    /// tenants: used by the supervisor.
    async fn lease_bots_to_close(
        &self,
        tokens: &[LeaseToken],
        missed_before: Timestamp,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError>;

    /// Extends a lease until `expires_at`. Returns the current row; `None` when the lease is lost.
    async fn renew_bot(
        &self,
        id: BotId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<Option<Bot>, StoreError>;

    /// Releases a lease, so that the bot can be claimed again at once.
    async fn release_bot(&self, id: BotId, lease: &Lease) -> Result<bool, StoreError>;

    /// Records a step under the lease. A terminal step ends the lease.
    async fn record_step(
        &self,
        id: BotId,
        lease: &Lease,
        step: &StatusChange,
    ) -> Result<Transition, StoreError>;
}
