//! The audit.

use async_trait::async_trait;
use model::{Timestamp, WorkspaceId};
use store::{
    AuditBatch, AuditPage, AuditRecord, Audits, Direction, PageBuilder, Pruned, RowRange, StoreError,
    slice_of,
};

use super::audit_subjects::{note, noted_of, push_subjects};
use crate::{
    SqlStore,
    db::Isolation,
    query::{MAX_ROWS, Query, query, values},
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
        subjects: Vec::new(),
    })
}

impl SqlStore {
    async fn audit_page(
        &self,
        workspace: Option<WorkspaceId>,
        page: &AuditPage,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        match page.filter.subject() {
            None => self.page_of(workspace, PageBuilder::new(page)).await,
            Some(subject) => self.audit_about(workspace, &subject, page).await,
        }
    }

    pub(super) async fn page_of(
        &self,
        workspace: Option<WorkspaceId>,
        mut page_builder: PageBuilder<'_>,
    ) -> Result<Vec<AuditRecord>, StoreError> {
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

/// Adds an `INSERT` of these batches, and the clause for a batch that already exists.
fn push_batches(query: &mut Query, batches: &[AuditBatch], conflict: &str) {
    query.push("INSERT INTO audit_batches (slice, workspace, id, records, content, is_indexed)");
    query.push_rows(batches, |row, batch| {
        row.push_bind(batch.slice).push(", ").push_bind(batch.workspace).push(", ");
        row.push_bind(batch.id.as_slice()).push(", ").push_bind(batch.records).push(", ");
        row.push_bind(batch.content.as_slice()).push(", 1");
    });
    query.push(conflict);
}

const APPEND: &str = "-- append_audit_batches\n";

#[async_trait]
impl Audits for SqlStore {
    async fn append_audit_batches(&self, batches: &[AuditBatch]) -> Result<(), StoreError> {
        if batches.is_empty() {
            return Ok(());
        }
        let new = self.noted.not_yet(batches);
        let is_short = batches.len() <= MAX_ROWS && new.len() <= MAX_ROWS;
        // Usually there are one or two batches and no new subject. A token waits for this. On PostgreSQL it
        // is one round trip even with new subjects, which SQLite can't do in one statement.
        if is_short && (new.is_empty() || !self.is_sqlite()) {
            let mut query = query(APPEND);
            if !new.is_empty() {
                query.push("WITH noted AS (");
                push_subjects(&mut query, &new);
                query.push(") ");
            }
            push_batches(&mut query, batches, " ON CONFLICT DO NOTHING");
            query.execute(&self.audit).await?;
        } else {
            let mut tx = self.audit.begin(Isolation::ReadCommitted, &self.written).await?;
            note(&mut tx, &new).await?;
            for some in batches.chunks(MAX_ROWS) {
                let mut query = query(APPEND);
                push_batches(&mut query, some, " ON CONFLICT DO NOTHING");
                query.execute(&mut tx).await?;
            }
            tx.commit().await?;
        }
        self.noted.add(new);
        Ok(())
    }

    async fn audit(&self, workspace: WorkspaceId, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(Some(workspace), page).await
    }

    async fn audit_of_all(&self, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(None, page).await
    }

    async fn modernize_audit(&self, most: u32) -> Result<u32, StoreError> {
        self.transaction("modernize_audit", Isolation::ReadCommitted, |mut tx| async move {
            let old = query(
                "-- modernize_audit\n\
                 SELECT slice, workspace, id, records, content FROM audit_batches WHERE is_indexed = 0\n\
                 ORDER BY slice, id LIMIT $1 FOR UPDATE SKIP LOCKED",
            )
            .bind(most)
            .all(&mut tx, batch)
            .await?;
            let batches = old.into_iter().map(AuditBatch::modern).collect::<Result<Vec<_>, _>>()?;
            note(&mut tx, &noted_of(&batches).collect()).await?;
            for some in batches.chunks(MAX_ROWS) {
                let mut query = query("-- modernize_audit: write\n");
                let conflict =
                    " ON CONFLICT (slice, id) DO UPDATE SET content = excluded.content, is_indexed = 1";
                push_batches(&mut query, some, conflict);
                query.execute(&mut tx).await?;
            }
            tx.commit().await?;
            Ok(count(batches.len()))
        })
        .await
    }

    async fn prune_audit(&self, end: Timestamp, most: u32) -> Result<Pruned, StoreError> {
        // Servers that prune at the same time share the work.
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
        let (batches, records) = (count(deleted.len()), deleted.iter().map(|it| it.unsigned_abs()).sum());
        let subjects = if batches < most { self.prune_subjects(end, most).await? } else { 0 };
        Ok(Pruned { batches, records, subjects })
    }
}

fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
