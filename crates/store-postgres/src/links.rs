//! Token links.

use async_trait::async_trait;
use model::{AccountUser, Timestamp, TokenLinkId, WorkspaceId};
use sqlx::postgres::PgRow;
use store::{ServableLink, StoreError, TokenLink, TokenLinks};

use crate::{PostgresStore, row::Reader, unavailable};

macro_rules! columns {
    () => {
        "id, workspace, secret_digest, kind, credential, zoom_user, signing_secret, expires_at, created_at,\n\
             revoked_at"
    };
}

fn link(row: &PgRow) -> Result<TokenLink, StoreError> {
    let row = Reader { table: "token_links", row };
    Ok(TokenLink {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        secret_digest: row.digest("secret_digest")?,
        kind: row.parsed("kind")?,
        credential: row.parsed("credential")?,
        user: row.optional("zoom_user")?,
        signing_secret: row.optional_sealed("signing_secret")?,
        expires_at: row.optional_time("expires_at")?,
        created_at: row.time("created_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}

fn servable(row: &PgRow) -> Result<ServableLink, StoreError> {
    let account = Reader { table: "credentials", row };
    Ok(ServableLink { link: link(row)?, status: account.parsed("status")?, epoch: account.number("epoch")? })
}

#[async_trait]
impl TokenLinks for PostgresStore {
    async fn add_token_link(&self, link: &TokenLink) -> Result<(), StoreError> {
        sqlx::query(
            "-- add_token_link\n\
             INSERT INTO token_links (id, workspace, secret_digest, kind, credential, zoom_user, signing_secret,\n\
                                      expires_at, created_at)\n\
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(link.id.to_string())
        .bind(link.workspace.to_string())
        .bind(link.secret_digest.as_slice())
        .bind(link.kind.as_str())
        .bind(link.credential.to_string())
        .bind(link.user.as_ref().map(AccountUser::as_str))
        .bind(link.signing_secret.as_ref().map(|sealed| sealed.0.as_slice()))
        .bind(link.expires_at.map(Timestamp::as_microsecond))
        .bind(link.created_at.as_microsecond())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn token_link(&self, id: TokenLinkId) -> Result<Option<ServableLink>, StoreError> {
        let row = sqlx::query(
            "-- token_link\n\
             SELECT l.id, l.workspace, l.secret_digest, l.kind, l.credential, l.zoom_user, l.signing_secret,\n\
                 l.expires_at, l.created_at, l.revoked_at, c.status, c.epoch\n\
             FROM token_links l JOIN credentials c ON c.id = l.credential WHERE l.id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(servable).transpose()
    }

    async fn token_links(&self, workspace: WorkspaceId) -> Result<Vec<TokenLink>, StoreError> {
        let rows = sqlx::query(concat!(
            "-- token_links\nSELECT ",
            columns!(),
            " FROM token_links WHERE workspace = $1 ORDER BY created_at DESC, id DESC",
        ))
        .bind(workspace.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(link).collect()
    }

    async fn revoke_token_link(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- revoke_token_link\n\
             UPDATE token_links SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2 AND workspace = $3",
        )
        .bind(now.as_microsecond())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }
}
