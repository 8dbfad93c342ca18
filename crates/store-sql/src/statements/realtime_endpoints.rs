//! Real-time endpoints of bots. See `store::RealtimeEndpoints`.
//!
//! The transaction that stores a batch of events locks the endpoints of its bot. So does the worker that records that there
//! are no more events. So neither misses the other's change.

use async_trait::async_trait;
use model::{BotId, CLOCK_TOLERANCE, LeaseToken, RealtimeEndpointId, RealtimeState, Timestamp, WorkspaceId};
use store::{
    Lease, MAX_REALTIME_PAUSE, NewEvent, RealtimeEndpoint, RealtimeEndpoints, RealtimeNext, RealtimeProgress,
    RealtimeShares, StoreError,
};

use super::{
    events,
    leased_rows::{claim, lock_leased},
    meeting_events::signed,
};
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{insert, list, query, values},
    row::Row,
};

const TABLE: &str = "realtime_endpoints";
const COLUMNS: &str = "id, bot, workspace, place, state, told, failures, failing_since";

/// The condition of a due endpoint. `$1` is the time, `$3` is past every lease, and `$4` is past every due time.
const DUE: &str = "(due_at <= $1 OR due_at > $4)\n\
     AND (lease_expires_at IS NULL OR lease_expires_at <= $1 OR lease_expires_at > $3)";

fn endpoint(row: &Row) -> Result<RealtimeEndpoint, StoreError> {
    let row = row.of(TABLE);
    Ok(RealtimeEndpoint {
        id: row.parsed("id")?,
        bot: row.parsed("bot")?,
        workspace: row.parsed("workspace")?,
        place: u8::try_from(row.number("place")?).unwrap_or(u8::MAX),
        progress: RealtimeProgress {
            state: row.parsed("state")?,
            told: row.number("told")?.unsigned_abs(),
            failures: row.count("failures")?,
            failing_since: row.optional_time("failing_since")?,
        },
    })
}

/// Makes the endpoints of a bot due, because its meeting has a new event or the bot has ended. An endpoint that waits for
/// a retry keeps its time.
pub(super) async fn wake(db: &mut Tx, bot: BotId, at: Timestamp) -> Result<(), StoreError> {
    // This includes endpoints that are already due, so that it waits for a worker that is about to record that there is
    // no more.
    let woken = query(
        "-- realtime_endpoints: wake\n\
         UPDATE realtime_endpoints SET due_at = coalesce(due_at, $2) WHERE bot = $1 AND state IN ('waiting', 'running')",
    )
    .with(values![bot, at])
    .execute(&mut *db)
    .await?;
    if woken > 0 {
        db.mark_meeting_written();
    }
    Ok(())
}

#[async_trait]
impl RealtimeEndpoints for SqlStore {
    async fn add_realtime_endpoints(
        &self,
        lease: &Lease,
        endpoints: &[RealtimeEndpoint],
    ) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            for endpoint in endpoints {
                let held = query(
                    "-- add_realtime_endpoints: lease\n\
                     SELECT 1 FROM bots WHERE id = $1 AND lease_token = $2 FOR UPDATE",
                )
                .with(values![endpoint.bot, lease.token])
                .fetch_optional(&mut tx)
                .await?;
                let known =
                    query("-- add_realtime_endpoints: known\nSELECT 1 FROM realtime_endpoints WHERE id = $1")
                        .bind(endpoint.id)
                        .fetch_optional(&mut tx)
                        .await?;
                if held.is_none() || known.is_some() {
                    continue;
                }
                insert("-- add_realtime_endpoints", "realtime_endpoints")
                    .set("id", endpoint.id)
                    .set("bot", endpoint.bot)
                    .set("workspace", endpoint.workspace)
                    .set("place", i64::from(endpoint.place))
                    .set("state", endpoint.progress.state.as_str())
                    .set("told", signed(endpoint.progress.told))
                    .set("failures", endpoint.progress.failures)
                    .set("failing_since", endpoint.progress.failing_since)
                    .execute(&mut tx)
                    .await?;
            }
            tx.commit().await
        };
        self.transaction("add_realtime_endpoints", Isolation::ReadCommitted, body).await
    }

    async fn realtime_endpoints(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
    ) -> Result<Vec<RealtimeEndpoint>, StoreError> {
        query(format!(
            "-- realtime_endpoints\n\
             SELECT {COLUMNS} FROM realtime_endpoints WHERE bot = $1 AND workspace = $2 ORDER BY place"
        ))
        .with(values![bot, workspace])
        .all(&self.readers, endpoint)
        .await
    }

    async fn lease_due_realtime_endpoints(
        &self,
        tokens: &[LeaseToken],
        shares: RealtimeShares<'_>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(RealtimeEndpoint, Lease, Timestamp)>, StoreError> {
        let body = |mut tx: Tx| async move {
            let rows = query(format!(
                "-- lease_due_realtime_endpoints: find\n\
                 WITH turns AS (\n\
                     SELECT id AS turn_of, row_number() OVER (PARTITION BY workspace ORDER BY due_at, id) AS turn\n\
                     FROM realtime_endpoints WHERE {DUE} AND workspace <> ALL($5)\n\
                 )\n\
                 SELECT {COLUMNS}, due_at FROM realtime_endpoints JOIN turns ON turn_of = id\n\
                 WHERE {DUE} AND turn <= $6\n\
                 ORDER BY turn, due_at, id LIMIT $2 FOR UPDATE OF realtime_endpoints SKIP LOCKED"
            ))
            .with(values![
                now,
                i64::try_from(tokens.len()).unwrap_or(i64::MAX),
                expires_at + CLOCK_TOLERANCE,
                now + MAX_REALTIME_PAUSE + CLOCK_TOLERANCE,
                list(shares.full),
                shares.most
            ])
            .fetch_all(&mut tx)
            .await?;
            let leased = claim(&mut tx, TABLE, &rows, tokens, expires_at, endpoint).await?;
            tx.commit().await?;
            Ok(leased)
        };
        self.transaction("lease_due_realtime_endpoints", Isolation::ReadCommitted, body).await
    }

    async fn due_realtime_endpoints(
        &self,
        ids: &[RealtimeEndpointId],
        now: Timestamp,
    ) -> Result<Vec<RealtimeEndpointId>, StoreError> {
        let row_id = |row: &Row| row.of(TABLE).parsed("id");
        query(
            "-- due_realtime_endpoints\n\
             SELECT id FROM realtime_endpoints WHERE (due_at <= $1 OR due_at > $3) AND id = ANY($2)",
        )
        .with(values![now, list(ids), now + MAX_REALTIME_PAUSE + CLOCK_TOLERANCE])
        .all(&self.readers, row_id)
        .await
    }

    async fn renew_realtime_endpoint(
        &self,
        id: RealtimeEndpointId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let renewed = query(
            "-- renew_realtime_endpoint\n\
             UPDATE realtime_endpoints SET lease_expires_at = $1 WHERE id = $2 AND lease_token = $3",
        )
        .with(values![expires_at, id, lease.token])
        .execute(&self.writer)
        .await?;
        Ok(renewed > 0)
    }

    async fn record_realtime_progress(
        &self,
        id: RealtimeEndpointId,
        lease: &Lease,
        progress: &RealtimeProgress,
        event: Option<&NewEvent>,
    ) -> Result<bool, StoreError> {
        let is_over = matches!(progress.state, RealtimeState::Done | RealtimeState::Failed);
        let body = |mut tx: Tx| async move {
            let written = query(
                "-- record_realtime_progress\n\
                 UPDATE realtime_endpoints SET state = $1, told = $2, failures = $3, failing_since = $4,\n\
                     due_at = CASE WHEN $5 THEN NULL ELSE due_at END,\n\
                     lease_token = CASE WHEN $5 THEN NULL ELSE lease_token END,\n\
                     lease_expires_at = CASE WHEN $5 THEN NULL ELSE lease_expires_at END\n\
                 WHERE id = $6 AND lease_token = $7",
            )
            .with(values![
                progress.state.as_str(),
                signed(progress.told),
                progress.failures,
                progress.failing_since,
                is_over,
                id,
                lease.token
            ])
            .execute(&mut tx)
            .await?;
            if written == 0 {
                return Ok(false);
            }
            if let Some(event) = event {
                events::write(&mut tx, event).await?;
            }
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("record_realtime_progress", Isolation::ReadCommitted, body).await
    }

    async fn settle_realtime_endpoint(
        &self,
        id: RealtimeEndpointId,
        lease: &Lease,
        next: RealtimeNext,
        now: Timestamp,
    ) -> Result<Option<bool>, StoreError> {
        let body = |mut tx: Tx| async move {
            // The row is locked before the events are read: a concurrent batch waits, and then makes the endpoint due again.
            if !lock_leased(&mut tx, TABLE, id, lease).await? {
                return Ok(None);
            }
            let due_at = if let RealtimeNext::Again(at) = next {
                Some(at)
            } else {
                let more = query(
                    "-- settle_realtime_endpoint: more\n\
                     SELECT 1 FROM realtime_endpoints AS r WHERE id = $1 AND (EXISTS\n\
                         (SELECT 1 FROM meeting_events WHERE bot = r.bot AND last_event > r.told AND length(events) > 0)\n\
                         OR EXISTS (SELECT 1 FROM bots WHERE id = r.bot AND status IN ('done', 'fatal')))",
                )
                .bind(id)
                .fetch_optional(&mut tx)
                .await?;
                more.is_some().then_some(now)
            };
            query(
                "-- settle_realtime_endpoint\n\
                 UPDATE realtime_endpoints SET due_at = $1,\n\
                     lease_token = CASE WHEN $2 THEN lease_token ELSE NULL END,\n\
                     lease_expires_at = CASE WHEN $2 THEN lease_expires_at ELSE NULL END\n\
                 WHERE id = $3",
            )
            .with(values![due_at, next == RealtimeNext::Kept, id])
            .execute(&mut tx)
            .await?;
            tx.commit().await?;
            Ok(Some(due_at.is_some_and(|at| at <= now)))
        };
        self.transaction("settle_realtime_endpoint", Isolation::ReadCommitted, body).await
    }

    async fn meetings_written(&self, seen: u64) -> u64 {
        self.written.meetings_beyond(seen).await
    }
}
