//! Apps and invitations.

use async_trait::async_trait;
use model::{ConsentId, Sealed, Timestamp, WorkspaceId, ZoomOauthAppId};
use sqlx::postgres::PgRow;
use store::{
    Consent, Consents, Credential, Digest, Journey, NewAppSecrets, Note, Refusal, StoreError, Subject,
    ZoomOauthApp, ZoomOauthApps,
};

use crate::{ON_ROWS, PostgresStore, Tx, credentials, exists, log, row::Reader, unavailable};

macro_rules! app_columns {
    () => {
        "id, workspace, kind, client_id, client_secret, webhook_secret, zoom_account_id, webhook_last_validation,\n\
             refused_since, probe_at, created_at"
    };
}

pub(crate) use app_columns;

macro_rules! consent_columns {
    () => {
        "id, workspace, app, secret_digest, state_digest, browser_digest, code_verifier, credential, created_at,\n\
             expires_at"
    };
}

pub(crate) fn app(row: &PgRow) -> Result<ZoomOauthApp, StoreError> {
    let row = Reader { table: "zoom_oauth_apps", row };
    Ok(ZoomOauthApp {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        kind: row.parsed("kind")?,
        client_id: row.text("client_id")?,
        client_secret: row.sealed("client_secret")?,
        webhook_secret: row.sealed("webhook_secret")?,
        zoom_account_id: row.optional_text("zoom_account_id")?,
        webhook_last_validation: row.optional_time("webhook_last_validation")?,
        refusal: match (row.optional_time("refused_since")?, row.optional_time("probe_at")?) {
            (Some(since), Some(probe_at)) => Some(Refusal { since, probe_at }),
            _ => None,
        },
        created_at: row.time("created_at")?,
    })
}

#[async_trait]
impl ZoomOauthApps for PostgresStore {
    async fn add_zoom_oauth_app(&self, app: &ZoomOauthApp) -> Result<(), StoreError> {
        sqlx::query(
            "-- add_zoom_oauth_app\n\
             INSERT INTO zoom_oauth_apps (id, workspace, kind, client_id, client_secret, webhook_secret,\n\
                                          zoom_account_id, created_at)\n\
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(app.id.to_string())
        .bind(app.workspace.to_string())
        .bind(app.kind.as_str())
        .bind(&app.client_id)
        .bind(&app.client_secret.0)
        .bind(&app.webhook_secret.0)
        .bind(&app.zoom_account_id)
        .bind(app.created_at.as_microsecond())
        .execute(&self.pool)
        .await
        .map_err(exists("an app with this client id"))?;
        Ok(())
    }

    async fn zoom_oauth_app(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
    ) -> Result<Option<ZoomOauthApp>, StoreError> {
        let row = sqlx::query(concat!(
            "-- zoom_oauth_app\nSELECT ",
            app_columns!(),
            " FROM zoom_oauth_apps WHERE id = $1 AND workspace = $2",
        ))
        .bind(id.to_string())
        .bind(workspace.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(app).transpose()
    }

    async fn zoom_oauth_apps(&self, workspace: WorkspaceId) -> Result<Vec<ZoomOauthApp>, StoreError> {
        let rows = sqlx::query(concat!(
            "-- zoom_oauth_apps\nSELECT ",
            app_columns!(),
            " FROM zoom_oauth_apps WHERE workspace = $1 ORDER BY created_at DESC, id DESC",
        ))
        .bind(workspace.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(app).collect()
    }

    async fn change_app_secrets(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
        secrets: NewAppSecrets<'_>,
    ) -> Result<bool, StoreError> {
        let bytes = |sealed: Option<&Sealed>| sealed.map(|sealed| sealed.0.clone());
        let done = sqlx::query(
            "-- change_app_secrets\n\
             UPDATE zoom_oauth_apps SET client_secret = coalesce($1, client_secret),\n\
                 webhook_secret = coalesce($2, webhook_secret),\n\
                 refused_since = CASE WHEN $1::bytea IS NULL THEN refused_since END,\n\
                 probe_at = CASE WHEN $1::bytea IS NULL THEN probe_at END\n\
             WHERE id = $3 AND workspace = $4",
        )
        .bind(bytes(secrets.client_secret))
        .bind(bytes(secrets.webhook_secret))
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn refuse_app(
        &self,
        id: ZoomOauthAppId,
        client_secret: &Sealed,
        probe_at: Timestamp,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin_with(ON_ROWS).await.map_err(unavailable)?;
        let row = sqlx::query(
            "-- refuse_app\n\
             UPDATE zoom_oauth_apps SET refused_since = $1, probe_at = $2\n\
             WHERE id = $3 AND client_secret = $4 AND refused_since IS NULL RETURNING workspace",
        )
        .bind(note.at.as_microsecond())
        .bind(probe_at.as_microsecond())
        .bind(id.to_string())
        .bind(&client_secret.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(unavailable)?;
        let Some(row) = row else { return Ok(false) };
        let workspace = Reader { table: "zoom_oauth_apps", row: &row }.parsed("workspace")?;
        log::write(&mut tx, workspace, id, Subject::App(id), None, note).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(true)
    }

    async fn claim_probe(
        &self,
        id: ZoomOauthAppId,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- claim_probe\nUPDATE zoom_oauth_apps SET probe_at = $1 WHERE id = $2 AND probe_at <= $3",
        )
        .bind(next.as_microsecond())
        .bind(id.to_string())
        .bind(now.as_microsecond())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn accept_app(&self, id: ZoomOauthAppId, note: &Note) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin_with(ON_ROWS).await.map_err(unavailable)?;
        let row = sqlx::query(
            "-- accept_app\n\
             UPDATE zoom_oauth_apps SET refused_since = NULL, probe_at = NULL\n\
             WHERE id = $1 AND refused_since IS NOT NULL RETURNING workspace",
        )
        .bind(id.to_string())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unavailable)?;
        let Some(row) = row else { return Ok(false) };
        let workspace = Reader { table: "zoom_oauth_apps", row: &row }.parsed("workspace")?;
        log::write(&mut tx, workspace, id, Subject::App(id), None, note).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(true)
    }
}

fn consent(row: &PgRow) -> Result<Consent, StoreError> {
    let row = Reader { table: "consents", row };
    let journey = match row.optional_sealed("code_verifier")? {
        Some(code_verifier) => Some(Journey {
            state_digest: row.digest("state_digest")?,
            browser_digest: row.digest("browser_digest")?,
            code_verifier,
        }),
        None => None,
    };
    Ok(Consent {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        app: row.parsed("app")?,
        secret_digest: row.digest("secret_digest")?,
        journey,
        credential: row.optional("credential")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

#[async_trait]
impl Consents for PostgresStore {
    async fn add_consent(&self, consent: &Consent) -> Result<(), StoreError> {
        sqlx::query(
            "-- add_consent\n\
             INSERT INTO consents (id, workspace, app, secret_digest, created_at, expires_at)\n\
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(consent.id.to_string())
        .bind(consent.workspace.to_string())
        .bind(consent.app.to_string())
        .bind(consent.secret_digest.as_slice())
        .bind(consent.created_at.as_microsecond())
        .bind(consent.expires_at.as_microsecond())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn consent(&self, id: ConsentId) -> Result<Option<Consent>, StoreError> {
        let row =
            sqlx::query(concat!("-- consent\nSELECT ", consent_columns!(), " FROM consents WHERE id = $1"))
                .bind(id.to_string())
                .fetch_optional(&self.pool)
                .await
                .map_err(unavailable)?;
        row.as_ref().map(consent).transpose()
    }

    async fn consent_by_state(&self, state_digest: &Digest) -> Result<Option<Consent>, StoreError> {
        let row = sqlx::query(concat!(
            "-- consent_by_state\nSELECT ",
            consent_columns!(),
            " FROM consents WHERE state_digest = $1",
        ))
        .bind(state_digest.as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(consent).transpose()
    }

    async fn begin_journey(&self, id: ConsentId, journey: &Journey) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- begin_journey\n\
             UPDATE consents SET state_digest = $1, browser_digest = $2, code_verifier = $3\n\
             WHERE id = $4 AND credential IS NULL",
        )
        .bind(journey.state_digest.as_slice())
        .bind(journey.browser_digest.as_slice())
        .bind(&journey.code_verifier.0)
        .bind(id.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn end_journey(&self, id: ConsentId, state_digest: &Digest) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- end_journey\n\
             UPDATE consents SET state_digest = NULL, browser_digest = NULL, code_verifier = NULL\n\
             WHERE id = $1 AND state_digest = $2",
        )
        .bind(id.to_string())
        .bind(state_digest.as_slice())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn complete_consent(
        &self,
        id: ConsentId,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError> {
        // The invitation first: who comes second waits for it, finds it used up, and has stored nothing.
        let body = |mut tx: Tx| async move {
            let unused = sqlx::query(
                "-- complete_consent: read\n\
                 SELECT id FROM consents WHERE id = $1 AND credential IS NULL FOR UPDATE",
            )
            .bind(id.to_string())
            .fetch_optional(&mut *tx)
            .await
            .map_err(unavailable)?;
            if unused.is_none() {
                return Ok(false);
            }
            credentials::connect(&mut tx, credential, note).await?;
            sqlx::query("-- complete_consent: write\nUPDATE consents SET credential = $1 WHERE id = $2")
                .bind(credential.id.to_string())
                .bind(id.to_string())
                .execute(&mut *tx)
                .await
                .map_err(unavailable)?;
            tx.commit().await.map_err(unavailable)?;
            Ok(true)
        };
        self.transaction("complete_consent", ON_ROWS, body).await
    }
}
