//! Consents that wait for the operator.

use async_trait::async_trait;
use model::{ParkedConsentId, Timestamp, WorkspaceId, ZoomOauthAppId};
use sqlx::{postgres::PgRow, types::Json};
use store::{Credential, Digest, Grant, Note, ParkedConsent, ParkedConsents, StoreError, ZoomOauthApp};

use crate::{
    ON_ROWS, PostgresStore, Tx, apps,
    apps::app_columns,
    credentials,
    db::Statements,
    row::{Reader, bytes},
    unavailable,
};

macro_rules! columns {
    () => {
        "id, workspace, app, zoom_user_id, zoom_account_id, display_name, access_token, access_expires_at,\n\
             refresh_token, scopes, api_url, code_digest, parked_at, expires_at"
    };
}

fn parked(row: &PgRow) -> Result<ParkedConsent, StoreError> {
    let row = Reader { table: "parked_consents", row };
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

/// Ends what is parked of a user on an app: it gives way to whatever is newer.
pub(crate) async fn supersede(
    db: &mut Statements,
    app: ZoomOauthAppId,
    zoom_user_id: &str,
) -> Result<(), StoreError> {
    sqlx::query("-- parked: supersede\nDELETE FROM parked_consents WHERE app = $1 AND zoom_user_id = $2")
        .bind(app.to_string())
        .bind(zoom_user_id)
        .execute(db)
        .await
        .map_err(unavailable)?;
    Ok(())
}

#[async_trait]
impl ParkedConsents for PostgresStore {
    async fn installed_app(&self, id: Option<ZoomOauthAppId>) -> Result<Option<ZoomOauthApp>, StoreError> {
        let rows = sqlx::query(concat!(
            "-- installed_app\nSELECT ",
            app_columns!(),
            " FROM zoom_oauth_apps\n\
                 WHERE kind <> 'server_to_server' AND deleted_at IS NULL AND ($1::text IS NULL OR id = $1) LIMIT 2",
        ))
        .bind(id.map(|id| id.to_string()))
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        match rows.as_slice() {
            [row] => apps::app(row).map(Some),
            _ => Ok(None),
        }
    }

    async fn park(&self, parked: &ParkedConsent, most: u32) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            // One at a time for each app: of two who park the same user, the second replaces the first.
            sqlx::query("-- park: lock\nSELECT id FROM zoom_oauth_apps WHERE id = $1 FOR NO KEY UPDATE")
                .bind(parked.app.to_string())
                .execute(&mut *tx)
                .await
                .map_err(unavailable)?;
            supersede(&mut tx, parked.app, &parked.zoom_user_id).await?;
            sqlx::query(
                "-- park: write\n\
             INSERT INTO parked_consents (id, workspace, app, zoom_user_id, zoom_account_id, display_name,\n\
                 access_token, access_expires_at, refresh_token, scopes, api_url, code_digest, parked_at, expires_at)\n\
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            )
            .bind(parked.id.to_string())
            .bind(parked.workspace.to_string())
            .bind(parked.app.to_string())
            .bind(&parked.zoom_user_id)
            .bind(&parked.zoom_account_id)
            .bind(&parked.display_name)
            .bind(bytes(parked.grant.access_token.as_ref()))
            .bind(parked.grant.access_expires_at.as_microsecond())
            .bind(bytes(parked.grant.refresh_token.as_ref()))
            .bind(Json(&parked.grant.scopes))
            .bind(&parked.grant.api_url)
            .bind(parked.code_digest.as_ref().map(<[u8; 32]>::as_slice))
            .bind(parked.parked_at.as_microsecond())
            .bind(parked.expires_at.as_microsecond())
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
            sqlx::query(
                "-- park: bound\n\
             DELETE FROM parked_consents WHERE app = $1 AND id NOT IN (\n\
                 SELECT id FROM parked_consents WHERE app = $1 ORDER BY parked_at DESC, id DESC LIMIT $2)",
            )
            .bind(parked.app.to_string())
            .bind(i64::from(most))
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
            tx.commit().await.map_err(unavailable)
        };
        self.transaction("park", ON_ROWS, body).await
    }

    async fn parked_by_code(&self, code: &Digest) -> Result<Option<ParkedConsent>, StoreError> {
        let row = sqlx::query(concat!(
            "-- parked_by_code\nSELECT ",
            columns!(),
            " FROM parked_consents WHERE code_digest = $1"
        ))
        .bind(code.as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(parked).transpose()
    }

    async fn parked_consent(
        &self,
        workspace: WorkspaceId,
        id: ParkedConsentId,
    ) -> Result<Option<ParkedConsent>, StoreError> {
        let row = sqlx::query(concat!(
            "-- parked_consent\nSELECT ",
            columns!(),
            " FROM parked_consents WHERE id = $1 AND workspace = $2",
        ))
        .bind(id.to_string())
        .bind(workspace.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(self::parked).transpose()
    }

    async fn parked_consents(&self, workspace: WorkspaceId) -> Result<Vec<ParkedConsent>, StoreError> {
        let rows = sqlx::query(concat!(
            "-- parked_consents\nSELECT ",
            columns!(),
            " FROM parked_consents WHERE workspace = $1 ORDER BY parked_at DESC, id DESC",
        ))
        .bind(workspace.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(self::parked).collect()
    }

    async fn adopt_parked(
        &self,
        id: ParkedConsentId,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            let done =
                sqlx::query("-- adopt_parked\nDELETE FROM parked_consents WHERE id = $1 AND workspace = $2")
                    .bind(id.to_string())
                    .bind(credential.workspace.to_string())
                    .execute(&mut *tx)
                    .await
                    .map_err(unavailable)?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            credentials::connect(&mut tx, credential, note).await?;
            tx.commit().await.map_err(unavailable)?;
            Ok(true)
        };
        self.transaction("adopt_parked", ON_ROWS, body).await
    }

    async fn discard_parked(&self, workspace: WorkspaceId, id: ParkedConsentId) -> Result<bool, StoreError> {
        let done =
            sqlx::query("-- discard_parked\nDELETE FROM parked_consents WHERE id = $1 AND workspace = $2")
                .bind(id.to_string())
                .bind(workspace.to_string())
                .execute(&self.pool)
                .await
                .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn discard_parked_of(
        &self,
        app: ZoomOauthAppId,
        zoom_user_id: &str,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "-- discard_parked_of\n\
             DELETE FROM parked_consents WHERE app = $1 AND zoom_user_id = $2 AND parked_at <= $3",
        )
        .bind(app.to_string())
        .bind(zoom_user_id)
        .bind(end.as_microsecond())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn expire_parked(&self, now: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query("-- expire_parked\nDELETE FROM parked_consents WHERE expires_at <= $1")
            .bind(now.as_microsecond())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected())
    }
}
