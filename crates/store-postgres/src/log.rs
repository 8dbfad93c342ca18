//! The log of accounts and apps.

use async_trait::async_trait;
use model::{CredentialStatus, Timestamp, WorkspaceId, ZoomOauthAppId};
use sqlx::{AssertSqlSafe, postgres::PgRow};
use store::{AccountLog, LogFilter, LogLine, Note, StoreError, Subject};

use crate::{
    PostgresStore,
    db::Statements,
    page::{by_one, comparison},
    row::Reader,
    unavailable,
};

fn line(row: &PgRow) -> Result<LogLine, StoreError> {
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
    db: &mut Statements,
    workspace: WorkspaceId,
    app: ZoomOauthAppId,
    subject: Subject,
    became: Option<CredentialStatus>,
    note: &Note,
) -> Result<(), StoreError> {
    sqlx::query(
        "-- account_log: write\n\
         INSERT INTO account_log (id, workspace, app, credential, became, code, message, created_at)\n\
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
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
impl AccountLog for PostgresStore {
    async fn add_log_line(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        note: &Note,
    ) -> Result<(), StoreError> {
        let (app, credential) = match subject {
            Subject::App(app) => (Some(app.to_string()), None),
            Subject::Credential(id) => (None, Some(id.to_string())),
        };
        sqlx::query(
            "-- add_log_line\n\
             INSERT INTO account_log (id, workspace, app, credential, code, message, created_at)\n\
             VALUES ($1, $2, coalesce($3, (SELECT app FROM credentials WHERE id = $4)), $4, $5, $6, $7)",
        )
        .bind(note.id.to_string())
        .bind(workspace.to_string())
        .bind(app)
        .bind(credential)
        .bind(note.code.map(model::Code::as_str))
        .bind(&note.message)
        .bind(note.at.as_microsecond())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
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

impl PostgresStore {
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
             SELECT id, app, credential, became, code, message, created_at FROM account_log\n\
             WHERE workspace = $1 AND (credential IS NULL) = $2\n\
                 AND ($3::text IS NULL OR credential = $3) AND ($4::text IS NULL OR app = $4)\n\
                 AND ($5::bigint IS NULL OR created_at > $5) AND ($6::bigint IS NULL OR created_at < $6)\n\
                 AND ($7::text IS NULL OR id {follows} $7) AND (NOT $8 OR became IS NOT NULL)\n\
             ORDER BY {order} LIMIT $9",
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
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        rows.iter().map(line).collect()
    }
}
