//! Events in the meetings of bots: sealed rows, in order.

use std::time::Duration;

use async_trait::async_trait;
use model::{BotId, Captions, Timestamp, WorkspaceId};
use store::{Appended, Lease, MeetingEventBatch, MeetingEvents, MeetingEventsSummary, StoreError};

use super::realtime_endpoints;
use crate::{
    SqlStore,
    db::{Isolation, Pool, Tx},
    error::failed,
    query::{NO_BYTES, insert, list, query, values},
    row::{Reader, Row},
    sqlite,
};

const COLUMNS: &str = "id, bot, workspace, first_event, last_event, events, captions, kept_for";

fn number(row: Reader<'_>, column: &str) -> Result<u64, StoreError> {
    Ok(row.number(column)?.unsigned_abs())
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn batch(row: &Row) -> Result<MeetingEventBatch, StoreError> {
    let row = row.of("meeting_events");
    Ok(MeetingEventBatch {
        id: row.parsed("id")?,
        bot: row.parsed("bot")?,
        workspace: row.parsed("workspace")?,
        first: number(row, "first_event")?,
        last: number(row, "last_event")?,
        events: row.sealed("events")?,
        captions: row.optional("captions")?,
        kept_for: Duration::from_micros(number(row, "kept_for")?),
    })
}

fn summary(row: &Row) -> Result<MeetingEventsSummary, StoreError> {
    let row = row.of("meeting_events");
    Ok(MeetingEventsSummary {
        bot: row.parsed("bot")?,
        last: number(row, "last_event")?,
        captions: row.optional("captions")?,
        kept_for: Duration::from_micros(number(row, "kept_for")?),
        erased: row.number("bytes")? == 0,
    })
}

/// Starts the retention time of a bot's events at its last step. Its real-time endpoints still get the remaining events.
pub(super) async fn begin_retention(db: &mut Tx, bot: BotId, ended_at: Timestamp) -> Result<(), StoreError> {
    query(
        "-- begin_retention\n\
         UPDATE meeting_events SET expires_at = $2 + kept_for WHERE bot = $1 AND length(events) > 0",
    )
    .with(values![bot, ended_at])
    .execute(&mut *db)
    .await?;
    realtime_endpoints::wake(db, bot, ended_at).await
}

/// Erases the events of these bots. The last row of each bot stays, but is emptied.
async fn erase(db: &mut Tx, bots: &[String]) -> Result<(), StoreError> {
    query(
        "-- erase meeting events: rows\n\
         DELETE FROM meeting_events WHERE bot = ANY($1) AND last_event <\n\
             (SELECT max(other.last_event) FROM meeting_events other WHERE other.bot = meeting_events.bot)",
    )
    .bind(bots.to_vec())
    .execute(&mut *db)
    .await?;
    query(
        "-- erase meeting events: last row\n\
         UPDATE meeting_events SET events = $2, expires_at = NULL WHERE bot = ANY($1)",
    )
    .with(values![bots.to_vec(), NO_BYTES])
    .execute(db)
    .await?;
    Ok(())
}

impl SqlStore {
    /// Removes erased data from SQLite's write-ahead log, which still has the old pages.
    pub(super) async fn forget_what_was_erased(&self) -> Result<(), StoreError> {
        match &self.writer {
            Pool::Sqlite(writer) => sqlite::checkpoint(writer).await.map_err(failed),
            Pool::Postgres(_) => Ok(()),
        }
    }
}

#[async_trait]
impl MeetingEvents for SqlStore {
    async fn append_meeting_events(
        &self,
        lease: &Lease,
        batch: &MeetingEventBatch,
        now: Timestamp,
    ) -> Result<Appended, StoreError> {
        let body = |mut tx: Tx| async move {
            let held =
                query("-- append: lease\nSELECT id FROM bots WHERE id = $1 AND lease_token = $2 FOR UPDATE")
                    .with(values![batch.bot, lease.token])
                    .fetch_optional(&mut tx)
                    .await?;
            if held.is_none() {
                return Ok(Appended::LeaseLost);
            }
            let known = query("-- append: known\nSELECT id FROM meeting_events WHERE id = $1")
                .bind(batch.id)
                .fetch_optional(&mut tx)
                .await?;
            if known.is_some() {
                return Ok(Appended::Recorded);
            }
            let later =
                query("-- append: later\nSELECT id FROM meeting_events WHERE bot = $1 AND last_event >= $2")
                    .with(values![batch.bot, signed(batch.first)])
                    .fetch_optional(&mut tx)
                    .await?;
            if later.is_some() {
                return Ok(Appended::Late);
            }
            insert("-- append", "meeting_events")
                .set("id", batch.id)
                .set("bot", batch.bot)
                .set("workspace", batch.workspace)
                .set("first_event", signed(batch.first))
                .set("last_event", signed(batch.last))
                .set("events", &batch.events)
                .set("captions", batch.captions.map(Captions::as_str))
                .set("kept_for", signed(u64::try_from(batch.kept_for.as_micros()).unwrap_or(u64::MAX)))
                .execute(&mut tx)
                .await?;
            realtime_endpoints::wake(&mut tx, batch.bot, now).await?;
            tx.commit().await?;
            Ok(Appended::Recorded)
        };
        self.transaction("append_meeting_events", Isolation::ReadCommitted, body).await
    }

    async fn meeting_events(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        after: u64,
        most: u32,
    ) -> Result<Vec<MeetingEventBatch>, StoreError> {
        query(format!(
            "-- meeting_events\n\
             SELECT {COLUMNS} FROM meeting_events\n\
             WHERE bot = $1 AND workspace = $2 AND last_event > $3 AND length(events) > 0\n\
             ORDER BY last_event LIMIT $4"
        ))
        .with(values![bot, workspace, signed(after), most])
        .all(&self.readers, batch)
        .await
    }

    async fn meeting_events_summaries(
        &self,
        workspace: WorkspaceId,
        bots: &[BotId],
    ) -> Result<Vec<MeetingEventsSummary>, StoreError> {
        query(
            "-- meeting_events_summaries\n\
             SELECT bot, last_event, captions, kept_for, CAST(length(events) AS BIGINT) AS bytes FROM meeting_events\n\
             WHERE workspace = $1 AND bot = ANY($2) AND last_event =\n\
                 (SELECT max(other.last_event) FROM meeting_events other WHERE other.bot = meeting_events.bot)",
        )
        .with(values![workspace])
        .bind(list(bots))
        .all(&self.readers, summary)
        .await
    }

    async fn erase_meeting_events(&self, workspace: WorkspaceId, bot: BotId) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            // The rows are locked as a writer locks them, so that a concurrent erasure and append don't overlap.
            let found: Vec<String> = query(
                "-- erase meeting events: find\n\
                 SELECT id FROM bots WHERE id = $1 AND workspace = $2\n\
                     AND EXISTS (SELECT 1 FROM meeting_events WHERE bot = $1 AND length(events) > 0) FOR UPDATE",
            )
            .with(values![bot, workspace])
            .column(&mut tx)
            .await?;
            erase(&mut tx, &found).await?;
            tx.commit().await?;
            Ok(!found.is_empty())
        };
        let erased = self.transaction("erase_meeting_events", Isolation::ReadCommitted, body).await?;
        self.forget_what_was_erased().await?;
        Ok(erased)
    }

    async fn forget_meeting_events(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        let body = |mut tx: Tx| async move {
            let bots: Vec<String> = query(
                "-- forget_meeting_events: find\n\
                 SELECT DISTINCT bot FROM meeting_events WHERE expires_at <= $1 ORDER BY bot LIMIT $2",
            )
            .with(values![now, most])
            .column(&mut tx)
            .await?;
            erase(&mut tx, &bots).await?;
            tx.commit().await?;
            Ok(bots.len() as u64)
        };
        let forgotten = self.transaction("forget_meeting_events", Isolation::ReadCommitted, body).await?;
        if forgotten > 0 {
            self.forget_what_was_erased().await?;
        }
        Ok(forgotten)
    }
}
