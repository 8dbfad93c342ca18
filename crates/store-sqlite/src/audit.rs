//! The audit.

use async_trait::async_trait;
use model::{About, AccountUser, Outcome, PlatformBot, Timestamp, Who, WorkspaceId};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, sqlite::SqliteRow};
use store::{AuditPage, AuditRecord, Audits, Direction, StoreError};

use crate::{SqliteStore, row::Reader, unavailable};

fn record(row: &SqliteRow) -> Result<AuditRecord, StoreError> {
    let row = Reader { table: "audit", row };
    let corrupt = |cause| StoreError::Corrupt { table: "audit", cause };
    Ok(AuditRecord {
        id: row.parsed("id")?,
        at: row.time("at")?,
        workspace: row.parsed("workspace")?,
        credential: row.parsed("credential")?,
        kind: row.parsed("kind")?,
        who: Who::read(&row.text("who")?, &row.text("who_id")?).map_err(corrupt)?,
        from: row.optional("from_address")?,
        why: row.parsed("why")?,
        outcome: Outcome::read(&row.text("outcome")?, row.optional("source")?).map_err(corrupt)?,
        about: About {
            user: row.optional("user_name")?,
            meeting: row.optional("meeting")?,
            bot: row.optional("bot")?,
        },
    })
}

impl SqliteStore {
    async fn audit_page(
        &self,
        workspace: Option<WorkspaceId>,
        page: &AuditPage,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let AuditPage { since, until, after, direction, most } = page;
        let mut query = QueryBuilder::<Sqlite>::new("-- audit_page\nSELECT * FROM audit WHERE TRUE");
        if let Some(workspace) = workspace {
            query.push(" AND workspace = ").push_bind(workspace.to_string());
        }
        if let Some(since) = since {
            query.push(" AND at >= ").push_bind(since.as_microsecond());
        }
        if let Some(until) = until {
            query.push(" AND at < ").push_bind(until.as_microsecond());
        }
        let (beyond, order) = match direction {
            Direction::OldestFirst => (" AND (at, id) > (", " ORDER BY at, id LIMIT "),
            Direction::NewestFirst => (" AND (at, id) < (", " ORDER BY at DESC, id DESC LIMIT "),
        };
        if let Some(place) = after {
            query.push(beyond).push_bind(place.at.as_microsecond()).push(", ");
            query.push_bind(place.id.to_string()).push(")");
        }
        query.push(order).push_bind(*most);
        let rows = query.build().fetch_all(&self.readers).await.map_err(unavailable)?;
        rows.iter().map(record).collect()
    }
}

/// Rows in one statement. A call of its own for each row costs more than the row; a few sizes, so that the statements
/// are prepared once.
const AT_ONCE: [usize; 3] = [128, 16, 1];

async fn insert(db: &mut SqliteConnection, records: &[AuditRecord]) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "-- append_audit\n\
         INSERT INTO audit (at, id, workspace, credential, kind, who, who_id, from_address, why, outcome, source, \
         user_name, meeting, bot) ",
    );
    query.push_values(records, |mut row, record| {
        row.push_bind(record.at.as_microsecond())
            .push_bind(record.id.to_string())
            .push_bind(record.workspace.to_string())
            .push_bind(record.credential.to_string())
            .push_bind(record.kind.as_str())
            .push_bind(record.who.kind())
            .push_bind(record.who.id())
            .push_bind(record.from.map(|from| from.to_string()))
            .push_bind(record.why.as_str())
            .push_bind(record.outcome.as_str())
            .push_bind(record.outcome.source().map(model::Source::as_str))
            .push_bind(record.about.user.as_ref().map(AccountUser::as_str))
            .push_bind(record.about.meeting.map(|meeting| meeting.to_string()))
            .push_bind(record.about.bot.as_ref().map(PlatformBot::as_str));
    });
    query.push(" ON CONFLICT DO NOTHING").build().execute(db).await.map_err(unavailable)?;
    Ok(())
}

#[async_trait]
impl Audits for SqliteStore {
    async fn append_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let mut rest = records;
        while !rest.is_empty() {
            let size = AT_ONCE.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
            let (some, others) = rest.split_at(size);
            insert(&mut tx, some).await?;
            rest = others;
        }
        tx.commit().await.map_err(unavailable)
    }

    async fn audit(&self, workspace: WorkspaceId, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(Some(workspace), page).await
    }

    async fn audit_of_all(&self, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(None, page).await
    }

    async fn prune_audit(&self, end: Timestamp, most: u32) -> Result<u32, StoreError> {
        let done = sqlx::query(
            "-- prune_audit\n\
             DELETE FROM audit WHERE (at, id) IN\n\
                 (SELECT at, id FROM audit WHERE at < ? ORDER BY at, id LIMIT ?)",
        )
        .bind(end.as_microsecond())
        .bind(most)
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(u32::try_from(done.rows_affected()).unwrap_or(most))
    }
}
