//! The state of Zoom's limits, shared by all servers.

use async_trait::async_trait;
use model::{LeaseToken, Timestamp};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// One of Zoom's limits. It has no tenant: a Zoom account has the same limits in every workspace that
/// it is connected to.
///
/// The crate `rate-limits` defines what the numbers mean. The store only refuses writes that are
/// based on an old version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomLimit {
    /// What is limited: the calls of one rate label on one Zoom account, or of one app.
    pub lane: String,
    /// Counts the changes; zero for a limit that is not stored yet.
    pub version: i64,
    /// Calls a second, if Zoom has stated the limit.
    pub per_second: Option<u32>,
    /// How often Zoom has refused calls lately.
    pub strain: u32,
    /// When `strain` changed.
    pub strained_at: Option<Timestamp>,
    /// No calls before this time.
    pub blocked_until: Option<Timestamp>,
    /// The share of each server.
    pub shares: Vec<LimitShare>,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

/// The share of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitShare {
    /// The server; a random id of each start.
    pub holder: LeaseToken,
    /// Calls that it may have in flight or just finished at any moment.
    pub slots: u32,
    /// How many slots it could use.
    pub wanted: u32,
    /// When its slots become free, because it is dead.
    pub lapses_at: Timestamp,
}

/// Zoom's limits.
#[async_trait]
pub trait ZoomLimits {
    /// The stored state of a limit.
    async fn zoom_limit(&self, lane: &str) -> Result<Option<ZoomLimit>, StoreError>;

    /// Stores `limit` with the next version if its version is current; `false` when another server
    /// was first.
    async fn replace_zoom_limit(&self, limit: &ZoomLimit) -> Result<bool, StoreError>;

    /// Deletes limits that were last changed before `before`; returns how many.
    async fn forget_zoom_limits(&self, before: Timestamp) -> Result<u64, StoreError>;
}
