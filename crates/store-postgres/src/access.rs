//! Workspaces and API keys.

use async_trait::async_trait;
use model::WorkspaceId;
use sqlx::postgres::PgRow;
use store::{Access, ApiKey, Digest, StoreError, Workspace};

use crate::{ON_ABSENCE, PostgresStore, Tx, row::Reader, unavailable};

macro_rules! columns {
    () => {
        "id, name, callback_secret, created_at"
    };
}

fn workspace(row: &PgRow) -> Result<Workspace, StoreError> {
    let row = Reader { table: "workspaces", row };
    Ok(Workspace {
        id: row.parsed("id")?,
        name: row.text("name")?,
        callback_secret: row.sealed("callback_secret")?,
        created_at: row.time("created_at")?,
    })
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

    async fn found(&self, workspace: &Workspace, key: &ApiKey) -> Result<bool, StoreError> {
        // Of two that both saw no workspace one is ended, and sees the other's when it runs again.
        let body = |mut tx: Tx| async move {
            let made = sqlx::query(
                "-- found: workspace\n\
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
            sqlx::query(
                "-- found: key\n\
                 INSERT INTO api_keys (id, workspace, name, digest, created_at) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(key.id.to_string())
            .bind(key.workspace.to_string())
            .bind(&key.name)
            .bind(key.digest.as_slice())
            .bind(key.created_at.as_microsecond())
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
            tx.commit().await.map_err(unavailable)?;
            Ok(true)
        };
        self.transaction("found", ON_ABSENCE, body).await
    }

    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError> {
        let row = sqlx::query(
            "-- api_key\nSELECT id, workspace, name, digest, created_at FROM api_keys WHERE digest = $1",
        )
        .bind(digest.as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        let Some(row) = row else { return Ok(None) };
        let row = Reader { table: "api_keys", row: &row };
        Ok(Some(ApiKey {
            id: row.parsed("id")?,
            workspace: row.parsed("workspace")?,
            name: row.text("name")?,
            digest: row.digest("digest")?,
            created_at: row.time("created_at")?,
        }))
    }
}
