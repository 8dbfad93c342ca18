//! The audit.

use async_trait::async_trait;
use model::{About, AccountUser, Outcome, PlatformBot, Timestamp, Who, WorkspaceId};
use sqlx::{Postgres, QueryBuilder, postgres::PgRow};
use store::{AuditPage, AuditRecord, Audits, Direction, StoreError};

use crate::{PostgresStore, row::Reader, unavailable};

macro_rules! columns {
    () => {
        "at, id, workspace, credential, kind, who, who_id, from_address, why, outcome, source, user_name, meeting, bot"
    };
}

fn record(row: &PgRow) -> Result<AuditRecord, StoreError> {
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

impl PostgresStore {
    async fn audit_page(
        &self,
        workspace: Option<WorkspaceId>,
        page: &AuditPage,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let AuditPage { since, until, after, direction, most } = page;
        let mut query = QueryBuilder::<Postgres>::new(concat!(
            "-- audit_page\nSELECT ",
            columns!(),
            " FROM audit WHERE TRUE"
        ));
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
        query.push(order).push_bind(i64::from(*most));
        let rows = query.build().fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(record).collect()
    }
}

#[async_trait]
impl Audits for PostgresStore {
    async fn append_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        // One statement whatever their number, so that there is one plan and one round trip.
        sqlx::query(concat!(
            "-- append_audit\nINSERT INTO audit (",
            columns!(),
            ")\n\
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],\n\
                                  $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])\n\
             ON CONFLICT DO NOTHING",
        ))
        .bind(column(records, |record| record.at.as_microsecond()))
        .bind(column(records, |record| record.id.to_string()))
        .bind(column(records, |record| record.workspace.to_string()))
        .bind(column(records, |record| record.credential.to_string()))
        .bind(column(records, |record| record.kind.as_str()))
        .bind(column(records, |record| record.who.kind()))
        .bind(column(records, |record| record.who.id()))
        .bind(column(records, |record| record.from.map(|from| from.to_string())))
        .bind(column(records, |record| record.why.as_str()))
        .bind(column(records, |record| record.outcome.as_str()))
        .bind(column(records, |record| record.outcome.source().map(model::Source::as_str)))
        .bind(column(records, |record| record.about.user.as_ref().map(AccountUser::as_str)))
        .bind(column(records, |record| record.about.meeting.map(|meeting| meeting.to_string())))
        .bind(column(records, |record| record.about.bot.as_ref().map(PlatformBot::as_str)))
        .execute(&self.pool)
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

    async fn prune_audit(&self, end: Timestamp, most: u32) -> Result<u32, StoreError> {
        // Replicas that prune at once share the work.
        let done = sqlx::query(
            "-- prune_audit\n\
             DELETE FROM audit WHERE (at, id) IN\n\
                 (SELECT at, id FROM audit WHERE at < $1 ORDER BY at, id LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )
        .bind(end.as_microsecond())
        .bind(i64::from(most))
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(u32::try_from(done.rows_affected()).unwrap_or(most))
    }
}

fn column<'r, T>(records: &'r [AuditRecord], of: impl Fn(&'r AuditRecord) -> T) -> Vec<T> {
    records.iter().map(of).collect()
}
