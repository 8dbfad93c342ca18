//! The one mechanism by which workers share rows.

use model::{LeaseToken, Timestamp};

/// A claim on a row. Whoever takes it brings a random token; only that token may write, and only until the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Proof of holding; random for every claim.
    pub token: LeaseToken,
    /// From then on anybody may claim the row.
    pub expires_at: Timestamp,
}
