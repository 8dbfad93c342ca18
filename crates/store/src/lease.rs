//! Leases: workers use them to share rows.

use model::{LeaseToken, Timestamp};

/// A claim on a row. The claimant brings a random token; only writes with that token succeed, and
/// only until the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Identifies the holder; random for every claim.
    pub token: LeaseToken,
    /// From then on any worker may claim the row.
    pub expires_at: Timestamp,
}
