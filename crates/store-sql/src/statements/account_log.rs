//! The log of accounts and apps.

use async_trait::async_trait;
use model::{CredentialStatus, WorkspaceId, ZoomOauthAppId};
use store::{AccountLog, LogFilter, LogLine, Note, StoreError, Subject};

use crate::{
    SqlStore,
    db::Tx,
    page::{by_one, comparison},
    query::{insert, query, values},
    row::Row,
};

fn line(row: &Row) -> Result<LogLine, StoreError> {
    let row = row.of("account_log");
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

/// Writes a line in the transaction of its change.
pub(crate) async fn write(
    db: &mut Tx,
    workspace: WorkspaceId,
    app: ZoomOauthAppId,
    subject: Subject,
    became: Option<CredentialStatus>,
    note: &Note,
) -> Result<(), StoreError> {
    insert("-- account_log: write", "account_log")
        .set("id", note.id)
        .set("workspace", workspace)
        .set("app", app)
        .set(
            "credential",
            match subject {
                Subject::Credential(id) => Some(id),
                Subject::App(_) => None,
            },
        )
        .set("became", became.map(CredentialStatus::as_str))
        .set("code", note.code.map(model::Code::as_str))
        .set("message", &note.message)
        .set("created_at", note.at)
        .execute(db)
        .await?;
    Ok(())
}

#[async_trait]
impl AccountLog for SqlStore {
    async fn add_log_line(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        note: &Note,
    ) -> Result<(), StoreError> {
        let (app, credential) = match subject {
            Subject::App(app) => (Some(app), None),
            Subject::Credential(id) => (None, Some(id)),
        };
        query(
            "-- add_log_line\n\
             INSERT INTO account_log (id, workspace, app, credential, code, message, created_at)\n\
             VALUES ($1, $2, coalesce($3, (SELECT app FROM credentials WHERE id = $4)), $4, $5, $6, $7)",
        )
        .with(values![
            note.id,
            workspace,
            app,
            credential,
            note.code.map(model::Code::as_str),
            &note.message,
            note.at
        ])
        .execute(&self.writer)
        .await?;
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

impl SqlStore {
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
                 AND ($3 IS NULL OR credential = $3) AND ($4 IS NULL OR app = $4)\n\
                 AND ($5 IS NULL OR created_at > $5) AND ($6 IS NULL OR created_at < $6)\n\
                 AND ($7 IS NULL OR id {follows} $7) AND (NOT $8 OR became IS NOT NULL)\n\
             ORDER BY {order} LIMIT $9",
        );
        query(sql)
            .with(values![
                workspace,
                of_apps,
                filter.credential,
                filter.app,
                filter.after,
                filter.before,
                filter.beyond,
                filter.events_only,
                i64::try_from(limit).unwrap_or(i64::MAX)
            ])
            .all(&self.readers, line)
            .await
    }
}
