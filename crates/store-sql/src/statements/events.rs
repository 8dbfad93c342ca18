//! The stream of events. Each is written by the transaction that changes the state.

use async_trait::async_trait;
use model::{BotId, CredentialId, CredentialStatus, StatusChange, Timestamp, WorkspaceId};
use store::{Event, EventFilter, Events, NewEvent, Note, StoreError, event_bodies::AccountOfEvent};

use super::deliveries;
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    error::exists,
    query::{insert, list, query, values},
    row::Row,
};

pub(crate) const EVENT_COLUMNS: &str = "events.id, events.workspace, events.sequence, events.kind, events.subject, events.body, events.happened_at";

pub(crate) fn event(row: &Row) -> Result<Event, StoreError> {
    let row = row.of("events");
    Ok(Event {
        sequence: row.number("sequence")?,
        event: NewEvent {
            id: row.parsed("id")?,
            workspace: row.parsed("workspace")?,
            kind: row.text("kind")?,
            subject: row.text("subject")?,
            body: row.text("body")?,
            at: row.time("happened_at")?,
        },
    })
}

/// Writes an event and returns its number. Until the commit, no other event of the workspace can be written, so a
/// transaction does this last.
pub(crate) async fn number(db: &mut Tx, event: &NewEvent) -> Result<i64, StoreError> {
    let sequence: i64 = query(
        "-- events: number\n\
         INSERT INTO event_numbers AS n (workspace, last) VALUES ($1, 1)\n\
         ON CONFLICT (workspace) DO UPDATE SET last = n.last + 1 RETURNING last",
    )
    .bind(event.workspace)
    .fetch_one(&mut *db)
    .await?
    .first()?;
    db.mark_event_written();
    insert("-- events: write", "events")
        .set("id", event.id)
        .set("workspace", event.workspace)
        .set("sequence", sequence)
        .set("kind", &event.kind)
        .set("subject", &event.subject)
        .set("body", &event.body)
        .set("happened_at", event.at)
        .execute(db)
        .await
        .map_err(exists("an event with this id"))?;
    Ok(sequence)
}

/// Writes an event, and a delivery for each endpoint that listens to it.
pub(crate) async fn write(db: &mut Tx, event: &NewEvent) -> Result<(), StoreError> {
    let sequence = number(db, event).await?;
    deliveries::fan_out(db, sequence, event).await
}

/// The event of a bot's step.
pub(crate) async fn of_bot(
    db: &mut Tx,
    id: BotId,
    step: i64,
    change: &StatusChange,
) -> Result<(), StoreError> {
    let row = query("-- events: of_bot\nSELECT workspace, metadata FROM bots WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *db)
        .await?;
    let row = row.of("bots");
    let event = NewEvent::of_bot(row.parsed("workspace")?, id, step, &row.json("metadata")?, change);
    write(db, &event).await
}

/// The event of an account's change of state.
pub(crate) async fn of_account(
    db: &mut Tx,
    workspace: WorkspaceId,
    id: CredentialId,
    status: CredentialStatus,
    note: &Note,
) -> Result<(), StoreError> {
    let row = query(
        "-- events: of_account\n\
         SELECT app, display_name, zoom_user_id, zoom_account_id FROM credentials WHERE id = $1",
    )
    .bind(id)
    .fetch_one(&mut *db)
    .await?;
    let row = row.of("credentials");
    let account = AccountOfEvent {
        id,
        display_name: row.text("display_name")?,
        user_id: row.text("zoom_user_id")?,
        account_id: row.text("zoom_account_id")?,
        oauth_app: row.parsed("app")?,
    };
    write(db, &NewEvent::of_account(workspace, &account, status, note)).await
}

#[async_trait]
impl Events for SqlStore {
    async fn add_event(&self, event: &NewEvent) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            write(&mut tx, event).await?;
            tx.commit().await
        };
        self.transaction("add_event", Isolation::ReadCommitted, body).await
    }

    async fn events(
        &self,
        workspace: WorkspaceId,
        after: i64,
        filter: &EventFilter,
        most: u32,
    ) -> Result<Vec<Event>, StoreError> {
        query(format!(
            "-- events\n\
             SELECT {EVENT_COLUMNS} FROM events WHERE workspace = $1 AND sequence > $2\n\
                 AND ($3 OR kind = ANY($4)) AND ($5 IS NULL OR subject = $5)\n\
             ORDER BY sequence LIMIT $6"
        ))
        .with(values![workspace, after, filter.kinds.is_empty(), list(&filter.kinds), &filter.subject, most])
        .all(&self.readers, event)
        .await
    }

    async fn last_event(&self, workspace: WorkspaceId) -> Result<i64, StoreError> {
        let last = query("-- last_event\nSELECT last FROM event_numbers WHERE workspace = $1")
            .bind(workspace)
            .scalar(&self.readers)
            .await?;
        Ok(last.unwrap_or(0))
    }

    async fn events_written(&self, seen: u64) -> u64 {
        self.written.events_beyond(seen).await
    }

    async fn forget_events(&self, end: Timestamp, most: u32) -> Result<u64, StoreError> {
        let body = |mut tx: Tx| async move {
            let ids: Vec<String> = query(
                "-- forget_events: find\n\
                 SELECT id FROM events WHERE happened_at < $1 ORDER BY happened_at LIMIT $2\n\
                 FOR UPDATE SKIP LOCKED",
            )
            .with(values![end, most])
            .column(&mut tx)
            .await?;
            for statement in [
                "-- forget_events: deliveries\nDELETE FROM deliveries WHERE event = ANY($1)",
                "-- forget_events: events\nDELETE FROM events WHERE id = ANY($1)",
            ] {
                query(statement).bind(ids.clone()).execute(&mut tx).await?;
            }
            tx.commit().await?;
            Ok(ids.len() as u64)
        };
        self.transaction("forget_events", Isolation::ReadCommitted, body).await
    }
}
