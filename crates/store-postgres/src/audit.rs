//! The audit.

use async_trait::async_trait;
use model::{Timestamp, WorkspaceId};
use sqlx::{Postgres, QueryBuilder, Row as _, postgres::PgRow};
use store::{
    AuditBatch, AuditPage, AuditRecord, Audits, Direction, Gathering, Pruned, StoreError, Stretch, slice_of,
};

use crate::{PostgresStore, row::Reader, unavailable};

const TABLE: &str = "audit_batches";

fn batch(row: &PgRow) -> Result<AuditBatch, StoreError> {
    let reader = Reader { table: TABLE, row };
    Ok(AuditBatch {
        slice: reader.number("slice")?,
        workspace: reader.parsed("workspace")?,
        id: reader.digest("id")?,
        records: reader.count("records")?,
        content: row.try_get("content").map_err(unavailable)?,
    })
}

impl PostgresStore {
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
        let mut query = QueryBuilder::<Postgres>::new(
            "-- audit_batches\n\
             SELECT slice, workspace, id, records, content FROM audit_batches WHERE slice >= ",
        );
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
        query.push(order).push_bind(i64::from(*most));
        let rows = query.build().fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(batch).collect()
    }
}

#[async_trait]
impl Audits for PostgresStore {
    async fn append_audit_batches(&self, batches: &[AuditBatch]) -> Result<(), StoreError> {
        // One statement whatever their number, so that there is one plan and one round trip.
        sqlx::query(
            "-- append_audit_batches\n\
             INSERT INTO audit_batches (slice, workspace, id, records, content)\n\
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bytea[])\n\
             ON CONFLICT DO NOTHING",
        )
        .bind(column(batches, |batch| batch.slice))
        .bind(column(batches, |batch| batch.workspace.to_string()))
        .bind(column(batches, |batch| batch.id.as_slice()))
        .bind(column(batches, |batch| i64::from(batch.records)))
        .bind(column(batches, |batch| batch.content.as_slice()))
        .execute(&self.audit)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn audit(&self, workspace: WorkspaceId, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(Some(workspace), page).await
    }

    async fn audit_of_all(&self, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit_page(None, page).await
    }

    async fn prune_audit(&self, end: Timestamp, most: u32) -> Result<Pruned, StoreError> {
        // Replicas that prune at once share the work.
        let deleted: Vec<i64> = sqlx::query_scalar(
            "-- prune_audit\n\
             DELETE FROM audit_batches WHERE (slice, id) IN\n\
                 (SELECT slice, id FROM audit_batches WHERE slice < $1 ORDER BY slice, id LIMIT $2\n\
                  FOR UPDATE SKIP LOCKED)\n\
             RETURNING records",
        )
        .bind(slice_of(end))
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(Pruned::of(&deleted))
    }
}

fn column<'b, T>(batches: &'b [AuditBatch], of: impl Fn(&'b AuditBatch) -> T) -> Vec<T> {
    batches.iter().map(of).collect()
}
