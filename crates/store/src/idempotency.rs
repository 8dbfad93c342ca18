//! Requests that are executed once, even if they are sent several times.

use async_trait::async_trait;
use model::{IdempotentRequestId, LeaseToken, Sealed, Timestamp, WorkspaceId};

use crate::{Digest, Lease, StoreError};

/// A request with an idempotency key.
#[derive(Debug, Clone, Copy)]
pub struct IdempotentRequest {
    /// Derived from the caller, the path and the idempotency key.
    pub id: IdempotentRequestId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// SHA-256 of the request.
    pub fingerprint: Digest,
}

/// Whether a request is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyState {
    /// It is new: the caller executes it, under the lease.
    First,
    /// It is being executed.
    InFlight {
        /// Fingerprint of the first request.
        fingerprint: Digest,
    },
    /// It was executed.
    Done {
        /// Fingerprint of the first request.
        fingerprint: Digest,
        /// The answer.
        answer: Sealed,
    },
}

/// Requests with idempotency keys, and their answers.
#[async_trait]
pub trait IdempotentRequests {
    /// Registers a request until `keep_until`, unless it is registered already; then nothing
    /// changes. A row that has expired, or whose lease ended without an answer, counts as absent.
    /// If several callers begin at the same time, one is first.
    async fn begin_idempotent(
        &self,
        request: &IdempotentRequest,
        lease: &Lease,
        now: Timestamp,
        keep_until: Timestamp,
    ) -> Result<IdempotencyState, StoreError>;

    /// Stores the answer. `false` when another lease holds the request by now.
    async fn finish_idempotent(
        &self,
        id: IdempotentRequestId,
        token: LeaseToken,
        answer: &Sealed,
        keep_until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Deletes a request whose answer need not be stored, so that it can be sent again at once.
    /// `false` when another lease holds it.
    async fn abandon_idempotent(
        &self,
        id: IdempotentRequestId,
        token: LeaseToken,
    ) -> Result<bool, StoreError>;

    /// Deletes up to `most` expired requests.
    async fn forget_idempotent(&self, now: Timestamp, most: u32) -> Result<u64, StoreError>;
}
