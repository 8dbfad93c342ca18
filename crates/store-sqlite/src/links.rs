//! Token links.

use async_trait::async_trait;
use model::{PoolId, Timestamp, TokenLinkId, WorkspaceId};
use sqlx::sqlite::SqliteRow;
use store::{
    AccountState, Digest, LAST_USES, LinkLife, LinkSource, LinkTerms, LinkUse, ServableLink, StoreError,
    TokenLink, TokenLinks,
};

use crate::{
    SqliteStore,
    row::{Reader, json},
    unavailable,
};

fn link(row: &SqliteRow) -> Result<TokenLink, StoreError> {
    let row = Reader { table: "token_links", row };
    Ok(TokenLink {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        name: row.text("name")?,
        secret_digest: row.digest("secret_digest")?,
        terms: row.json("terms")?,
        life: LinkLife {
            not_before: row.optional_time("not_before")?,
            expires_at: row.optional_time("expires_at")?,
            max_uses: row.optional_count("max_uses")?,
        },
        signing_secret: row.optional_sealed("signing_secret")?,
        uses: row.count("uses")?,
        last_uses: row.json("last_uses")?,
        revision: row.number("revision")?,
        created_at: row.time("created_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}

/// What the column of pools holds.
fn pool(terms: &LinkTerms) -> Option<String> {
    match terms.source {
        LinkSource::Pool(pool) => Some(pool.to_string()),
        LinkSource::Accounts(_) | LinkSource::Host => None,
    }
}

#[async_trait]
impl TokenLinks for SqliteStore {
    async fn add_token_link(&self, link: &TokenLink) -> Result<(), StoreError> {
        sqlx::query(
            "-- add_token_link\n\
             INSERT INTO token_links (id, workspace, name, secret_digest, terms, pool, signing_secret, not_before,\n\
                                      expires_at, max_uses, created_at)\n\
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(link.id.to_string())
        .bind(link.workspace.to_string())
        .bind(&link.name)
        .bind(link.secret_digest.as_slice())
        .bind(json(&link.terms))
        .bind(pool(&link.terms))
        .bind(link.signing_secret.as_ref().map(|sealed| sealed.0.as_slice()))
        .bind(link.life.not_before.map(Timestamp::as_microsecond))
        .bind(link.life.expires_at.map(Timestamp::as_microsecond))
        .bind(link.life.max_uses.map(i64::from))
        .bind(link.created_at.as_microsecond())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn link_revision(&self) -> Result<i64, StoreError> {
        let revision =
            sqlx::query_scalar("-- link_revision\nSELECT revision FROM revisions WHERE what = 'links'")
                .fetch_optional(&self.readers)
                .await
                .map_err(unavailable)?;
        Ok(revision.unwrap_or(0))
    }

    async fn servable_link(&self, id: TokenLinkId) -> Result<Option<ServableLink>, StoreError> {
        let row = sqlx::query("-- servable_link\nSELECT * FROM token_links WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(unavailable)?;
        let Some(row) = row else { return Ok(None) };
        let link = link(&row)?;
        let LinkSource::Accounts(named) = &link.terms.source else {
            return Ok(Some(ServableLink { link, accounts: Vec::new() }));
        };
        let ids: Vec<String> = named.iter().map(|account| account.credential.to_string()).collect();
        // The plus keeps SQLite from walking through all accounts of the workspace instead of looking the few up.
        let rows = sqlx::query(
            "-- servable_link: accounts\n\
             SELECT id, status, epoch FROM credentials\n\
             WHERE +workspace = ? AND id IN (SELECT value FROM json_each(?))",
        )
        .bind(link.workspace.to_string())
        .bind(json(&ids))
        .fetch_all(&self.readers)
        .await
        .map_err(unavailable)?;
        let state = |row: &SqliteRow| {
            let row = Reader { table: "credentials", row };
            Ok(AccountState {
                credential: row.parsed("id")?,
                status: row.parsed("status")?,
                epoch: row.number("epoch")?,
            })
        };
        let accounts = rows.iter().map(state).collect::<Result<_, StoreError>>()?;
        Ok(Some(ServableLink { link, accounts }))
    }

    async fn token_link(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
    ) -> Result<Option<TokenLink>, StoreError> {
        let row = sqlx::query("-- token_link\nSELECT * FROM token_links WHERE id = ? AND workspace = ?")
            .bind(id.to_string())
            .bind(workspace.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(unavailable)?;
        row.as_ref().map(link).transpose()
    }

    async fn token_links(
        &self,
        workspace: WorkspaceId,
        before: Option<TokenLinkId>,
        most: u32,
    ) -> Result<Vec<TokenLink>, StoreError> {
        let rows = sqlx::query(
            "-- token_links\n\
             SELECT * FROM token_links WHERE workspace = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
        )
        .bind(workspace.to_string())
        .bind(before.map(|id| id.to_string()))
        .bind(i64::from(most))
        .fetch_all(&self.readers)
        .await
        .map_err(unavailable)?;
        rows.iter().map(link).collect()
    }

    async fn links_of_pool(&self, workspace: WorkspaceId, pool: PoolId) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "-- links_of_pool\n\
             SELECT count(*) FROM token_links WHERE workspace = ? AND pool = ? AND revoked_at IS NULL",
        )
        .bind(workspace.to_string())
        .bind(pool.to_string())
        .fetch_one(&self.readers)
        .await
        .map_err(unavailable)?;
        Ok(count.cast_unsigned())
    }

    async fn change_token_link(&self, link: &TokenLink) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- change_token_link\n\
             UPDATE token_links SET name = ?, terms = ?, pool = ?, signing_secret = ?, not_before = ?,\n\
                 expires_at = ?, max_uses = ?, revision = revision + 1\n\
             WHERE id = ? AND workspace = ? AND revision = ?",
        )
        .bind(&link.name)
        .bind(json(&link.terms))
        .bind(pool(&link.terms))
        .bind(link.signing_secret.as_ref().map(|sealed| sealed.0.as_slice()))
        .bind(link.life.not_before.map(Timestamp::as_microsecond))
        .bind(link.life.expires_at.map(Timestamp::as_microsecond))
        .bind(link.life.max_uses.map(i64::from))
        .bind(link.id.to_string())
        .bind(link.workspace.to_string())
        .bind(link.revision)
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn revoke_token_link(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- revoke_token_link\n\
             UPDATE token_links SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND workspace = ?",
        )
        .bind(now.as_microsecond())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn count_use(&self, id: TokenLinkId) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- count_use\n\
             UPDATE token_links SET uses = uses + 1 WHERE id = ? AND (max_uses IS NULL OR uses < max_uses)",
        )
        .bind(id.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn uncount_use(&self, id: TokenLinkId) -> Result<(), StoreError> {
        sqlx::query("-- uncount_use\nUPDATE token_links SET uses = uses - 1 WHERE id = ? AND uses > 0")
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn note_uses(&self, links: &[(TokenLinkId, Vec<LinkUse>)]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for (id, uses) in links {
            let row = sqlx::query("-- note_uses: before\nSELECT last_uses FROM token_links WHERE id = ?")
                .bind(id.to_string())
                .fetch_optional(&mut *tx)
                .await
                .map_err(unavailable)?;
            let Some(row) = row else { continue };
            let before: Vec<LinkUse> = Reader { table: "token_links", row: &row }.json("last_uses")?;
            let shown: Vec<&LinkUse> = uses.iter().chain(&before).take(LAST_USES).collect();
            sqlx::query("-- note_uses\nUPDATE token_links SET last_uses = ? WHERE id = ?")
                .bind(json(&shown))
                .bind(id.to_string())
                .execute(&mut *tx)
                .await
                .map_err(unavailable)?;
        }
        tx.commit().await.map_err(unavailable)
    }

    async fn first_seen(&self, request: &Digest, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let new = sqlx::query(
            "-- first_seen\nINSERT INTO seen_requests (request, first_seen_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(request.as_slice())
        .bind(now.as_microsecond())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        if new.rows_affected() == 1 {
            return Ok(None);
        }
        // Forgotten between the two: long ago.
        Ok(Some(self.seen_request(request).await?.unwrap_or(Timestamp::from_microsecond(0))))
    }

    async fn seen_request(&self, request: &Digest) -> Result<Option<Timestamp>, StoreError> {
        let first: Option<i64> =
            sqlx::query_scalar("-- seen_request\nSELECT first_seen_at FROM seen_requests WHERE request = ?")
                .bind(request.as_slice())
                .fetch_optional(&self.readers)
                .await
                .map_err(unavailable)?;
        Ok(first.map(Timestamp::from_microsecond))
    }

    async fn forget_requests(&self, end: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query("-- forget_requests\nDELETE FROM seen_requests WHERE first_seen_at < ?")
            .bind(end.as_microsecond())
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected())
    }
}
