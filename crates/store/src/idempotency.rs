//! Requests that are to be done once, however often they are sent.

use async_trait::async_trait;
use model::{IdempotentRequestId, LeaseToken, Sealed, Timestamp, WorkspaceId};

use crate::{Digest, Lease, StoreError};

/// A request of a caller who may send it again.
#[derive(Debug, Clone, Copy)]
pub struct IdempotentRequest {
    /// The same for the same caller, path and idempotency key.
    pub id: IdempotentRequestId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// SHA-256 of what was asked for.
    pub fingerprint: Digest,
}

/// What is to be done with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstOrAgain {
    /// It is the first: whoever asked does it, under the lease.
    First,
    /// Somebody is at it.
    InFlight {
        /// What they were asked for.
        fingerprint: Digest,
    },
    /// It was done.
    Done {
        /// What was asked for.
        fingerprint: Digest,
        /// What was answered.
        answer: Sealed,
    },
}

/// Requests with idempotency keys, and their answers.
#[async_trait]
pub trait IdempotentRequests {
    /// Takes a request on, until `keep_until`, unless it was taken on before: then nothing changes. A row that is past its
    /// time, or whose lease has lapsed before the answer was there, counts for nothing. Of several at once, one is first.
    async fn begin_idempotent(
        &self,
        request: &IdempotentRequest,
        lease: &Lease,
        now: Timestamp,
        keep_until: Timestamp,
    ) -> Result<FirstOrAgain, StoreError>;

    /// Keeps the answer. `false` when the request belongs to another lease by now.
    async fn finish_idempotent(
        &self,
        id: IdempotentRequestId,
        token: LeaseToken,
        answer: &Sealed,
        keep_until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Forgets a request without an answer that is worth keeping: it may be sent again at once. `false` likewise.
    async fn abandon_idempotent(
        &self,
        id: IdempotentRequestId,
        token: LeaseToken,
    ) -> Result<bool, StoreError>;

    /// Forgets `most` of the requests that are past their time.
    async fn forget_idempotent(&self, now: Timestamp, most: u32) -> Result<u64, StoreError>;
}
