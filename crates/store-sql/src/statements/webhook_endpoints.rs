//! Webhook endpoints.
//!
//! Every transaction that changes which delivery is due locks the endpoint's row: a new event, the worker that finishes the
//! first delivery of a queue, a caller's request to send again. So none of them misses uncommitted changes of another.

use async_trait::async_trait;
use model::{CLOCK_TOLERANCE, EndpointState, LeaseToken, Sealed, Timestamp, WebhookEndpointId, WorkspaceId};
use store::{
    ClaimLimits, EndpointChange, FailureRun, Lease, MAX_DELIVERY_PAUSE, StoreError, WebhookEndpoint,
    WebhookEndpoints,
};

use super::{
    events,
    leased_rows::{claim, lock_leased},
};
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    error::exists,
    query::{insert, json, list, query, values},
    row::Row,
};

pub(super) const TABLE: &str = "webhook_endpoints";
const COLUMNS: &str = "id, workspace, url, secrets, kind, lane, description, event_types, svix_headers, state, disabled_at,\n\
             first_failure_at, failing_since, created_at";

fn endpoint(row: &Row) -> Result<WebhookEndpoint, StoreError> {
    let row = row.of(TABLE);
    Ok(WebhookEndpoint {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        url: row.sealed("url")?,
        secrets: row.sealed("secrets")?,
        kind: row.parsed("kind")?,
        lane: row.text("lane")?,
        description: row.text("description")?,
        event_types: row.json("event_types")?,
        svix_headers: row.number("svix_headers")? != 0,
        state: row.parsed("state")?,
        disabled_at: row.optional_time("disabled_at")?,
        run: FailureRun {
            first_at: row.optional_time("first_failure_at")?,
            counted_from: row.optional_time("failing_since")?,
        },
        created_at: row.time("created_at")?,
    })
}

/// Locks an endpoint of a workspace; `None` when there is none.
pub(super) async fn lock(
    db: &mut Tx,
    workspace: WorkspaceId,
    id: WebhookEndpointId,
) -> Result<Option<WebhookEndpoint>, StoreError> {
    query(format!(
        "-- webhook_endpoints: lock\n\
         SELECT {COLUMNS} FROM webhook_endpoints WHERE id = $1 AND workspace = $2 FOR UPDATE"
    ))
    .with(values![id, workspace])
    .one(db, endpoint)
    .await
}

/// Records that deliveries to these endpoints are due.
pub(super) async fn wake(
    db: &mut Tx,
    endpoints: &[WebhookEndpointId],
    at: Timestamp,
) -> Result<(), StoreError> {
    query(
        "-- webhook_endpoints: wake\n\
         UPDATE webhook_endpoints SET due_at = least(coalesce(due_at, $1), $1) WHERE id = ANY($2)",
    )
    .with(values![at, list(endpoints)])
    .execute(db)
    .await?;
    Ok(())
}

/// Makes the probe of an endpoint that is down due at once, because a caller requested it.
pub(super) async fn try_again(db: &mut Tx, endpoint: WebhookEndpointId) -> Result<(), StoreError> {
    query("-- webhook_endpoints: try_again\nUPDATE webhook_endpoints SET probe_at = NULL WHERE id = $1")
        .bind(endpoint)
        .execute(db)
        .await?;
    Ok(())
}

/// Endpoints with a delivery due at `$1` that no other worker has leased. An endpoint that is down must be due for its
/// probe. A due time (`$6`), a probe or a lease (`$3`) that only a wrong clock can have written is ignored.
const DUE: &str = "state = 'enabled' AND due_at IS NOT NULL AND (due_at <= $1 OR due_at > $6)\n\
             AND (probe_at IS NULL OR probe_at <= $1 OR probe_at > $3)\n\
             AND (lease_expires_at IS NULL OR lease_expires_at <= $1 OR lease_expires_at > $3)";

#[async_trait]
impl WebhookEndpoints for SqlStore {
    async fn add_webhook_endpoint(&self, endpoint: &WebhookEndpoint, most: u32) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            // Callers of a workspace add one after the other, so that each count includes all earlier endpoints.
            query("-- add_webhook_endpoint: lock\nSELECT id FROM workspaces WHERE id = $1 FOR NO KEY UPDATE")
                .bind(endpoint.workspace)
                .execute(&mut tx)
                .await?;
            let there = query(
                "-- add_webhook_endpoint: count\nSELECT count(*) FROM webhook_endpoints WHERE workspace = $1",
            )
            .bind(endpoint.workspace)
            .count(&mut tx)
            .await?;
            if there >= u64::from(most) {
                return Ok(false);
            }
            insert("-- add_webhook_endpoint", "webhook_endpoints")
                .set("id", endpoint.id)
                .set("workspace", endpoint.workspace)
                .set("url", &endpoint.url)
                .set("secrets", &endpoint.secrets)
                .set("kind", endpoint.kind.as_str())
                .set("lane", &endpoint.lane)
                .set("description", &endpoint.description)
                .set("event_types", json(&endpoint.event_types))
                .set("svix_headers", i64::from(endpoint.svix_headers))
                .set("state", endpoint.state.as_str())
                .set("disabled_at", endpoint.disabled_at)
                .set("created_at", endpoint.created_at)
                .execute(&mut tx)
                .await
                .map_err(exists("an endpoint with this id"))?;
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("add_webhook_endpoint", Isolation::ReadCommitted, body).await
    }

    async fn webhook_endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>, StoreError> {
        query(format!(
            "-- webhook_endpoint\nSELECT {COLUMNS} FROM webhook_endpoints WHERE id = $1 AND workspace = $2"
        ))
        .with(values![id, workspace])
        .one(&self.readers, endpoint)
        .await
    }

    async fn webhook_endpoints(&self, workspace: WorkspaceId) -> Result<Vec<WebhookEndpoint>, StoreError> {
        query(format!(
            "-- webhook_endpoints\n\
             SELECT {COLUMNS} FROM webhook_endpoints WHERE workspace = $1 ORDER BY created_at DESC, id DESC"
        ))
        .bind(workspace)
        .all(&self.readers, endpoint)
        .await
    }

    async fn change_webhook_endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        change: &EndpointChange,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            let Some(before) = lock(&mut tx, workspace, id).await? else { return Ok(false) };
            let (url, lane) =
                change.url.as_ref().map_or((&before.url, &before.lane), |(url, lane)| (url, lane));
            let (state, disabled_at, run) = match (change.enabled, before.state) {
                (Some(true), EndpointState::Disabled | EndpointState::Failed) => {
                    (EndpointState::Enabled, None, FailureRun::default())
                }
                (Some(false), EndpointState::Enabled | EndpointState::Failed) => {
                    (EndpointState::Disabled, before.disabled_at.or(Some(now)), before.run)
                }
                (Some(_) | None, state) => (state, before.disabled_at, before.run),
            };
            query(
                "-- change_webhook_endpoint\n\
                 UPDATE webhook_endpoints SET url = $1, lane = $2, description = $3, event_types = $4,\n\
                     svix_headers = $5, state = $6, disabled_at = $7, first_failure_at = $8, failing_since = $9,\n\
                     probe_at = NULL\n\
                 WHERE id = $10",
            )
            .with(values![
                url,
                lane,
                change.description.as_ref().unwrap_or(&before.description),
                json(change.event_types.as_ref().unwrap_or(&before.event_types)),
                i64::from(change.svix_headers.unwrap_or(before.svix_headers)),
                state.as_str(),
                disabled_at,
                run.first_at,
                run.counted_from,
                id
            ])
            .execute(&mut tx)
            .await?;
            if before.state != EndpointState::Enabled && state == EndpointState::Enabled {
                query(
                    "-- change_webhook_endpoint: what waits\n\
                     UPDATE deliveries SET due_at = $1 WHERE endpoint = $2 AND state = 'pending' AND due_at > $1",
                )
                .with(values![now, id])
                .execute(&mut tx)
                .await?;
                wake(&mut tx, &[id], now).await?;
            }
            if before.state == EndpointState::Enabled
                && state == EndpointState::Disabled
                && let Some(event) = &change.switched_off
            {
                events::write(&mut tx, event).await?;
            }
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("change_webhook_endpoint", Isolation::ReadCommitted, body).await
    }

    async fn replace_webhook_secrets(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        let replaced = query(
            "-- replace_webhook_secrets\n\
             UPDATE webhook_endpoints SET secrets = $1 WHERE id = $2 AND workspace = $3 AND secrets = $4",
        )
        .with(values![new, id, workspace, old])
        .execute(&self.writer)
        .await?;
        Ok(replaced > 0)
    }

    async fn remove_webhook_endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            if lock(&mut tx, workspace, id).await?.is_none() {
                return Ok(false);
            }
            for statement in [
                "-- remove_webhook_endpoint: deliveries\nDELETE FROM deliveries WHERE endpoint = $1",
                "-- remove_webhook_endpoint\nDELETE FROM webhook_endpoints WHERE id = $1",
            ] {
                query(statement).bind(id).execute(&mut tx).await?;
            }
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("remove_webhook_endpoint", Isolation::ReadCommitted, body).await
    }

    async fn lease_due_endpoints(
        &self,
        tokens: &[LeaseToken],
        limits: ClaimLimits<'_>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(WebhookEndpoint, Lease, Timestamp)>, StoreError> {
        let body = |mut tx: Tx| async move {
            let rows = query(format!(
                "-- lease_due_endpoints: find\n\
                 WITH turns AS (\n\
                     SELECT id AS turn_of, row_number() OVER (PARTITION BY workspace ORDER BY due_at, id) AS turn,\n\
                         row_number() OVER (PARTITION BY lane ORDER BY due_at, id) AS turn_of_lane\n\
                     FROM webhook_endpoints WHERE {DUE} AND lane <> ALL($4) AND workspace <> ALL($7)\n\
                 )\n\
                 SELECT {COLUMNS}, due_at FROM webhook_endpoints JOIN turns ON turn_of = id\n\
                 WHERE {DUE} AND turn <= $5 AND (lane = '' OR turn_of_lane <= $5)\n\
                 ORDER BY turn, due_at, id LIMIT $2 FOR UPDATE OF webhook_endpoints SKIP LOCKED"
            ))
            .with(values![
                now,
                i64::try_from(tokens.len()).unwrap_or(i64::MAX),
                expires_at + CLOCK_TOLERANCE,
                list(limits.full),
                limits.most,
                now + MAX_DELIVERY_PAUSE + CLOCK_TOLERANCE,
                list(limits.full_workspaces)
            ])
            .fetch_all(&mut tx)
            .await?;
            let leased = claim(&mut tx, TABLE, &rows, tokens, expires_at, endpoint).await?;
            tx.commit().await?;
            Ok(leased)
        };
        self.transaction("lease_due_endpoints", Isolation::ReadCommitted, body).await
    }

    async fn renew_endpoint(
        &self,
        id: WebhookEndpointId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<Option<WebhookEndpoint>, StoreError> {
        query(format!(
            "-- renew_endpoint\n\
             UPDATE webhook_endpoints SET lease_expires_at = $1 WHERE id = $2 AND lease_token = $3\n\
             RETURNING {COLUMNS}"
        ))
        .with(values![expires_at, id, lease.token])
        .one(&self.writer, endpoint)
        .await
    }

    async fn release_endpoint(
        &self,
        id: WebhookEndpointId,
        lease: &Lease,
    ) -> Result<Option<Timestamp>, StoreError> {
        let body = |mut tx: Tx| async move {
            // The row is locked before the queue is read: a concurrent event waits, and then makes the endpoint due again.
            if !lock_leased(&mut tx, TABLE, id, lease).await? {
                return Ok(None);
            }
            let due_at: Option<Option<i64>> = query(
                "-- release_endpoint: next\n\
                 SELECT min(due_at) FROM deliveries WHERE endpoint = $1 AND state = 'pending' AND due_at IS NOT NULL",
            )
            .bind(id)
            .scalar(&mut tx)
            .await?;
            let due_at = due_at.flatten().map(Timestamp::from_microsecond);
            let released = query(
                "-- release_endpoint\n\
                 UPDATE webhook_endpoints SET lease_token = NULL, lease_expires_at = NULL, due_at = $1 WHERE id = $2\n\
                 RETURNING probe_at",
            )
            .with(values![due_at, id])
            .fetch_one(&mut tx)
            .await?;
            let probe_at = released.of(TABLE).optional_time("probe_at")?;
            tx.commit().await?;
            Ok(due_at.map(|due_at| probe_at.map_or(due_at, |probe_at| due_at.max(probe_at))))
        };
        self.transaction("release_endpoint", Isolation::ReadCommitted, body).await
    }
}
