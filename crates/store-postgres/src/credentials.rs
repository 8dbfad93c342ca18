//! Connected accounts: grants change hands under a lease, and only from the generation they started from.

use async_trait::async_trait;
use model::{CredentialId, CredentialStatus, ReauthCause, Timestamp, WorkspaceId, ZoomOauthAppId};
use sqlx::{PgConnection, postgres::PgRow, types::Json};
use store::{Credential, Credentials, Grant, Lease, RefreshLease, StoreError};

use crate::{ON_ROWS, PostgresStore, Tx, exists, row::Reader, unavailable};

macro_rules! columns {
    () => {
        "id, workspace, app, zoom_user_id, zoom_account_id, display_name, status, generation, access_token,\n\
             access_expires_at, refresh_token, scopes, api_url, spent_at, lease_expires_at, created_at, granted_at"
    };
}

fn credential(row: &PgRow) -> Result<Credential, StoreError> {
    let row = Reader { table: "credentials", row };
    Ok(Credential {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        app: row.parsed("app")?,
        zoom_user_id: row.text("zoom_user_id")?,
        zoom_account_id: row.text("zoom_account_id")?,
        display_name: row.text("display_name")?,
        status: row.parsed("status")?,
        generation: row.number("generation")?,
        grant: Grant {
            access_token: row.sealed("access_token")?,
            access_expires_at: row.time("access_expires_at")?,
            refresh_token: row.sealed("refresh_token")?,
            scopes: row.json("scopes")?,
            api_url: row.optional_text("api_url")?,
        },
        spent_at: row.optional_time("spent_at")?,
        created_at: row.time("created_at")?,
        granted_at: row.time("granted_at")?,
    })
}

/// Inserts an account, or replaces the grant of the row with the same id.
pub(crate) async fn connect(db: &mut PgConnection, credential: &Credential) -> Result<(), StoreError> {
    sqlx::query(
        "-- connect_credential\n\
         INSERT INTO credentials AS old (id, workspace, app, zoom_user_id, zoom_account_id, display_name, status,\n\
             generation, access_token, access_expires_at, refresh_token, scopes, api_url, created_at, granted_at)\n\
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10, $11, $12, $13, $14)\n\
         ON CONFLICT (id) DO UPDATE SET\n\
             zoom_account_id = excluded.zoom_account_id, display_name = excluded.display_name,\n\
             status = excluded.status, generation = old.generation + 1,\n\
             access_token = excluded.access_token, access_expires_at = excluded.access_expires_at,\n\
             refresh_token = excluded.refresh_token, scopes = excluded.scopes, api_url = excluded.api_url,\n\
             granted_at = excluded.granted_at,\n\
             spent_at = NULL, lease_token = NULL, lease_expires_at = NULL",
    )
    .bind(credential.id.to_string())
    .bind(credential.workspace.to_string())
    .bind(credential.app.to_string())
    .bind(&credential.zoom_user_id)
    .bind(&credential.zoom_account_id)
    .bind(&credential.display_name)
    .bind(CredentialStatus::Healthy.as_str())
    .bind(&credential.grant.access_token.0)
    .bind(credential.grant.access_expires_at.as_microsecond())
    .bind(&credential.grant.refresh_token.0)
    .bind(Json(&credential.grant.scopes))
    .bind(&credential.grant.api_url)
    .bind(credential.created_at.as_microsecond())
    .bind(credential.granted_at.as_microsecond())
    .execute(db)
    .await
    .map_err(exists("an account of this Zoom user on this app"))?;
    Ok(())
}

#[async_trait]
impl Credentials for PostgresStore {
    async fn connect_credential(&self, credential: &Credential) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            connect(&mut tx, credential).await?;
            tx.commit().await.map_err(unavailable)
        };
        self.transaction("connect_credential", ON_ROWS, body).await
    }

    async fn credential(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
    ) -> Result<Option<Credential>, StoreError> {
        let row = sqlx::query(concat!(
            "-- credential\nSELECT ",
            columns!(),
            " FROM credentials WHERE id = $1 AND workspace = $2",
        ))
        .bind(id.to_string())
        .bind(workspace.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(credential).transpose()
    }

    async fn credential_of(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        zoom_user_id: &str,
    ) -> Result<Option<Credential>, StoreError> {
        let row = sqlx::query(concat!(
            "-- credential_of\nSELECT ",
            columns!(),
            " FROM credentials WHERE app = $1 AND zoom_user_id = $2 AND workspace = $3",
        ))
        .bind(app.to_string())
        .bind(zoom_user_id)
        .bind(workspace.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(credential).transpose()
    }

    async fn credentials(&self, workspace: WorkspaceId) -> Result<Vec<Credential>, StoreError> {
        let rows = sqlx::query(concat!(
            "-- credentials\nSELECT ",
            columns!(),
            " FROM credentials WHERE workspace = $1 ORDER BY created_at DESC, id DESC",
        ))
        .bind(workspace.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(credential).collect()
    }

    async fn lease_refresh(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<RefreshLease, StoreError> {
        // Locked from the first read on: who comes second waits here, and finds the lease of who came first.
        let body = |mut tx: Tx| async move {
            let row = sqlx::query(concat!(
                "-- lease_refresh: read\nSELECT ",
                columns!(),
                " FROM credentials WHERE id = $1 AND workspace = $2 FOR UPDATE",
            ))
            .bind(id.to_string())
            .bind(workspace.to_string())
            .fetch_optional(&mut *tx)
            .await
            .map_err(unavailable)?;
            let Some(row) = row else { return Ok(RefreshLease::Unusable) };
            let before = credential(&row)?;
            if before.generation != generation {
                return Ok(RefreshLease::Moved);
            }
            if before.status != CredentialStatus::Healthy {
                return Ok(RefreshLease::Unusable);
            }
            let held_until = Reader { table: "credentials", row: &row }.optional_time("lease_expires_at")?;
            if let Some(until) = held_until.filter(|until| *until > now) {
                return Ok(RefreshLease::Held { until });
            }
            sqlx::query(
                "-- lease_refresh: claim\n\
                 UPDATE credentials SET lease_token = $1, lease_expires_at = $2, spent_at = coalesce(spent_at, $3)\n\
                 WHERE id = $4",
            )
            .bind(lease.token.to_string())
            .bind(lease.expires_at.as_microsecond())
            .bind(now.as_microsecond())
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
            tx.commit().await.map_err(unavailable)?;
            Ok(RefreshLease::Taken(Box::new(before)))
        };
        self.transaction("lease_refresh", ON_ROWS, body).await
    }

    async fn commit_refresh(
        &self,
        id: CredentialId,
        generation: i64,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- commit_refresh\n\
             UPDATE credentials SET status = $1, generation = generation + 1,\n\
                 access_token = $2, access_expires_at = $3, refresh_token = $4, scopes = $5, api_url = $6,\n\
                 granted_at = $7, spent_at = NULL, lease_token = NULL, lease_expires_at = NULL\n\
             WHERE id = $8 AND generation = $9",
        )
        .bind(CredentialStatus::Healthy.as_str())
        .bind(&grant.access_token.0)
        .bind(grant.access_expires_at.as_microsecond())
        .bind(&grant.refresh_token.0)
        .bind(Json(&grant.scopes))
        .bind(&grant.api_url)
        .bind(now.as_microsecond())
        .bind(id.to_string())
        .bind(generation)
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn release_refresh(
        &self,
        id: CredentialId,
        lease: &Lease,
        unspent: bool,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- release_refresh\n\
             UPDATE credentials SET lease_token = NULL, lease_expires_at = NULL,\n\
                 spent_at = CASE WHEN $1 THEN NULL ELSE spent_at END\n\
             WHERE id = $2 AND lease_token = $3",
        )
        .bind(unspent)
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn lose_grant(
        &self,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        cause: ReauthCause,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- lose_grant\n\
             UPDATE credentials SET status = $1, lease_token = NULL, lease_expires_at = NULL\n\
             WHERE id = $2 AND generation = $3 AND lease_token = $4",
        )
        .bind(CredentialStatus::NeedsReauth(cause).as_str())
        .bind(id.to_string())
        .bind(generation)
        .bind(lease.token.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }
}
