//! Requests that are executed once.

use async_trait::async_trait;
use model::{CLOCK_TOLERANCE, IdempotentRequestId, LeaseToken, Sealed, Timestamp};
use store::{IdempotencyState, IdempotentRequest, IdempotentRequests, Lease, StoreError};

use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{NO_BYTES, query, values},
};

#[async_trait]
impl IdempotentRequests for SqlStore {
    async fn begin_idempotent(
        &self,
        request: &IdempotentRequest,
        lease: &Lease,
        now: Timestamp,
        keep_until: Timestamp,
    ) -> Result<IdempotencyState, StoreError> {
        // The conflicting row is locked even though it is not changed, so it is still there when it is read.
        let body = |mut tx: Tx| async move {
            let begun = query(
                "-- begin_idempotent\n\
                 INSERT INTO idempotent_requests AS r\n\
                     (id, workspace, fingerprint, lease_token, lease_expires_at, answer, expires_at)\n\
                 VALUES ($1, $2, $3, $4, $5, $6, $7)\n\
                 ON CONFLICT (id) DO UPDATE SET\n\
                     workspace = excluded.workspace, fingerprint = excluded.fingerprint,\n\
                     lease_token = excluded.lease_token, lease_expires_at = excluded.lease_expires_at,\n\
                     answer = excluded.answer, expires_at = excluded.expires_at\n\
                 WHERE r.expires_at <= $8 OR r.lease_expires_at <= $8 OR r.lease_expires_at > $9",
            )
            .with(values![
                request.id,
                request.workspace,
                request.fingerprint.as_slice(),
                lease.token,
                lease.expires_at,
                NO_BYTES,
                keep_until,
                now,
                lease.expires_at + CLOCK_TOLERANCE
            ])
            .execute(&mut tx)
            .await?;
            if begun > 0 {
                tx.commit().await?;
                return Ok(IdempotencyState::First);
            }
            let row = query(
                "-- begin_idempotent: again\n\
                 SELECT fingerprint, answer FROM idempotent_requests WHERE id = $1",
            )
            .bind(request.id)
            .fetch_one(&mut tx)
            .await?;
            let row = row.of("idempotent_requests");
            let fingerprint = row.digest("fingerprint")?;
            Ok(match row.unless_empty("answer")? {
                Some(answer) => IdempotencyState::Done { fingerprint, answer },
                None => IdempotencyState::InFlight { fingerprint },
            })
        };
        self.transaction("begin_idempotent", Isolation::ReadCommitted, body).await
    }

    async fn finish_idempotent(
        &self,
        id: IdempotentRequestId,
        token: LeaseToken,
        answer: &Sealed,
        keep_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let finished = query(
            "-- finish_idempotent\n\
             UPDATE idempotent_requests\n\
             SET answer = $1, expires_at = $2, lease_token = NULL, lease_expires_at = NULL\n\
             WHERE id = $3 AND lease_token = $4",
        )
        .with(values![&answer.0, keep_until, id, token])
        .execute(&self.writer)
        .await?;
        Ok(finished > 0)
    }

    async fn abandon_idempotent(
        &self,
        id: IdempotentRequestId,
        token: LeaseToken,
    ) -> Result<bool, StoreError> {
        let abandoned = query(
            "-- abandon_idempotent\nDELETE FROM idempotent_requests WHERE id = $1 AND lease_token = $2",
        )
        .with(values![id, token])
        .execute(&self.writer)
        .await?;
        Ok(abandoned > 0)
    }

    async fn forget_idempotent(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        query(
            "-- forget_idempotent\n\
             DELETE FROM idempotent_requests WHERE id IN\n\
                 (SELECT id FROM idempotent_requests WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2\n\
                  FOR UPDATE SKIP LOCKED)",
        )
        .with(values![now, most])
        .execute(&self.writer)
        .await
    }
}
