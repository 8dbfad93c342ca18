//! Requests that are to be done once.

use async_trait::async_trait;
use model::{CLOCK_TOLERANCE, IdempotentRequestId, LeaseToken, Sealed, Timestamp};
use store::{FirstOrAgain, IdempotentRequest, IdempotentRequests, Lease, StoreError};

use crate::{SqliteStore, row::Reader, unavailable};

#[async_trait]
impl IdempotentRequests for SqliteStore {
    async fn begin_idempotent(
        &self,
        request: &IdempotentRequest,
        lease: &Lease,
        now: Timestamp,
        keep_until: Timestamp,
    ) -> Result<FirstOrAgain, StoreError> {
        let mut tx = self.write().await?;
        let begun = sqlx::query(
            "-- begin_idempotent\n\
             INSERT INTO idempotent_requests AS r\n\
                 (id, workspace, fingerprint, lease_token, lease_expires_at, answer, expires_at)\n\
             VALUES (?1, ?2, ?3, ?4, ?5, x'', ?6)\n\
             ON CONFLICT (id) DO UPDATE SET\n\
                 workspace = excluded.workspace, fingerprint = excluded.fingerprint,\n\
                 lease_token = excluded.lease_token, lease_expires_at = excluded.lease_expires_at,\n\
                 answer = x'', expires_at = excluded.expires_at\n\
             WHERE r.expires_at <= ?7 OR r.lease_expires_at <= ?7 OR r.lease_expires_at > ?8",
        )
        .bind(request.id.to_string())
        .bind(request.workspace.to_string())
        .bind(request.fingerprint.as_slice())
        .bind(lease.token.to_string())
        .bind(lease.expires_at.as_microsecond())
        .bind(keep_until.as_microsecond())
        .bind(now.as_microsecond())
        .bind((lease.expires_at + CLOCK_TOLERANCE).as_microsecond())
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        if begun.rows_affected() > 0 {
            tx.commit().await.map_err(unavailable)?;
            return Ok(FirstOrAgain::First);
        }
        let row = sqlx::query("-- begin_idempotent: again\nSELECT * FROM idempotent_requests WHERE id = ?")
            .bind(request.id.to_string())
            .fetch_one(&mut *tx)
            .await
            .map_err(unavailable)?;
        let row = Reader { table: "idempotent_requests", row: &row };
        let fingerprint = row.digest("fingerprint")?;
        Ok(match row.unless_empty("answer")? {
            Some(answer) => FirstOrAgain::Done { fingerprint, answer },
            None => FirstOrAgain::InFlight { fingerprint },
        })
    }

    async fn finish_idempotent(
        &self,
        id: IdempotentRequestId,
        token: LeaseToken,
        answer: &Sealed,
        keep_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let finished = sqlx::query(
            "-- finish_idempotent\n\
             UPDATE idempotent_requests\n\
             SET answer = ?, expires_at = ?, lease_token = NULL, lease_expires_at = NULL\n\
             WHERE id = ? AND lease_token = ?",
        )
        .bind(&answer.0)
        .bind(keep_until.as_microsecond())
        .bind(id.to_string())
        .bind(token.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(finished.rows_affected() > 0)
    }

    async fn abandon_idempotent(
        &self,
        id: IdempotentRequestId,
        token: LeaseToken,
    ) -> Result<bool, StoreError> {
        let abandoned = sqlx::query(
            "-- abandon_idempotent\nDELETE FROM idempotent_requests WHERE id = ? AND lease_token = ?",
        )
        .bind(id.to_string())
        .bind(token.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(abandoned.rows_affected() > 0)
    }

    async fn forget_idempotent(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        let forgotten = sqlx::query(
            "-- forget_idempotent\n\
             DELETE FROM idempotent_requests WHERE id IN\n\
                 (SELECT id FROM idempotent_requests WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
        )
        .bind(now.as_microsecond())
        .bind(most)
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(forgotten.rows_affected())
    }
}
