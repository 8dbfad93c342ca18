//! The audit.

use async_trait::async_trait;
use model::{Outcome, Timestamp, Who, WorkspaceId};
use sqlx::{QueryBuilder, Sqlite, sqlite::SqliteRow};
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

#[async_trait]
impl Audits for SqliteStore {
    async fn append_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for record in records {
            sqlx::query(
                "-- append_audit\n\
                 INSERT INTO audit (at, id, workspace, credential, kind, who, who_id, from_address, why, outcome,\n\
                                    source)\n\
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(record.at.as_microsecond())
            .bind(record.id.to_string())
            .bind(record.workspace.to_string())
            .bind(record.credential.to_string())
            .bind(record.kind.as_str())
            .bind(record.who.kind())
            .bind(record.who.id())
            .bind(record.from.map(|from| from.to_string()))
            .bind(record.why.as_str())
            .bind(record.outcome.as_str())
            .bind(record.outcome.source().map(model::Source::as_str))
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
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
