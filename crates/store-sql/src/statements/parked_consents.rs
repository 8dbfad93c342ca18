//! Consents that wait for the operator.

use async_trait::async_trait;
use model::{ParkedConsentId, Timestamp, WorkspaceId, ZoomOauthAppId};
use store::{Credential, Digest, Grant, Note, ParkedConsent, ParkedConsents, StoreError, ZoomOauthApp};

use super::{credentials, zoom_oauth_apps, zoom_oauth_apps::APP_COLUMNS};
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{insert, json, query, values},
    row::{Row, bytes},
};

const COLUMNS: &str = "id, workspace, app, zoom_user_id, zoom_account_id, display_name, access_token, access_expires_at,\n\
             refresh_token, scopes, api_url, code_digest, parked_at, expires_at";

fn parked(row: &Row) -> Result<ParkedConsent, StoreError> {
    let row = row.of("parked_consents");
    Ok(ParkedConsent {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        app: row.parsed("app")?,
        zoom_user_id: row.text("zoom_user_id")?,
        zoom_account_id: row.text("zoom_account_id")?,
        display_name: row.text("display_name")?,
        grant: Grant {
            access_token: row.unless_empty("access_token")?,
            access_expires_at: row.time("access_expires_at")?,
            refresh_token: row.unless_empty("refresh_token")?,
            scopes: row.json("scopes")?,
            api_url: row.optional_text("api_url")?,
        },
        code_digest: row.optional_digest("code_digest")?,
        parked_at: row.time("parked_at")?,
        expires_at: row.time("expires_at")?,
    })
}

/// Deletes the parked consents of a user on an app, because a newer grant replaces them.
pub(crate) async fn supersede(
    db: &mut Tx,
    app: ZoomOauthAppId,
    zoom_user_id: &str,
) -> Result<(), StoreError> {
    query("-- parked: supersede\nDELETE FROM parked_consents WHERE app = $1 AND zoom_user_id = $2")
        .with(values![app, zoom_user_id])
        .execute(db)
        .await?;
    Ok(())
}

#[async_trait]
impl ParkedConsents for SqlStore {
    async fn installed_app(&self, id: Option<ZoomOauthAppId>) -> Result<Option<ZoomOauthApp>, StoreError> {
        let rows = query(format!(
            "-- installed_app\nSELECT {APP_COLUMNS} FROM zoom_oauth_apps\n\
                 WHERE kind <> 'server_to_server' AND deleted_at IS NULL AND ($1 IS NULL OR id = $1) LIMIT 2"
        ))
        .bind(id)
        .fetch_all(&self.readers)
        .await?;
        match rows.as_slice() {
            [row] => zoom_oauth_apps::app(row).map(Some),
            _ => Ok(None),
        }
    }

    async fn park(&self, parked: &ParkedConsent, most: u32) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            // Serializes by app: if two callers park the same user, the second replaces the first.
            query("-- park: lock\nSELECT id FROM zoom_oauth_apps WHERE id = $1 FOR NO KEY UPDATE")
                .bind(parked.app)
                .execute(&mut tx)
                .await?;
            supersede(&mut tx, parked.app, &parked.zoom_user_id).await?;
            insert("-- park: write", "parked_consents")
                .set("id", parked.id)
                .set("workspace", parked.workspace)
                .set("app", parked.app)
                .set("zoom_user_id", &parked.zoom_user_id)
                .set("zoom_account_id", &parked.zoom_account_id)
                .set("display_name", &parked.display_name)
                .set("access_token", bytes(parked.grant.access_token.as_ref()))
                .set("access_expires_at", parked.grant.access_expires_at)
                .set("refresh_token", bytes(parked.grant.refresh_token.as_ref()))
                .set("scopes", json(&parked.grant.scopes))
                .set("api_url", &parked.grant.api_url)
                .set("code_digest", parked.code_digest.as_ref().map(<[u8; 32]>::as_slice))
                .set("parked_at", parked.parked_at)
                .set("expires_at", parked.expires_at)
                .execute(&mut tx)
                .await?;
            query(
                "-- park: bound\n\
             DELETE FROM parked_consents WHERE app = $1 AND id NOT IN (\n\
                 SELECT id FROM parked_consents WHERE app = $1 ORDER BY parked_at DESC, id DESC LIMIT $2)",
            )
            .with(values![parked.app, most])
            .execute(&mut tx)
            .await?;
            tx.commit().await
        };
        self.transaction("park", Isolation::ReadCommitted, body).await
    }

    async fn parked_by_code(&self, code: &Digest) -> Result<Option<ParkedConsent>, StoreError> {
        query(format!("-- parked_by_code\nSELECT {COLUMNS} FROM parked_consents WHERE code_digest = $1"))
            .bind(code.as_slice())
            .one(&self.readers, parked)
            .await
    }

    async fn parked_consent(
        &self,
        workspace: WorkspaceId,
        id: ParkedConsentId,
    ) -> Result<Option<ParkedConsent>, StoreError> {
        query(format!(
            "-- parked_consent\nSELECT {COLUMNS} FROM parked_consents WHERE id = $1 AND workspace = $2"
        ))
        .with(values![id, workspace])
        .one(&self.readers, self::parked)
        .await
    }

    async fn parked_consents(&self, workspace: WorkspaceId) -> Result<Vec<ParkedConsent>, StoreError> {
        query(format!(
            "-- parked_consents\n\
             SELECT {COLUMNS} FROM parked_consents WHERE workspace = $1 ORDER BY parked_at DESC, id DESC"
        ))
        .bind(workspace)
        .all(&self.readers, self::parked)
        .await
    }

    async fn adopt_parked(
        &self,
        id: ParkedConsentId,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            let done = query("-- adopt_parked\nDELETE FROM parked_consents WHERE id = $1 AND workspace = $2")
                .with(values![id, credential.workspace])
                .execute(&mut tx)
                .await?;
            if done == 0 {
                return Ok(false);
            }
            credentials::connect(&mut tx, credential, note).await?;
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("adopt_parked", Isolation::ReadCommitted, body).await
    }

    async fn discard_parked(&self, workspace: WorkspaceId, id: ParkedConsentId) -> Result<bool, StoreError> {
        let done = query("-- discard_parked\nDELETE FROM parked_consents WHERE id = $1 AND workspace = $2")
            .with(values![id, workspace])
            .execute(&self.writer)
            .await?;
        Ok(done == 1)
    }

    async fn discard_parked_of(
        &self,
        app: ZoomOauthAppId,
        zoom_user_id: &str,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "-- discard_parked_of\n\
             DELETE FROM parked_consents WHERE app = $1 AND zoom_user_id = $2 AND parked_at <= $3",
        )
        .with(values![app, zoom_user_id, end])
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn expire_parked(&self, now: Timestamp) -> Result<u64, StoreError> {
        query("-- expire_parked\nDELETE FROM parked_consents WHERE expires_at <= $1")
            .bind(now)
            .execute(&self.writer)
            .await
    }
}
