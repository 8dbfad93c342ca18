//! Invitations.

use async_trait::async_trait;
use model::ConsentId;
use sqlx::sqlite::SqliteRow;
use store::{Consent, Consents, Credential, Digest, Note, StoreError};

use crate::{SqliteStore, credentials, row::Reader, unavailable};

fn consent(row: &SqliteRow) -> Result<Consent, StoreError> {
    let row = Reader { table: "consents", row };
    Ok(Consent {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        app: row.parsed("app")?,
        secret_digest: row.digest("secret_digest")?,
        credential: row.optional("credential")?,
        connected_by: row.optional_digest("connected_by")?,
        connected_at: row.optional_time("connected_at")?,
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

    async fn complete_consent(
        &self,
        id: ConsentId,
        state: &Digest,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        credentials::connect(&mut tx, credential, note).await?;
        let used_up = sqlx::query(
            "-- complete_consent\n\
             UPDATE consents SET credential = ?, connected_by = ?, connected_at = ? WHERE id = ? AND credential IS NULL",
        )
        .bind(credential.id.to_string())
        .bind(state.as_slice())
        .bind(note.at.as_microsecond())
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
