//! Sessions of the console.

use async_trait::async_trait;
use model::{ApiKeyId, Timestamp};
use store::{ApiKey, ConsolePass, ConsoleSession, ConsoleSessions, Digest, StoreError};

use super::workspaces::{KEY_COLUMNS, api_key};
use crate::{
    SqlStore,
    query::{insert, query, values},
    row::Row,
};

const COLUMNS: &str = "digest, kind, workspace, api_key, created_at, expires_at";

fn session(row: &Row) -> Result<ConsoleSession, StoreError> {
    let row = row.of("console_sessions");
    Ok(ConsoleSession {
        digest: row.digest("digest")?,
        pass: row.parsed("kind")?,
        workspace: row.parsed("workspace")?,
        api_key: row.parsed("api_key")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

#[async_trait]
impl ConsoleSessions for SqlStore {
    async fn add_console_session(&self, session: &ConsoleSession) -> Result<(), StoreError> {
        query("-- add_console_session: ended\nDELETE FROM console_sessions WHERE expires_at <= $1")
            .bind(session.created_at)
            .execute(&self.writer)
            .await?;
        insert("-- add_console_session", "console_sessions")
            .set("digest", session.digest.as_slice())
            .set("kind", session.pass.as_str())
            .set("workspace", session.workspace)
            .set("api_key", session.api_key)
            .set("created_at", session.created_at)
            .set("expires_at", session.expires_at)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn console_session(&self, digest: &Digest) -> Result<Option<(ConsoleSession, ApiKey)>, StoreError> {
        let session =
            query(format!("-- console_session\nSELECT {COLUMNS} FROM console_sessions WHERE digest = $1"))
                .bind(digest.as_slice())
                .one(&self.readers, session)
                .await?;
        let Some(session) = session else { return Ok(None) };
        // Keys are never deleted.
        let key = query(format!("-- console_session: key\nSELECT {KEY_COLUMNS} FROM api_keys WHERE id = $1"))
            .bind(session.api_key)
            .one(&self.readers, api_key)
            .await?;
        Ok(key.map(|key| (session, key)))
    }

    async fn open_console_link(
        &self,
        link: &Digest,
        opened: &Digest,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<ConsoleSession>, StoreError> {
        query(format!(
            "-- open_console_link\n\
             UPDATE console_sessions SET digest = $1, kind = $2, created_at = $3, expires_at = $4\n\
             WHERE digest = $5 AND kind = $6 AND expires_at > $3 RETURNING {COLUMNS}"
        ))
        .with(values![
            opened.as_slice(),
            ConsolePass::Session.as_str(),
            now,
            expires_at,
            link.as_slice(),
            ConsolePass::Link.as_str()
        ])
        .one(&self.writer, session)
        .await
    }

    async fn end_console_session(&self, digest: &Digest) -> Result<(), StoreError> {
        query("-- end_console_session\nDELETE FROM console_sessions WHERE digest = $1")
            .bind(digest.as_slice())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn end_console_sessions_of(&self, key: ApiKeyId) -> Result<u64, StoreError> {
        query("-- end_console_sessions_of\nDELETE FROM console_sessions WHERE api_key = $1")
            .bind(key)
            .execute(&self.writer)
            .await
    }
}
