//! Workspaces and API keys.

use async_trait::async_trait;
use model::WorkspaceId;
use sqlx::sqlite::SqliteRow;
use store::{Access, ApiKey, Digest, StoreError, Workspace};

use crate::{SqliteStore, row::Reader, unavailable};

fn workspace(row: &SqliteRow) -> Result<Workspace, StoreError> {
    let row = Reader { table: "workspaces", row };
    Ok(Workspace {
        id: row.parsed("id")?,
        name: row.text("name")?,
        callback_secret: row.sealed("callback_secret")?,
        created_at: row.time("created_at")?,
    })
}

#[async_trait]
impl Access for SqliteStore {
    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        let rows = sqlx::query("-- workspaces\nSELECT * FROM workspaces ORDER BY created_at, id")
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)?;
        rows.iter().map(workspace).collect()
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        let row = sqlx::query("-- workspace\nSELECT * FROM workspaces WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(unavailable)?;
        row.as_ref().map(workspace).transpose()
    }

    async fn found(&self, workspace: &Workspace, key: &ApiKey) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let made = sqlx::query(
            "-- found: workspace\n\
             INSERT INTO workspaces (id, name, callback_secret, created_at)\n\
             SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM workspaces)",
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
             INSERT INTO api_keys (id, workspace, name, digest, created_at) VALUES (?, ?, ?, ?, ?)",
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
    }

    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError> {
        let row = sqlx::query("-- api_key\nSELECT * FROM api_keys WHERE digest = ?")
            .bind(digest.as_slice())
            .fetch_optional(&self.readers)
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
