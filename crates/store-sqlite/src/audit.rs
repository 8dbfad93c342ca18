//! The audit.

use async_trait::async_trait;
use model::{Timestamp, WorkspaceId};
use sqlx::{QueryBuilder, Row as _, Sqlite, sqlite::SqliteRow};
use store::{
    AuditBatch, AuditPage, AuditRecord, Audits, Direction, Gathering, Pruned, StoreError, Stretch, slice_of,
};

use crate::{SqliteStore, row::Reader, unavailable};

const TABLE: &str = "audit_batches";

fn batch(row: &SqliteRow) -> Result<AuditBatch, StoreError> {
    let reader = Reader { table: TABLE, row };
    Ok(AuditBatch {
        slice: reader.number("slice")?,
        workspace: reader.parsed("workspace")?,
        id: reader.digest("id")?,
        records: reader.count("records")?,
        content: row.try_get("content").map_err(unavailable)?,
    })
}

impl SqliteStore {
    async fn audit_page(
        &self,
        workspace: Option<WorkspaceId>,
        page: &AuditPage,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let mut gathering = Gathering::new(page);
        while let Some(stretch) = gathering.wants() {
            gathering.take(&self.audit_batches(workspace, &stretch).await?)?;
        }
        Ok(gathering.into_records())
    }

    async fn audit_batches(
        &self,
        workspace: Option<WorkspaceId>,
        stretch: &Stretch,
    ) -> Result<Vec<AuditBatch>, StoreError> {
        let Stretch { first, last, beyond, direction, most } = stretch;
        let mut query =
            QueryBuilder::<Sqlite>::new("-- audit_batches\nSELECT * FROM audit_batches WHERE slice >= ");
        query.push_bind(first).push(" AND slice <= ").push_bind(last);
        if let Some(workspace) = workspace {
            query.push(" AND workspace = ").push_bind(workspace.to_string());
        }
        let (further, order) = match direction {
            Direction::OldestFirst => (" AND (slice, id) > (", " ORDER BY slice, id LIMIT "),
            Direction::NewestFirst => (" AND (slice, id) < (", " ORDER BY slice DESC, id DESC LIMIT "),
        };
        if let Some((slice, id)) = beyond {
            query.push(further).push_bind(slice).push(", ").push_bind(id.as_slice()).push(")");
        }
        query.push(order).push_bind(most);
        let rows = query.build().fetch_all(&self.readers).await.map_err(unavailable)?;
        rows.iter().map(batch).collect()
    }
}

#[async_trait]
impl Audits for SqliteStore {
    async fn append_audit_batches(&self, batches: &[AuditBatch]) -> Result<(), StoreError> {
        if batches.is_empty() {
            return Ok(());
        }
        // One statement is a transaction of its own. Nearly always it has one row or two.
        let mut query = QueryBuilder::<Sqlite>::new(
            "-- append_audit_batches\nINSERT INTO audit_batches (slice, workspace, id, records, content) ",
        );
        query.push_values(batches, |mut row, batch| {
            row.push_bind(batch.slice)
                .push_bind(batch.workspace.to_string())
                .push_bind(batch.id.as_slice())
                .push_bind(batch.records)
                .push_bind(batch.content.as_slice());
        });
        query.push(" ON CONFLICT DO NOTHING").build().execute(&self.writer).await.map_err(unavailable)?;
        Ok(())
    }

    async fn audit(&self, workspace: WorkspaceId, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(Some(workspace), page).await
    }

    async fn audit_of_all(&self, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(None, page).await
    }

    async fn prune_audit(&self, end: Timestamp, most: u32) -> Result<Pruned, StoreError> {
        let deleted: Vec<i64> = sqlx::query_scalar(
            "-- prune_audit\n\
             DELETE FROM audit_batches WHERE (slice, id) IN\n\
                 (SELECT slice, id FROM audit_batches WHERE slice < ? ORDER BY slice, id LIMIT ?)\n\
             RETURNING records",
        )
        .bind(slice_of(end))
        .bind(most)
        .fetch_all(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(Pruned::of(&deleted))
    }
}
