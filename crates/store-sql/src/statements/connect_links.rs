//! Invitations.

use async_trait::async_trait;
use model::{ConnectLinkId, CredentialId, Timestamp, WorkspaceId};
use store::{ConnectLink, ConnectLinks, Credential, Digest, Note, Page, Place, StoreError};

use super::credentials;
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    page::{by, comparison},
    query::{insert, query, values},
    row::Row,
};

const CONSENT_COLUMNS: &str = "id, workspace, app, secret_digest, credential, connected_by, connected_at, expected, invited_by, purpose, return_url, created_at, expires_at, revoked_at";

fn connect_link(row: &Row) -> Result<ConnectLink, StoreError> {
    let row = row.of("consents");
    Ok(ConnectLink {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        app: row.parsed("app")?,
        secret_digest: row.digest("secret_digest")?,
        credential: row.optional("credential")?,
        connected_by: row.optional_digest("connected_by")?,
        connected_at: row.optional_time("connected_at")?,
        expected: row.optional("expected")?,
        invited_by: row.optional_text("invited_by")?,
        purpose: row.optional_text("purpose")?,
        return_url: row.optional_text("return_url")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}

#[async_trait]
impl ConnectLinks for SqlStore {
    async fn add_connect_link(&self, consent: &ConnectLink) -> Result<(), StoreError> {
        insert("-- add_connect_link", "consents")
            .set("id", consent.id)
            .set("workspace", consent.workspace)
            .set("app", consent.app)
            .set("secret_digest", consent.secret_digest.as_slice())
            .set("expected", consent.expected)
            .set("invited_by", &consent.invited_by)
            .set("purpose", &consent.purpose)
            .set("return_url", &consent.return_url)
            .set("created_at", consent.created_at)
            .set("expires_at", consent.expires_at)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn connect_link(&self, id: ConnectLinkId) -> Result<Option<ConnectLink>, StoreError> {
        query(format!("-- connect_link\nSELECT {CONSENT_COLUMNS} FROM consents WHERE id = $1"))
            .bind(id)
            .one(&self.readers, connect_link)
            .await
    }

    async fn connect_links(
        &self,
        workspace: WorkspaceId,
        page: &Page,
    ) -> Result<Vec<ConnectLink>, StoreError> {
        let mut query =
            query(format!("-- connect_link\nSELECT {CONSENT_COLUMNS} FROM consents WHERE workspace = "));
        query.push_bind(workspace);
        if let Some(Place { key, id }) = &page.after {
            let compared = format!(" AND (created_at, id) {} (", comparison(page.order));
            query.push(&compared).push_bind(*key).push(", ").push_bind(id).push(")");
        }
        query.push(&format!(" ORDER BY {} LIMIT ", by("created_at", "id", page.order))).push_bind(page.most);
        query.all(&self.readers, connect_link).await
    }

    async fn open_connect_link(
        &self,
        workspace: WorkspaceId,
        expected: CredentialId,
        until: Timestamp,
    ) -> Result<Option<ConnectLink>, StoreError> {
        query(format!(
            "-- open_connect_link\n\
             SELECT {CONSENT_COLUMNS} FROM consents\n\
             WHERE workspace = $1 AND expected = $2 AND expires_at >= $3 AND credential IS NULL AND revoked_at IS NULL\n\
                 AND invited_by IS NULL AND purpose IS NULL AND return_url IS NULL\n\
             ORDER BY created_at DESC, id DESC LIMIT 1"
        ))
        .with(values![workspace, expected, until])
        .one(&self.readers, connect_link)
        .await
    }

    async fn revoke_connect_link(
        &self,
        workspace: WorkspaceId,
        id: ConnectLinkId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = query(
            "-- revoke_connect_link\n\
             UPDATE consents SET revoked_at = coalesce(revoked_at, $1)\n\
             WHERE id = $2 AND workspace = $3 AND credential IS NULL",
        )
        .with(values![now, id, workspace])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn complete_connect_link(
        &self,
        id: ConnectLinkId,
        state: &Digest,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError> {
        // Updates the invitation first: a second caller waits for it, finds it used, and stores nothing.
        let body = |mut tx: Tx| async move {
            let unused = query(
                "-- complete_connect_link: read\n\
                 SELECT id FROM consents WHERE id = $1 AND credential IS NULL AND revoked_at IS NULL FOR UPDATE",
            )
            .bind(id)
            .fetch_optional(&mut tx)
            .await?;
            if unused.is_none() {
                return Ok(false);
            }
            credentials::connect(&mut tx, credential, note).await?;
            query(
                "-- complete_connect_link: write\n\
                 UPDATE consents SET credential = $1, connected_by = $2, connected_at = $3 WHERE id = $4",
            )
            .with(values![credential.id, state.as_slice(), note.at, id])
            .execute(&mut tx)
            .await?;
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("complete_connect_link", Isolation::ReadCommitted, body).await
    }

    async fn delete_old_connect_links(&self, end: Timestamp) -> Result<u64, StoreError> {
        query("-- delete_old_connect_links\nDELETE FROM consents WHERE expires_at <= $1")
            .bind(end)
            .execute(&self.writer)
            .await
    }
}
