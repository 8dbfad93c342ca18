//! What the servers know together of Zoom's limits, and how they share them.

use async_trait::async_trait;
use model::{LeaseToken, Timestamp};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// One limit of Zoom's, which all servers keep together. No tenant: a Zoom account has one, whichever workspaces know it.
///
/// What its numbers mean is the broker's business. The store promises that nobody overwrites what they haven't seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomLimit {
    /// What is limited: the calls of one label on one Zoom account, or of one app.
    pub lane: String,
    /// Counts the changes; zero for one that is not stored yet.
    pub version: i64,
    /// Calls a second, when Zoom has said how many.
    pub per_second: Option<u32>,
    /// How often Zoom has refused lately.
    pub strain: u32,
    /// When that changed.
    pub strained_at: Option<Timestamp>,
    /// Nobody calls before.
    pub blocked_until: Option<Timestamp>,
    /// What each server has of it.
    pub shares: Vec<LimitShare>,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

/// What one server has of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitShare {
    /// The server: random at every start.
    pub holder: LeaseToken,
    /// Calls that it may have under way or just behind it at any moment.
    pub slots: u32,
    /// How many it would use.
    pub wanted: u32,
    /// From then on its slots are free: it is dead.
    pub lapses_at: Timestamp,
}

/// Zoom's limits.
#[async_trait]
pub trait ZoomLimits {
    /// What is known of a limit.
    async fn zoom_limit(&self, lane: &str) -> Result<Option<ZoomLimit>, StoreError>;

    /// Stores `limit` at the next version, if its version is the current one: `false` when somebody else was first.
    async fn replace_zoom_limit(&self, limit: &ZoomLimit) -> Result<bool, StoreError>;

    /// Forgets what nobody has changed since `before`. Answers how many.
    async fn forget_zoom_limits(&self, before: Timestamp) -> Result<u64, StoreError>;
}
