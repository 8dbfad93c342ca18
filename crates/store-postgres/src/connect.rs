//! Invitations.

use async_trait::async_trait;
use model::ConsentId;
use sqlx::postgres::PgRow;
use store::{Consent, Consents, Credential, Digest, Note, StoreError};

use crate::{ON_ROWS, PostgresStore, Tx, credentials, row::Reader, unavailable};

macro_rules! consent_columns {
    () => {
        "id, workspace, app, secret_digest, credential, connected_by, connected_at, created_at, expires_at"
    };
}

fn consent(row: &PgRow) -> Result<Consent, StoreError> {
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

    async fn complete_consent(
        &self,
        id: ConsentId,
        state: &Digest,
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
            sqlx::query(
                "-- complete_consent: write\n\
                 UPDATE consents SET credential = $1, connected_by = $2, connected_at = $3 WHERE id = $4",
            )
            .bind(credential.id.to_string())
            .bind(state.as_slice())
            .bind(note.at.as_microsecond())
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
