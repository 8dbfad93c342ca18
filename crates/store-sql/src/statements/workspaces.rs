//! Workspaces and API keys.

use std::num::NonZeroU32;

use async_trait::async_trait;
use model::{ApiKeyId, Sealed, Timestamp, WorkspaceId};
use store::{
    Access, ApiKey, Digest, FormerSecret, IgnoredFields, SecondAuthorization, StoreError, Workspace,
    WorkspaceChange,
};

use crate::{
    SqlStore,
    db::{Isolation, Tx},
    error::exists,
    query::{NO_BYTES, insert, query, values},
    row::{Row, bytes},
};

const COLUMNS: &str = "id, name, callback_secret, former_callback_secret, former_callback_secret_ends_at, bot_limit,\n\
             second_authorization, ignored_fields, created_at";

pub(super) const KEY_COLUMNS: &str = "id, workspace, name, digest, prefix, scopes, per_minute, created_at, expires_at, last_used_at, revoked_at";

fn workspace(row: &Row) -> Result<Workspace, StoreError> {
    let row = row.of("workspaces");
    let former =
        row.unless_empty("former_callback_secret")?.zip(row.optional_time("former_callback_secret_ends_at")?);
    Ok(Workspace {
        id: row.parsed("id")?,
        name: row.text("name")?,
        callback_secret: row.sealed("callback_secret")?,
        former_callback_secret: former.map(|(sealed, ends_at)| FormerSecret { sealed, ends_at }),
        bot_limit: row.optional_count("bot_limit")?,
        second_authorization: row.parsed("second_authorization")?,
        ignored_fields: row.parsed("ignored_fields")?,
        created_at: row.time("created_at")?,
    })
}

pub(super) fn api_key(row: &Row) -> Result<ApiKey, StoreError> {
    let row = row.of("api_keys");
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

async fn insert_key(db: &mut Tx, key: &ApiKey) -> Result<(), StoreError> {
    insert("-- add_api_key", "api_keys")
        .set("id", key.id)
        .set("workspace", key.workspace)
        .set("name", &key.name)
        .set("digest", key.digest.as_slice())
        .set("prefix", &key.prefix)
        .set("scopes", key.scopes.to_string())
        .set("per_minute", key.per_minute.map(NonZeroU32::get))
        .set("created_at", key.created_at)
        .set("expires_at", key.expires_at)
        .execute(db)
        .await
        .map_err(exists("the API key"))?;
    Ok(())
}

#[async_trait]
impl Access for SqlStore {
    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        query(format!("-- workspaces\nSELECT {COLUMNS} FROM workspaces ORDER BY created_at, id"))
            .all(&self.readers, workspace)
            .await
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        query(format!("-- workspace\nSELECT {COLUMNS} FROM workspaces WHERE id = $1"))
            .bind(id)
            .one(&self.readers, workspace)
            .await
    }

    async fn change_workspace(&self, id: WorkspaceId, change: &WorkspaceChange) -> Result<bool, StoreError> {
        let WorkspaceChange { bot_limit, second_authorization, ignored_fields } = *change;
        let done = query(
            "-- change_workspace\n\
             UPDATE workspaces SET bot_limit = CASE WHEN $1 THEN $2 ELSE bot_limit END,\n\
                 second_authorization = coalesce($3, second_authorization),\n\
                 ignored_fields = coalesce($4, ignored_fields)\n\
             WHERE id = $5",
        )
        .with(values![bot_limit.is_some(), bot_limit.flatten()])
        .with(values![
            second_authorization.map(SecondAuthorization::as_str),
            ignored_fields.map(IgnoredFields::as_str),
            id
        ])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn create_first_workspace(&self, workspace: &Workspace, key: &ApiKey) -> Result<bool, StoreError> {
        // If two transactions see no workspace, one is rolled back. It sees the other's workspace when it is
        // repeated.
        let body = |mut tx: Tx| async move {
            let made = query(
                "-- create_first_workspace\n\
                 INSERT INTO workspaces (id, name, callback_secret, created_at)\n\
                 SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM workspaces)",
            )
            .with(values![workspace.id, &workspace.name, &workspace.callback_secret.0, workspace.created_at])
            .execute(&mut tx)
            .await?;
            if made == 0 {
                return Ok(false);
            }
            insert_key(&mut tx, key).await?;
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("create_first_workspace", Isolation::Serializable, body).await
    }

    async fn add_workspace(&self, workspace: &Workspace, key: &ApiKey) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            query(
                "-- add_workspace\n\
                 INSERT INTO workspaces (id, name, callback_secret, created_at, bot_limit) VALUES ($1, $2, $3, $4, $5)",
            )
            .with(values![workspace.id, &workspace.name, &workspace.callback_secret.0, workspace.created_at])
            .bind(workspace.bot_limit)
            .execute(&mut tx)
            .await
            .map_err(exists("the workspace"))?;
            insert_key(&mut tx, key).await?;
            tx.commit().await
        };
        self.transaction("add_workspace", Isolation::ReadCommitted, body).await
    }

    async fn rotate_callback_secret(
        &self,
        workspace: WorkspaceId,
        current: &Sealed,
        new: &Sealed,
        former: Option<&FormerSecret>,
    ) -> Result<bool, StoreError> {
        let rotated = query(
            "-- rotate_callback_secret\n\
             UPDATE workspaces SET callback_secret = $1, former_callback_secret = $2,\n\
                 former_callback_secret_ends_at = $3\n\
             WHERE id = $4 AND callback_secret = $5",
        )
        .with(values![
            &new.0,
            bytes(former.map(|former| &former.sealed)),
            former.map(|former| former.ends_at.as_microsecond()),
            workspace,
            &current.0
        ])
        .execute(&self.writer)
        .await?;
        Ok(rotated > 0)
    }

    async fn erase_former_callback_secrets(&self, now: Timestamp) -> Result<u64, StoreError> {
        query(
            "-- erase_former_callback_secrets\n\
             UPDATE workspaces SET former_callback_secret = $2, former_callback_secret_ends_at = NULL\n\
             WHERE former_callback_secret_ends_at <= $1",
        )
        .with(values![now, NO_BYTES])
        .execute(&self.writer)
        .await
    }

    async fn api_key(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError> {
        query(format!("-- api_key\nSELECT {KEY_COLUMNS} FROM api_keys WHERE digest = $1"))
            .bind(digest.as_slice())
            .one(&self.readers, api_key)
            .await
    }

    async fn api_keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>, StoreError> {
        query(format!(
            "-- api_keys\n\
             SELECT {KEY_COLUMNS} FROM api_keys WHERE workspace = $1 ORDER BY created_at DESC, id DESC"
        ))
        .bind(workspace)
        .all(&self.readers, api_key)
        .await
    }

    async fn add_api_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            insert_key(&mut tx, key).await?;
            tx.commit().await
        };
        self.transaction("add_api_key", Isolation::ReadCommitted, body).await
    }

    async fn revoke_api_key(
        &self,
        workspace: WorkspaceId,
        id: ApiKeyId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let revoked = query(
            "-- revoke_api_key\n\
             UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2 AND workspace = $3",
        )
        .with(values![now, id, workspace])
        .execute(&self.writer)
        .await?;
        Ok(revoked > 0)
    }

    async fn note_use_of_api_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        query(
            "-- note_use_of_api_key\n\
             UPDATE api_keys SET last_used_at = $1\n\
             WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1)",
        )
        .with(values![at, id])
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}
