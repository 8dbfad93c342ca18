//! Invitations.

use async_trait::async_trait;
use model::ConsentId;
use sqlx::sqlite::SqliteRow;
use store::{Consent, Consents, Credential, Digest, Journey, Note, StoreError};

use crate::{SqliteStore, credentials, row::Reader, unavailable};

fn consent(row: &SqliteRow) -> Result<Consent, StoreError> {
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
impl Consents for SqliteStore {
    async fn add_consent(&self, consent: &Consent) -> Result<(), StoreError> {
        sqlx::query(
            "-- add_consent\n\
             INSERT INTO consents (id, workspace, app, secret_digest, created_at, expires_at)\n\
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(consent.id.to_string())
        .bind(consent.workspace.to_string())
        .bind(consent.app.to_string())
        .bind(consent.secret_digest.as_slice())
        .bind(consent.created_at.as_microsecond())
        .bind(consent.expires_at.as_microsecond())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn consent(&self, id: ConsentId) -> Result<Option<Consent>, StoreError> {
        let row = sqlx::query("-- consent\nSELECT * FROM consents WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(unavailable)?;
        row.as_ref().map(consent).transpose()
    }

    async fn consent_by_state(&self, state_digest: &Digest) -> Result<Option<Consent>, StoreError> {
        let row = sqlx::query("-- consent_by_state\nSELECT * FROM consents WHERE state_digest = ?")
            .bind(state_digest.as_slice())
            .fetch_optional(&self.readers)
            .await
            .map_err(unavailable)?;
        row.as_ref().map(consent).transpose()
    }

    async fn begin_journey(&self, id: ConsentId, journey: &Journey) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- begin_journey\n\
             UPDATE consents SET state_digest = ?, browser_digest = ?, code_verifier = ?\n\
             WHERE id = ? AND credential IS NULL",
        )
        .bind(journey.state_digest.as_slice())
        .bind(journey.browser_digest.as_slice())
        .bind(&journey.code_verifier.0)
        .bind(id.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn end_journey(&self, id: ConsentId, state_digest: &Digest) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- end_journey\n\
             UPDATE consents SET state_digest = NULL, browser_digest = NULL, code_verifier = NULL\n\
             WHERE id = ? AND state_digest = ?",
        )
        .bind(id.to_string())
        .bind(state_digest.as_slice())
        .execute(&self.writer)
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
        let mut tx = self.write().await?;
        credentials::connect(&mut tx, credential, note).await?;
        let used_up = sqlx::query(
            "-- complete_consent\nUPDATE consents SET credential = ? WHERE id = ? AND credential IS NULL",
        )
        .bind(credential.id.to_string())
        .bind(id.to_string())
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        if used_up.rows_affected() == 0 {
            // Dropping the transaction takes the account back as well.
            return Ok(false);
        }
        tx.commit().await.map_err(unavailable)?;
        Ok(true)
    }
}
