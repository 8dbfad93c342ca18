//! The log of accounts and apps.

use async_trait::async_trait;
use model::{CredentialStatus, Timestamp, WorkspaceId, ZoomOauthAppId};
use sqlx::{AssertSqlSafe, SqliteConnection, sqlite::SqliteRow};
use store::{AccountLog, LogFilter, LogLine, Note, StoreError, Subject};

use crate::{
    SqliteStore,
    page::{by_one, comparison},
    row::Reader,
    unavailable,
};

fn line(row: &SqliteRow) -> Result<LogLine, StoreError> {
    let row = Reader { table: "account_log", row };
    Ok(LogLine {
        id: row.parsed("id")?,
        subject: match row.optional("credential")? {
            Some(credential) => Subject::Credential(credential),
            None => Subject::App(row.parsed("app")?),
        },
        became: row.optional("became")?,
        code: row.code("code")?,
        message: row.text("message")?,
        at: row.time("created_at")?,
    })
}

/// Writes a line, in the transaction of what it tells.
pub(crate) async fn write(
    db: &mut SqliteConnection,
    workspace: WorkspaceId,
    app: ZoomOauthAppId,
    subject: Subject,
    became: Option<CredentialStatus>,
    note: &Note,
) -> Result<(), StoreError> {
    sqlx::query(
        "-- account_log: write\n\
         INSERT INTO account_log (id, workspace, app, credential, became, code, message, created_at)\n\
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(note.id.to_string())
    .bind(workspace.to_string())
    .bind(app.to_string())
    .bind(match subject {
        Subject::Credential(id) => Some(id.to_string()),
        Subject::App(_) => None,
    })
    .bind(became.map(CredentialStatus::as_str))
    .bind(note.code.map(model::Code::as_str))
    .bind(&note.message)
    .bind(note.at.as_microsecond())
    .execute(db)
    .await
    .map_err(unavailable)?;
    Ok(())
}

#[async_trait]
impl AccountLog for SqliteStore {
    async fn add_log_line(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        note: &Note,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let app = match subject {
            Subject::App(app) => app,
            Subject::Credential(id) => {
                let row = sqlx::query("-- add_log_line: app\nSELECT app FROM credentials WHERE id = ?")
                    .bind(id.to_string())
                    .fetch_one(&mut *tx)
                    .await
                    .map_err(unavailable)?;
                Reader { table: "credentials", row: &row }.parsed("app")?
            }
        };
        write(&mut tx, workspace, app, subject, None, note).await?;
        tx.commit().await.map_err(unavailable)
    }

    async fn credential_log(
        &self,
        workspace: WorkspaceId,
        filter: &LogFilter,
        limit: u64,
    ) -> Result<Vec<LogLine>, StoreError> {
        self.log_lines(workspace, false, filter, limit).await
    }

    async fn app_log(
        &self,
        workspace: WorkspaceId,
        filter: &LogFilter,
        limit: u64,
    ) -> Result<Vec<LogLine>, StoreError> {
        self.log_lines(workspace, true, filter, limit).await
    }
}

impl SqliteStore {
    async fn log_lines(
        &self,
        workspace: WorkspaceId,
        of_apps: bool,
        filter: &LogFilter,
        limit: u64,
    ) -> Result<Vec<LogLine>, StoreError> {
        let (follows, order) = (comparison(filter.order), by_one("id", filter.order));
        let sql = format!(
            "-- account_log: read\n\
             SELECT * FROM account_log\n\
             WHERE workspace = ?1 AND (credential IS NULL) = ?2\n\
                 AND (?3 IS NULL OR credential = ?3) AND (?4 IS NULL OR app = ?4)\n\
                 AND (?5 IS NULL OR created_at > ?5) AND (?6 IS NULL OR created_at < ?6)\n\
                 AND (?7 IS NULL OR id {follows} ?7) AND (NOT ?8 OR became IS NOT NULL)\n\
             ORDER BY {order} LIMIT ?9",
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(workspace.to_string())
            .bind(of_apps)
            .bind(filter.credential.map(|id| id.to_string()))
            .bind(filter.app.map(|id| id.to_string()))
            .bind(filter.after.map(Timestamp::as_microsecond))
            .bind(filter.before.map(Timestamp::as_microsecond))
            .bind(filter.beyond.map(|id| id.to_string()))
            .bind(filter.events_only)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)?;
        rows.iter().map(line).collect()
    }
}
