//! Workspaces and API keys.

use std::num::NonZeroU32;

use async_trait::async_trait;
use model::{ApiKeyId, Sealed, Timestamp, WorkspaceId};
use sqlx::postgres::PgRow;
use store::{Access, ApiKey, Digest, FormerSecret, SecondAuthorization, StoreError, Workspace};

use crate::{
    ON_ABSENCE, ON_ROWS, PostgresStore, Tx,
    db::Statements,
    exists,
    row::{Reader, bytes},
    unavailable,
};

macro_rules! columns {
    () => {
        "id, name, callback_secret, former_callback_secret, former_callback_secret_ends_at, created_at"
    };
}

macro_rules! key_columns {
    () => {
        "id, workspace, name, digest, prefix, scopes, per_minute, created_at, expires_at, last_used_at, revoked_at"
    };
}

fn workspace(row: &PgRow) -> Result<Workspace, StoreError> {
    let row = Reader { table: "workspaces", row };
    let former =
        row.unless_empty("former_callback_secret")?.zip(row.optional_time("former_callback_secret_ends_at")?);
    Ok(Workspace {
        id: row.parsed("id")?,
        name: row.text("name")?,
        callback_secret: row.sealed("callback_secret")?,
        former_callback_secret: former.map(|(sealed, ends_at)| FormerSecret { sealed, ends_at }),
        created_at: row.time("created_at")?,
    })
}

fn api_key(row: &PgRow) -> Result<ApiKey, StoreError> {
    let row = Reader { table: "api_keys", row };
    Ok(ApiKey {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        name: row.text("name")?,
        digest: row.digest("digest")?,
        prefix: row.text("prefix")?,
        scopes: row.parsed("scopes")?,
        per_minute: row.optional_count("per_minute")?.and_then(NonZeroU32::new),
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
        last_used_at: row.optional_time("last_used_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}

async fn insert_key(db: &mut Statements, key: &ApiKey) -> Result<(), StoreError> {
    sqlx::query(
        "-- add_api_key\n\
         INSERT INTO api_keys (id, workspace, name, digest, prefix, scopes, per_minute, created_at, expires_at)\n\
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(key.id.to_string())
    .bind(key.workspace.to_string())
    .bind(&key.name)
    .bind(key.digest.as_slice())
    .bind(&key.prefix)
    .bind(key.scopes.to_string())
    .bind(key.per_minute.map(|limit| i64::from(limit.get())))
    .bind(key.created_at.as_microsecond())
    .bind(key.expires_at.map(Timestamp::as_microsecond))
    .execute(db)
    .await
    .map_err(exists("the API key"))?;
    Ok(())
}

#[async_trait]
impl Access for PostgresStore {
    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        let rows = sqlx::query(concat!(
            "-- workspaces\nSELECT ",
            columns!(),
            " FROM workspaces ORDER BY created_at, id",
        ))
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(workspace).collect()
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        let row = sqlx::query(concat!("-- workspace\nSELECT ", columns!(), " FROM workspaces WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        row.as_ref().map(workspace).transpose()
    }

    async fn second_authorization(&self, workspace: WorkspaceId) -> Result<SecondAuthorization, StoreError> {
        let row =
            sqlx::query("-- second_authorization\nSELECT second_authorization FROM workspaces WHERE id = $1")
                .bind(workspace.to_string())
                .fetch_optional(&self.pool)
                .await
                .map_err(unavailable)?;
        let choice = |row| Reader { table: "workspaces", row }.parsed("second_authorization");
        row.as_ref().map_or(Ok(SecondAuthorization::Replace), choice)
    }

    async fn choose_second_authorization(
        &self,
        workspace: WorkspaceId,
        choice: SecondAuthorization,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "-- choose_second_authorization\nUPDATE workspaces SET second_authorization = $1 WHERE id = $2",
        )
        .bind(choice.as_str())
        .bind(workspace.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn bot_limits(&self) -> Result<Vec<(WorkspaceId, u32)>, StoreError> {
        let rows =
            sqlx::query("-- bot_limits\nSELECT id, bot_limit FROM workspaces WHERE bot_limit IS NOT NULL")
                .fetch_all(&self.pool)
                .await
                .map_err(unavailable)?;
        let limit = |row| {
            let row = Reader { table: "workspaces", row };
            Ok((row.parsed("id")?, row.count("bot_limit")?))
        };
        rows.iter().map(limit).collect()
    }

    async fn limit_bots(&self, workspace: WorkspaceId, limit: Option<u32>) -> Result<bool, StoreError> {
        let done = sqlx::query("-- limit_bots\nUPDATE workspaces SET bot_limit = $1 WHERE id = $2")
            .bind(limit.map(i64::from))
            .bind(workspace.to_string())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn found(&self, workspace: &Workspace, key: &ApiKey) -> Result<bool, StoreError> {
        // Of two that both saw no workspace one is ended, and sees the other's when it runs again.
        let body = |mut tx: Tx| async move {
            let made = sqlx::query(
                "-- found\n\
                 INSERT INTO workspaces (id, name, callback_secret, created_at)\n\
                 SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM workspaces)",
            )
            .bind(workspace.id.to_string())
            .bind(&workspace.name)
            .bind(&workspace.callback_secret.0)
            .bind(workspace.created_at.as_microsecond())
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
            if made.rows_affected() == 0 {
                return Ok(false);
            }
            insert_key(&mut tx, key).await?;
            tx.commit().await.map_err(unavailable)?;
            Ok(true)
        };
        self.transaction("found", ON_ABSENCE, body).await
    }

    async fn add_workspace(&self, workspace: &Workspace, key: &ApiKey) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            sqlx::query(
                "-- add_workspace\n\
                 INSERT INTO workspaces (id, name, callback_secret, created_at) VALUES ($1, $2, $3, $4)",
            )
            .bind(workspace.id.to_string())
            .bind(&workspace.name)
            .bind(&workspace.callback_secret.0)
            .bind(workspace.created_at.as_microsecond())
            .execute(&mut *tx)
            .await
            .map_err(exists("the workspace"))?;
            insert_key(&mut tx, key).await?;
            tx.commit().await.map_err(unavailable)
        };
        self.transaction("add_workspace", ON_ROWS, body).await
    }

    async fn rotate_callback_secret(
        &self,
        workspace: WorkspaceId,
        current: &Sealed,
        new: &Sealed,
        former: Option<&FormerSecret>,
    ) -> Result<bool, StoreError> {
        let rotated = sqlx::query(
            "-- rotate_callback_secret\n\
             UPDATE workspaces SET callback_secret = $1, former_callback_secret = $2,\n\
                 former_callback_secret_ends_at = $3\n\
             WHERE id = $4 AND callback_secret = $5",
        )
        .bind(&new.0)
        .bind(bytes(former.map(|former| &former.sealed)))
        .bind(former.map(|former| former.ends_at.as_microsecond()))
        .bind(workspace.to_string())
        .bind(&current.0)
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(rotated.rows_affected() > 0)
    }

    async fn erase_former_callback_secrets(&self, now: Timestamp) -> Result<u64, StoreError> {
        let erased = sqlx::query(
            "-- erase_former_callback_secrets\n\
             UPDATE workspaces SET former_callback_secret = '', former_callback_secret_ends_at = NULL\n\
             WHERE former_callback_secret_ends_at <= $1",
        )
        .bind(now.as_microsecond())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(erased.rows_affected())
    }

    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError> {
        let row =
            sqlx::query(concat!("-- api_key\nSELECT ", key_columns!(), " FROM api_keys WHERE digest = $1"))
                .bind(digest.as_slice())
                .fetch_optional(&self.pool)
                .await
                .map_err(unavailable)?;
        row.as_ref().map(api_key).transpose()
    }

    async fn api_keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>, StoreError> {
        let rows = sqlx::query(concat!(
            "-- api_keys\nSELECT ",
            key_columns!(),
            " FROM api_keys WHERE workspace = $1 ORDER BY created_at DESC, id DESC",
        ))
        .bind(workspace.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(api_key).collect()
    }

    async fn add_api_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        let mut tx = self.pool.begin(ON_ROWS).await.map_err(unavailable)?;
        insert_key(&mut tx, key).await?;
        tx.commit().await.map_err(unavailable)
    }

    async fn revoke_api_key(
        &self,
        workspace: WorkspaceId,
        id: ApiKeyId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let revoked = sqlx::query(
            "-- revoke_api_key\n\
             UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2 AND workspace = $3",
        )
        .bind(now.as_microsecond())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(revoked.rows_affected() > 0)
    }

    async fn note_use_of_api_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "-- note_use_of_api_key\n\
             UPDATE api_keys SET last_used_at = $1\n\
             WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1)",
        )
        .bind(at.as_microsecond())
        .bind(id.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }
}
