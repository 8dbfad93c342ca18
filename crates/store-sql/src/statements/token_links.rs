//! Token links.

use async_trait::async_trait;
use model::{PoolId, Timestamp, TokenLinkId, WorkspaceId};
use store::{
    AccountState, Digest, LAST_USES, LinkLife, LinkSource, LinkTerms, LinkUse, ServableLink, StoreError,
    TokenLink, TokenLinks,
};

use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{insert, json, list, query, values},
    row::Row,
};

const COLUMNS: &str = "id, workspace, name, secret_digest, terms, signing_secret, not_before, expires_at, max_uses, uses,\n\
             last_uses, revision, created_at, revoked_at";

fn link(row: &Row) -> Result<TokenLink, StoreError> {
    let row = row.of("token_links");
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

/// The value of the pool column.
const fn pool(terms: &LinkTerms) -> Option<PoolId> {
    match terms.source {
        LinkSource::Pool(pool) => Some(pool),
        LinkSource::Accounts(_) | LinkSource::Host => None,
    }
}

#[async_trait]
impl TokenLinks for SqlStore {
    async fn add_token_link(&self, link: &TokenLink) -> Result<(), StoreError> {
        insert("-- add_token_link", "token_links")
            .set("id", link.id)
            .set("workspace", link.workspace)
            .set("name", &link.name)
            .set("secret_digest", link.secret_digest.as_slice())
            .set("terms", json(&link.terms))
            .set("pool", pool(&link.terms))
            .set("signing_secret", link.signing_secret.as_ref())
            .set("not_before", link.life.not_before)
            .set("expires_at", link.life.expires_at)
            .set("max_uses", link.life.max_uses)
            .set("created_at", link.created_at)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn link_revision(&self) -> Result<i64, StoreError> {
        let revision = query("-- link_revision\nSELECT revision FROM revisions WHERE what = 'links'")
            .scalar(&self.readers)
            .await?;
        Ok(revision.unwrap_or(0))
    }

    async fn servable_link(&self, id: TokenLinkId) -> Result<Option<ServableLink>, StoreError> {
        let row = query(format!("-- servable_link\nSELECT {COLUMNS} FROM token_links WHERE id = $1"))
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let link = link(&row)?;
        let LinkSource::Accounts(named) = &link.terms.source else {
            return Ok(Some(ServableLink { link, accounts: Vec::new() }));
        };
        // The empty text makes SQLite look up the few accounts instead of scanning all of the workspace.
        let rows = query(
            "-- servable_link: accounts\n\
             SELECT id, status, epoch FROM credentials WHERE workspace || '' = $1 AND id = ANY($2)",
        )
        .with(values![link.workspace, list(named.iter().map(|account| account.credential))])
        .fetch_all(&self.readers)
        .await?;
        let state = |row: &Row| {
            let row = row.of("credentials");
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
        query(format!("-- token_link\nSELECT {COLUMNS} FROM token_links WHERE id = $1 AND workspace = $2"))
            .with(values![id, workspace])
            .one(&self.readers, link)
            .await
    }

    async fn token_links(
        &self,
        workspace: WorkspaceId,
        before: Option<TokenLinkId>,
        most: u32,
    ) -> Result<Vec<TokenLink>, StoreError> {
        query(format!(
            "-- token_links\n\
             SELECT {COLUMNS} FROM token_links WHERE workspace = $1 AND ($2 IS NULL OR id < $2)\n\
             ORDER BY id DESC LIMIT $3"
        ))
        .with(values![workspace, before, most])
        .all(&self.readers, link)
        .await
    }

    async fn links_of_pool(&self, workspace: WorkspaceId, pool: PoolId) -> Result<u64, StoreError> {
        query(
            "-- links_of_pool\n\
             SELECT count(*) FROM token_links WHERE workspace = $1 AND pool = $2 AND revoked_at IS NULL",
        )
        .with(values![workspace, pool])
        .count(&self.readers)
        .await
    }

    async fn change_token_link(&self, link: &TokenLink) -> Result<bool, StoreError> {
        let done = query(
            "-- change_token_link\n\
             UPDATE token_links SET name = $1, terms = $2, pool = $3, signing_secret = $4, not_before = $5,\n\
                 expires_at = $6, max_uses = $7, revision = revision + 1\n\
             WHERE id = $8 AND workspace = $9 AND revision = $10",
        )
        .with(values![
            &link.name,
            json(&link.terms),
            pool(&link.terms),
            link.signing_secret.as_ref(),
            link.life.not_before,
            link.life.expires_at,
            link.life.max_uses,
            link.id,
            link.workspace,
            link.revision
        ])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn revoke_token_link(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = query(
            "-- revoke_token_link\n\
             UPDATE token_links SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2 AND workspace = $3",
        )
        .with(values![now, id, workspace])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn count_use(&self, id: TokenLinkId) -> Result<bool, StoreError> {
        let done = query(
            "-- count_use\n\
             UPDATE token_links SET uses = uses + 1 WHERE id = $1 AND (max_uses IS NULL OR uses < max_uses)",
        )
        .bind(id)
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn uncount_use(&self, id: TokenLinkId) -> Result<(), StoreError> {
        query("-- uncount_use\nUPDATE token_links SET uses = uses - 1 WHERE id = $1 AND uses > 0")
            .bind(id)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn note_uses(&self, links: &[(TokenLinkId, Vec<LinkUse>)]) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            for (id, uses) in links {
                let row =
                    query("-- note_uses: before\nSELECT last_uses FROM token_links WHERE id = $1 FOR UPDATE")
                        .bind(*id)
                        .fetch_optional(&mut tx)
                        .await?;
                let Some(row) = row else { continue };
                let before: Vec<LinkUse> = row.of("token_links").json("last_uses")?;
                let shown: Vec<&LinkUse> = uses.iter().chain(&before).take(LAST_USES).collect();
                query("-- note_uses\nUPDATE token_links SET last_uses = $1 WHERE id = $2")
                    .with(values![json(&shown), *id])
                    .execute(&mut tx)
                    .await?;
            }
            tx.commit().await
        };
        self.transaction("note_uses", Isolation::ReadCommitted, body).await
    }

    async fn record_request(
        &self,
        request: &Digest,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let new = query(
            "-- first_seen\n\
                 INSERT INTO seen_requests (request, first_seen_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .with(values![request.as_slice(), now])
        .execute(&self.writer)
        .await?;
        if new == 1 {
            return Ok(None);
        }
        // It was deleted between the two statements, so it was seen long ago.
        Ok(Some(self.request_seen_at(request).await?.unwrap_or(Timestamp::from_microsecond(0))))
    }

    async fn request_seen_at(&self, request: &Digest) -> Result<Option<Timestamp>, StoreError> {
        let first: Option<i64> =
            query("-- seen_request\nSELECT first_seen_at FROM seen_requests WHERE request = $1")
                .bind(request.as_slice())
                .scalar(&self.readers)
                .await?;
        Ok(first.map(Timestamp::from_microsecond))
    }

    async fn forget_requests(&self, end: Timestamp) -> Result<u64, StoreError> {
        query("-- forget_requests\nDELETE FROM seen_requests WHERE first_seen_at < $1")
            .bind(end)
            .execute(&self.writer)
            .await
    }
}
