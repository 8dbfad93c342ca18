//! Deliveries to webhook endpoints. See `store::Deliveries` for the queue of each subject, and `webhook_endpoints` for the
//! lock under which it changes.

use async_trait::async_trait;
use model::{CLOCK_TOLERANCE, DeliveryState, EventId, KillPoint, Timestamp, WebhookEndpointId, WorkspaceId};
use store::{
    AfterAttempt, Answer, Attempt, Backlog, Deliveries, Delivery, DeliveryFilter, EndpointAfter, Lease,
    MAX_BACKLOG, MAX_DELIVERY_PAUSE, NewEvent, StoreError,
};

use super::{
    events::{self, EVENT_COLUMNS},
    leased_rows::lock_leased,
    webhook_endpoints::{TABLE, lock, try_again, wake},
};
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{MAX_ROWS, list, query, values},
    row::Row,
};

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let event = events::event(row)?;
    let row = row.of("deliveries");
    let answer: Option<String> = row.optional_text("answer")?;
    let answer = answer.map(|answer| {
        serde_json::from_str::<Answer>(&answer)
            .map_err(|error| StoreError::Corrupt { table: "deliveries", cause: error.into() })
    });
    Ok(Delivery {
        event,
        state: row.parsed("state")?,
        attempts: row.count("attempts")?,
        due_at: row.optional_time("due_at")?,
        attempted_at: row.optional_time("attempted_at")?,
        answer: answer.transpose()?,
    })
}

const DELIVERY_COLUMNS: &str =
    "deliveries.state, deliveries.attempts, deliveries.due_at, deliveries.attempted_at, deliveries.answer";

/// Adds an event to the queue of its subject at each of these locked endpoints.
async fn enqueue(
    db: &mut Tx,
    endpoints: &[WebhookEndpointId],
    sequence: i64,
    event: &NewEvent,
) -> Result<(), StoreError> {
    query(
        "-- deliveries: enqueue\n\
         INSERT INTO deliveries (endpoint, event, sequence, subject, state, attempts, due_at)\n\
         SELECT id, $1, $2, $3, 'pending', 0, CASE WHEN EXISTS\n\
             (SELECT 1 FROM deliveries WHERE endpoint = webhook_endpoints.id AND subject = $3 AND state = 'pending')\n\
             THEN NULL ELSE $4 END\n\
         FROM webhook_endpoints WHERE id = ANY($5)",
    )
    .with(values![event.id, sequence, &event.subject, event.at, list(endpoints)])
    .execute(&mut *db)
    .await?;
    wake(db, endpoints, event.at).await
}

/// Adds the deliveries of an event, for each endpoint that listens to its type.
pub(super) async fn fan_out(db: &mut Tx, sequence: i64, event: &NewEvent) -> Result<(), StoreError> {
    let rows = query(
        "-- deliveries: fan_out\n\
         SELECT id, event_types FROM webhook_endpoints WHERE workspace = $1 AND state = 'enabled'\n\
         ORDER BY id FOR UPDATE",
    )
    .bind(event.workspace)
    .fetch_all(&mut *db)
    .await?;
    let mut wanted = Vec::new();
    for row in &rows {
        let row = row.of(TABLE);
        let types: Vec<String> = row.json("event_types")?;
        if types.is_empty() || types.contains(&event.kind) {
            wanted.push(row.parsed("id")?);
        }
    }
    if wanted.is_empty() { Ok(()) } else { enqueue(db, &wanted, sequence, event).await }
}

/// Corrects which delivery of each subject is due at a locked endpoint, after some were added in the middle.
async fn requeue(db: &mut Tx, endpoint: WebhookEndpointId, now: Timestamp) -> Result<(), StoreError> {
    const BEFORE: &str = "EXISTS (SELECT 1 FROM deliveries AS o WHERE o.endpoint = d.endpoint\n\
             AND o.subject = d.subject AND o.state = 'pending' AND o.sequence < d.sequence)";
    query(format!(
        "-- deliveries: requeue others\n\
         UPDATE deliveries AS d SET due_at = NULL\n\
         WHERE endpoint = $1 AND state = 'pending' AND due_at IS NOT NULL AND {BEFORE}"
    ))
    .bind(endpoint)
    .execute(&mut *db)
    .await?;
    query(format!(
        "-- deliveries: requeue first\n\
         UPDATE deliveries AS d SET due_at = $2\n\
         WHERE endpoint = $1 AND state = 'pending' AND due_at IS NULL AND NOT {BEFORE}"
    ))
    .with(values![endpoint, now])
    .execute(&mut *db)
    .await?;
    wake(db, &[endpoint], now).await?;
    try_again(db, endpoint).await
}

/// Records one attempt, and makes the next delivery of the subject due when this one is finished.
async fn record(
    db: &mut Tx,
    endpoint: WebhookEndpointId,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (state, due_at) = match attempt.then {
        AfterAttempt::Delivered => (DeliveryState::Delivered, None),
        AfterAttempt::Again(at) => (DeliveryState::Pending, Some(at)),
        AfterAttempt::GivenUp => (DeliveryState::Failed, None),
    };
    let answer = serde_json::to_string(&attempt.answer).expect("text keys");
    query(
        "-- record_attempts: write\n\
         UPDATE deliveries SET state = $1, due_at = $2, attempts = attempts + 1, attempted_at = $3, answer = $4\n\
         WHERE endpoint = $5 AND event = $6 AND state = 'pending'",
    )
    .with(values![state.as_str(), due_at, attempt.at, answer, endpoint, attempt.event])
    .execute(&mut *db)
    .await?;
    if state == DeliveryState::Pending {
        return Ok(());
    }
    query(
        "-- record_attempts: next\n\
         UPDATE deliveries SET due_at = $1 WHERE endpoint = $2 AND due_at IS NULL AND state = 'pending' AND event =\n\
             (SELECT event FROM deliveries WHERE endpoint = $2 AND state = 'pending' AND subject =\n\
                 (SELECT subject FROM deliveries WHERE endpoint = $2 AND event = $3)\n\
              ORDER BY sequence LIMIT 1)",
    )
    .with(values![now, endpoint, attempt.event])
    .execute(db)
    .await?;
    Ok(())
}

/// Events of a workspace in a time range and of some types.
const SPAN: &str = "workspace = $1 AND happened_at >= $2 AND happened_at < $3 AND ($4 OR kind = ANY($5))";

#[async_trait]
impl Deliveries for SqlStore {
    async fn due_deliveries(
        &self,
        endpoint: WebhookEndpointId,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        // Two ranges of the index are read, because a condition on both ends would read everything between them. The
        // limit is a literal: with a parameter, PostgreSQL expects a tenth of all rows and plans this statement again
        // each time.
        let range = |condition| {
            format!(
                "SELECT * FROM (SELECT event, sequence, state, attempts, due_at, attempted_at, answer FROM deliveries\n\
                     WHERE endpoint = $1 AND state = 'pending' AND {condition} ORDER BY due_at, sequence LIMIT {most}) AS due"
            )
        };
        query(format!(
            "-- due_deliveries\n\
             SELECT {EVENT_COLUMNS}, {DELIVERY_COLUMNS} FROM\n\
                 ({} UNION ALL {}) AS deliveries\n\
             JOIN events ON events.id = deliveries.event\n\
             ORDER BY deliveries.due_at, deliveries.sequence LIMIT {most}",
            range("due_at <= $2"),
            range("due_at > $3")
        ))
        .with(values![endpoint, now, now + MAX_DELIVERY_PAUSE + CLOCK_TOLERANCE])
        .all(&self.readers, delivery)
        .await
    }

    async fn probe_delivery(
        &self,
        endpoint: WebhookEndpointId,
        now: Timestamp,
    ) -> Result<Option<Delivery>, StoreError> {
        query(format!(
            "-- probe_delivery\n\
             SELECT {EVENT_COLUMNS}, {DELIVERY_COLUMNS} FROM deliveries JOIN events ON events.id = deliveries.event\n\
             WHERE deliveries.endpoint = $1 AND deliveries.state = 'pending' AND deliveries.due_at <= $2\n\
             ORDER BY deliveries.due_at DESC, deliveries.sequence DESC LIMIT 1"
        ))
        .with(values![endpoint, now])
        .one(&self.readers, delivery)
        .await
    }

    async fn record_attempts(
        &self,
        endpoint: WebhookEndpointId,
        lease: &Lease,
        attempts: &[Attempt],
        after: &EndpointAfter,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            if !lock_leased(&mut tx, TABLE, endpoint, lease).await? {
                return Ok(false);
            }
            for attempt in attempts {
                record(&mut tx, endpoint, attempt, now).await?;
            }
            if after.is_back {
                query(
                    "-- record_attempts: back\n\
                     UPDATE deliveries SET due_at = $1 WHERE endpoint = $2 AND state = 'pending' AND due_at > $1",
                )
                .with(values![now, endpoint])
                .execute(&mut tx)
                .await?;
            }
            query(
                "-- record_attempts: endpoint\n\
                 UPDATE webhook_endpoints SET first_failure_at = $1, failing_since = $2, probe_at = $3 WHERE id = $4",
            )
            .with(values![after.run.first_at, after.run.counted_from, after.probe_at, endpoint])
            .execute(&mut tx)
            .await?;
            if let Some(event) = &after.failed {
                let failed = query(
                    "-- record_attempts: failed\n\
                     UPDATE webhook_endpoints SET state = 'failed', disabled_at = $1 WHERE id = $2 AND state = 'enabled'",
                )
                .with(values![now, endpoint])
                .execute(&mut tx)
                .await?;
                if failed > 0 {
                    events::write(&mut tx, event).await?;
                }
            }
            KillPoint::BeforeDeliveryCommit.reach();
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("record_attempts", Isolation::ReadCommitted, body).await
    }

    async fn deliveries(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookEndpointId,
        filter: &DeliveryFilter,
        most: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        query(format!(
            "-- deliveries\n\
             SELECT {EVENT_COLUMNS}, {DELIVERY_COLUMNS} FROM deliveries JOIN events ON events.id = deliveries.event\n\
             WHERE deliveries.endpoint = $1 AND events.workspace = $2\n\
                 AND ($3 IS NULL OR deliveries.state = $3) AND ($4 IS NULL OR deliveries.event = $4)\n\
                 AND ($5 OR events.kind = ANY($6)) AND ($7 IS NULL OR events.subject = $7)\n\
                 AND ($8 IS NULL OR deliveries.sequence < $8)\n\
             ORDER BY deliveries.sequence DESC LIMIT $9"
        ))
        .with(values![
            endpoint,
            workspace,
            filter.state.map(DeliveryState::as_str),
            filter.event,
            filter.events.kinds.is_empty(),
            list(&filter.events.kinds),
            &filter.events.subject,
            filter.before,
            most
        ])
        .all(&self.readers, delivery)
        .await
    }

    async fn add_delivery(&self, endpoint: WebhookEndpointId, event: &NewEvent) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            let sequence = events::number(&mut tx, event).await?;
            if lock(&mut tx, event.workspace, endpoint).await?.is_none() {
                return Ok(false);
            }
            enqueue(&mut tx, &[endpoint], sequence, event).await?;
            try_again(&mut tx, endpoint).await?;
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("add_delivery", Isolation::ReadCommitted, body).await
    }

    async fn retry_delivery(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookEndpointId,
        event: EventId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            if lock(&mut tx, workspace, endpoint).await?.is_none() {
                return Ok(false);
            }
            let known = query(
                "-- retry_delivery\n\
                 UPDATE deliveries SET state = 'pending', attempts = 0, due_at = $1 WHERE endpoint = $2 AND event = $3",
            )
            .with(values![now, endpoint, event])
            .execute(&mut tx)
            .await?;
            requeue(&mut tx, endpoint, now).await?;
            tx.commit().await?;
            Ok(known > 0)
        };
        self.transaction("retry_delivery", Isolation::ReadCommitted, body).await
    }

    async fn replay_events(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        (since, until): (Timestamp, Timestamp),
        most: u32,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let body = |mut tx: Tx| async move {
            let Some(endpoint) = lock(&mut tx, workspace, id).await? else { return Ok(None) };
            let kinds = &endpoint.event_types;
            let span = || values![workspace, since, until, kinds.is_empty(), list(kinds)].into_iter();
            let count = query(format!("-- replay_events: count\nSELECT count(*) FROM events WHERE {SPAN}"))
                .with(span())
                .count(&mut tx)
                .await?;
            if count > u64::from(most) {
                return Ok(Some(count));
            }
            let rows = query(format!(
                "-- replay_events: find\nSELECT id, sequence, subject FROM events WHERE {SPAN} ORDER BY sequence"
            ))
            .with(span())
            .fetch_all(&mut tx)
            .await?;
            let mut found = Vec::with_capacity(rows.len());
            for row in &rows {
                let row = row.of("events");
                found.push((row.text("id")?, row.number("sequence")?, row.text("subject")?));
            }
            for rows in found.chunks(MAX_ROWS) {
                let mut query = query(
                    "-- replay_events: write\n\
                     INSERT INTO deliveries AS d (endpoint, event, sequence, subject, state, attempts)",
                );
                query.push_rows(rows, |query, (event, sequence, subject)| {
                    query.push_bind(id).push(", ").push_bind(event).push(", ").push_bind(*sequence);
                    query.push(", ").push_bind(subject).push(", 'pending', 0");
                });
                query.push(
                    " ON CONFLICT (endpoint, event) DO UPDATE SET state = 'pending', attempts = 0, due_at = NULL\n\
                     WHERE d.state <> 'pending'",
                );
                query.execute(&mut tx).await?;
            }
            requeue(&mut tx, id, now).await?;
            tx.commit().await?;
            Ok(Some(count))
        };
        self.transaction("replay_events", Isolation::ReadCommitted, body).await
    }

    async fn webhook_backlog(&self) -> Result<Backlog, StoreError> {
        let row = query(
            "-- webhook_backlog\n\
             SELECT (SELECT count(*) FROM (SELECT 1 FROM webhook_endpoints AS e\n\
                         JOIN deliveries AS d ON d.endpoint = e.id AND d.state = 'pending'\n\
                         WHERE e.state = 'enabled' LIMIT $1) AS counted) AS pending,\n\
                 (SELECT min((SELECT events.happened_at FROM deliveries AS d JOIN events ON events.id = d.event\n\
                      WHERE d.endpoint = e.id AND d.state = 'pending' ORDER BY d.sequence LIMIT 1))\n\
                  FROM webhook_endpoints AS e WHERE e.state = 'enabled') AS oldest",
        )
        .bind(MAX_BACKLOG)
        .fetch_one(&self.readers)
        .await?;
        let row = row.of("deliveries");
        Ok(Backlog { pending: row.number("pending")?.unsigned_abs(), oldest: row.optional_time("oldest")? })
    }
}
