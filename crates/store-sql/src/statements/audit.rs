//! The audit.

use async_trait::async_trait;
use model::{Timestamp, WorkspaceId};
use store::{
    AuditBatch, AuditPage, AuditRecord, Audits, Direction, PageBuilder, Pruned, RowRange, StoreError,
    slice_of,
};

use crate::{
    SqlStore,
    query::{MOST_ROWS, query, values},
    row::Row,
};

const TABLE: &str = "audit_batches";

fn batch(row: &Row) -> Result<AuditBatch, StoreError> {
    let reader = row.of(TABLE);
    Ok(AuditBatch {
        slice: reader.number("slice")?,
        workspace: reader.parsed("workspace")?,
        id: reader.digest("id")?,
        records: reader.count("records")?,
        content: reader.bytes("content")?,
    })
}

impl SqlStore {
    async fn audit_page(
        &self,
        workspace: Option<WorkspaceId>,
        page: &AuditPage,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let mut page_builder = PageBuilder::new(page);
        while let Some(stretch) = page_builder.wants() {
            page_builder.take(&self.audit_batches(workspace, &stretch).await?)?;
        }
        Ok(page_builder.into_records())
    }

    async fn audit_batches(
        &self,
        workspace: Option<WorkspaceId>,
        stretch: &RowRange,
    ) -> Result<Vec<AuditBatch>, StoreError> {
        let RowRange { first, last, beyond, direction, most } = stretch;
        let mut query = query(
            "-- audit_batches\n\
             SELECT slice, workspace, id, records, content FROM audit_batches WHERE slice >= ",
        );
        query.push_bind(*first).push(" AND slice <= ").push_bind(*last);
        if let Some(workspace) = workspace {
            query.push(" AND workspace = ").push_bind(workspace);
        }
        let (further, order) = match direction {
            Direction::OldestFirst => (" AND (slice, id) > (", " ORDER BY slice, id LIMIT "),
            Direction::NewestFirst => (" AND (slice, id) < (", " ORDER BY slice DESC, id DESC LIMIT "),
        };
        if let Some((slice, id)) = beyond {
            query.push(further).push_bind(*slice).push(", ").push_bind(id.as_slice()).push(")");
        }
        query.push(order).push_bind(i64::from(*most));
        let rows = query.fetch_all(&self.readers).await?;
        rows.iter().map(batch).collect()
    }
}

#[async_trait]
impl Audits for SqlStore {
    async fn append_audit_batches(&self, batches: &[AuditBatch]) -> Result<(), StoreError> {
        // One statement for many rows, to save round trips. Usually there are one or two batches.
        for some in batches.chunks(MOST_ROWS) {
            let mut query = query(
                "-- append_audit_batches\nINSERT INTO audit_batches (slice, workspace, id, records, content)",
            );
            query.push_rows(some, |row, batch| {
                row.push_bind(batch.slice).push(", ").push_bind(batch.workspace).push(", ");
                row.push_bind(batch.id.as_slice()).push(", ").push_bind(batch.records).push(", ");
                row.push_bind(batch.content.as_slice());
            });
            query.push(" ON CONFLICT DO NOTHING");
            query.execute(&self.audit).await?;
        }
        Ok(())
    }

    async fn audit(&self, workspace: WorkspaceId, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(Some(workspace), page).await
    }

    async fn audit_of_all(&self, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(None, page).await
    }

    async fn prune_audit(&self, end: Timestamp, most: u32) -> Result<Pruned, StoreError> {
        // Servers that prune at once share the work.
        let deleted: Vec<i64> = query(
            "-- prune_audit\n\
             DELETE FROM audit_batches WHERE (slice, id) IN\n\
                 (SELECT slice, id FROM audit_batches WHERE slice < $1 ORDER BY slice, id LIMIT $2\n\
                  FOR UPDATE SKIP LOCKED)\n\
             RETURNING records",
        )
        .with(values![slice_of(end), most])
        .column(&self.writer)
        .await?;
        Ok(Pruned::of(&deleted))
    }
}
