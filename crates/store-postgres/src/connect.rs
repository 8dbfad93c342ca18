//! Invitations.

use async_trait::async_trait;
use model::ConsentId;
use sqlx::postgres::PgRow;
use store::{Consent, Consents, Credential, Digest, Journey, Note, StoreError};

use crate::{ON_ROWS, PostgresStore, Tx, credentials, row::Reader, unavailable};

macro_rules! consent_columns {
    () => {
        "id, workspace, app, secret_digest, state_digest, browser_digest, code_verifier, credential, created_at,\n\
             expires_at"
    };
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
