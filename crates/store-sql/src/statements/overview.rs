//! The current numbers of a workspace's objects.

use std::time::Duration;

use async_trait::async_trait;
use model::{Code, Timestamp, WorkspaceId};
use store::{
    AccountGroup, AccountsCounted, Overview, Overviews, QuotaResource, RefreshesCounted, StoreError,
};

use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{query, values},
    row::Reader,
};

fn count(row: Reader<'_>) -> Result<u64, StoreError> {
    Ok(row.number("count")?.unsigned_abs())
}

/// The word for refreshes that succeeded; failed ones have their error code.
pub(super) const REFRESHED: &str = "refreshed";
const HOUR_SECONDS: i64 = 3600;
/// How long hourly counts are stored.
const REFRESH_COUNTS_TTL: Duration = Duration::from_secs(48 * 3600);

fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(HOUR_SECONDS) * HOUR_SECONDS)
}

/// Counts a refresh, in the transaction that stores its result. The first of an hour deletes old hours.
pub(super) async fn count_refresh(
    db: &mut Tx,
    workspace: WorkspaceId,
    outcome: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let hour = hour_of(at);
    let counted = query(
        "-- count_refresh\n\
         INSERT INTO refresh_counts (workspace, hour, outcome, refreshes) VALUES ($1, $2, $3, 1)\n\
         ON CONFLICT (workspace, hour, outcome) DO UPDATE SET refreshes = refresh_counts.refreshes + 1\n\
         RETURNING refreshes",
    )
    .with(values![workspace, hour, outcome])
    .scalar::<i64>(&mut *db)
    .await?;
    if counted == Some(1) {
        query("-- count_refresh: forget\nDELETE FROM refresh_counts WHERE workspace = $1 AND hour < $2")
            .with(values![workspace, hour - REFRESH_COUNTS_TTL])
            .execute(db)
            .await?;
    }
    Ok(())
}

#[async_trait]
impl Overviews for SqlStore {
    async fn held(
        &self,
        workspace: WorkspaceId,
        what: QuotaResource,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (table, and, ends) = match what {
            QuotaResource::TokenLinks => ("token_links", " AND revoked_at IS NULL", true),
            QuotaResource::Pools => ("pools", "", false),
            QuotaResource::ZoomOauthApps => ("zoom_oauth_apps", " AND deleted_at IS NULL", false),
            QuotaResource::ApiKeys => ("api_keys", " AND revoked_at IS NULL", true),
            QuotaResource::Invitations => {
                ("consents", " AND credential IS NULL AND revoked_at IS NULL", true)
            }
        };
        let mut query = query(format!("-- held\nSELECT count(*) FROM {table} WHERE workspace = "));
        query.push_bind(workspace).push(and);
        if ends {
            query.push(" AND (expires_at IS NULL OR expires_at > ").push_bind(now).push(")");
        }
        query.count(&self.readers).await
    }

    async fn overview(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
        most_joins: u32,
    ) -> Result<Overview, StoreError> {
        let body = |mut tx: Tx| async move {
            let accounts = query(
                "-- overview: accounts\n\
                 SELECT status, count(*) AS count, min(refresh_at) AS refresh_at\n\
                 FROM credentials WHERE workspace = $1 GROUP BY status",
            )
            .bind(workspace)
            .all(&mut tx, |row| {
                let row = row.of("credentials");
                Ok(AccountsCounted {
                    status: row.parsed("status")?,
                    accounts: count(row)?,
                    next_refresh: row.optional_time("refresh_at")?,
                })
            })
            .await?;
            let with_tokens = query(
                "-- overview: with_tokens\n\
                 SELECT c.app, c.kind, c.scopes, a.refused_since, count(*) AS count, min(c.id) AS first\n\
                 FROM credentials c JOIN zoom_oauth_apps a ON a.id = c.app\n\
                 WHERE c.workspace = $1 AND c.status IN ('healthy', 'degraded')\n\
                 GROUP BY c.app, c.kind, c.scopes, a.refused_since",
            )
            .bind(workspace)
            .all(&mut tx, |row| {
                let row = row.of("credentials");
                Ok(AccountGroup {
                    app: row.parsed("app")?,
                    app_refused: row.optional_time("refused_since")?.is_some(),
                    kind: row.parsed("kind")?,
                    scopes: row.json("scopes")?,
                    accounts: count(row)?,
                    first: row.parsed("first")?,
                })
            })
            .await?;
            let refreshes = query(
                "-- overview: refreshes\n\
                 SELECT outcome, CAST(sum(refreshes) AS BIGINT) AS count FROM refresh_counts\n\
                 WHERE workspace = $1 AND hour >= $2 GROUP BY outcome ORDER BY outcome",
            )
            .with(values![workspace, hour_of(since)])
            .all(&mut tx, |row| {
                let row = row.of("refresh_counts");
                let outcome: String = row.text("outcome")?;
                let failure =
                    (outcome != REFRESHED).then(|| Code::from_text(&outcome).unwrap_or(Code::Internal));
                Ok(RefreshesCounted { failure, refreshes: count(row)? })
            })
            .await?;
            // The states are literals, so that each is found by the index.
            let bots = query(
                "-- overview: bots\n\
                 SELECT status, count(*) AS count FROM bots\n\
                 WHERE workspace = $1 AND status IN ('ready', 'joining_call', 'in_waiting_room', 'in_call_not_recording', 'call_ended') GROUP BY status",
            )
            .bind(workspace)
            .all(&mut tx, |row| {
                let row = row.of("bots");
                Ok((row.parsed("status")?, count(row)?))
            })
            .await?;
            // The codes are literals, so that the index of outcomes is used. It is a cross join, so that SQLite begins
            // with the steps; otherwise it would begin with every bot of the workspace. A bot that joined again has
            // several starts.
            let join_times = query(
                "-- overview: join_times\n\
                 SELECT s.created_at - (\n\
                     SELECT max(j.created_at) FROM bot_steps j\n\
                     WHERE j.bot = s.bot AND j.step < s.step AND j.code = 'joining_call') AS took\n\
                 FROM bot_steps s CROSS JOIN bots b\n\
                 WHERE b.id = s.bot AND s.code IN ('in_call_not_recording', 'done', 'fatal') AND s.code = 'in_call_not_recording'\n\
                     AND s.created_at >= $1 AND b.workspace = $2\n\
                 ORDER BY s.created_at DESC LIMIT $3",
            )
            .with(values![since, workspace, most_joins])
            .column::<Option<i64>>(&mut tx)
            .await?;
            let join_times = join_times.into_iter().flatten().filter_map(|took| u64::try_from(took).ok());
            let join_times = join_times.map(Duration::from_micros).collect();
            Ok(Overview { accounts, with_tokens, refreshes, bots, join_times })
        };
        self.transaction("overview", Isolation::Snapshot, body).await
    }
}
