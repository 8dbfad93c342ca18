//! Webhooks from Zoom.

use async_trait::async_trait;
use model::{CredentialId, Timestamp, ZoomOauthAppId};
use store::{
    Digest, Disconnection, Received, ReceivedEvent, ReceivedEvents, StoreError, ZoomEvent, ZoomOauthApp,
};

use super::{credentials, meetings, zoom_oauth_apps, zoom_oauth_apps::APP_COLUMNS};
use crate::{
    SqlStore,
    db::{Isolation, Pool, Tx},
    error::failed,
    query::{insert, query, values},
    row::Row,
    sqlite,
};

fn event(row: &Row) -> Result<ZoomEvent, StoreError> {
    let row = row.of("zoom_events");
    Ok(ZoomEvent {
        key: row.digest("key")?,
        workspace: row.parsed("workspace")?,
        app: row.parsed("app")?,
        name: row.text("name")?,
        ended: row.optional("ended")?,
        received_at: row.time("received_at")?,
    })
}

/// Disconnects the account, unless there is a newer consent, and leaves the event unfinished.
async fn end(db: &mut Tx, event: &ZoomEvent, disconnection: &Disconnection) -> Result<bool, StoreError> {
    let Disconnection { credential, cause, unless_consented_after, note } = disconnection;
    let consented_at: Option<i64> = query(
        "-- receive_zoom_events: read\n\
         SELECT consented_at FROM credentials WHERE id = $1 AND workspace = $2 FOR UPDATE",
    )
    .with(values![*credential, event.workspace])
    .scalar(&mut *db)
    .await?;
    let concerned = consented_at.is_some_and(|consented_at| {
        let consented_at = Timestamp::from_microsecond(consented_at);
        // A consent with a time in the future was written by a wrong clock and does not count as newer.
        consented_at.is_from_the_future(event.received_at)
            || unless_consented_after.is_none_or(|time| consented_at <= time)
    });
    if !concerned || !credentials::disconnect(db, event.workspace, *credential, *cause, note).await? {
        return Ok(false);
    }
    query(
        "-- receive_zoom_events: end\n\
         UPDATE zoom_events SET ended = $1, finished = 0 WHERE key = $2",
    )
    .with(values![*credential, event.key.as_slice()])
    .execute(db)
    .await?;
    Ok(true)
}

/// Records an event for one registration, once, with its effects.
async fn receive(db: &mut Tx, received: &ReceivedEvent<'_>) -> Result<Received, StoreError> {
    let ReceivedEvent { event, disconnection, news } = received;
    let noted = insert("-- receive_zoom_events: note", "zoom_events")
        .set("key", event.key.as_slice())
        .set("workspace", event.workspace)
        .set("app", event.app)
        .set("name", &event.name)
        .set("finished", 1_i64)
        .set("received_at", event.received_at)
        .then("ON CONFLICT (key) DO NOTHING")
        .execute(&mut *db)
        .await?;
    if noted == 0 {
        return Ok(Received::Known);
    }
    if let Some(news) = news {
        meetings::tell(db, event.workspace, news, event.received_at).await?;
    }
    match disconnection {
        Some(disconnection) if end(db, event, disconnection).await? => Ok(Received::Ended),
        Some(_) | None => Ok(Received::Noted),
    }
}

#[async_trait]
impl ReceivedEvents for SqlStore {
    async fn webhook_client_id(&self, id: ZoomOauthAppId) -> Result<Option<String>, StoreError> {
        query("-- webhook_client_id\nSELECT client_id FROM zoom_oauth_apps WHERE id = $1")
            .bind(id)
            .scalar(&self.readers)
            .await
    }

    async fn registrations(&self, client_id: &str) -> Result<Vec<ZoomOauthApp>, StoreError> {
        query(format!(
            "-- registrations\n\
             SELECT {APP_COLUMNS} FROM zoom_oauth_apps WHERE client_id = $1 AND deleted_at IS NULL\n\
             ORDER BY id"
        ))
        .bind(client_id)
        .all(&self.readers, zoom_oauth_apps::app)
        .await
    }

    async fn note_webhook_validation(&self, id: ZoomOauthAppId, now: Timestamp) -> Result<(), StoreError> {
        query(
            "-- note_webhook_validation\nUPDATE zoom_oauth_apps SET webhook_last_validation = $1 WHERE id = $2",
        )
        .with(values![now, id])
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn receive_zoom_events(&self, events: &[ReceivedEvent<'_>]) -> Result<Vec<Received>, StoreError> {
        // The second of two concurrent deliveries waits at the key, and then finds that the event is known.
        let body = |mut tx: Tx| async move {
            let mut received = Vec::with_capacity(events.len());
            for event in events {
                received.push(receive(&mut tx, event).await?);
            }
            tx.commit().await?;
            Ok(received)
        };
        self.transaction("receive_zoom_events", Isolation::ReadCommitted, body).await
    }

    async fn unfinished_zoom_events(&self, limit: u32) -> Result<Vec<ZoomEvent>, StoreError> {
        query(
            "-- unfinished_zoom_events\n\
             SELECT key, workspace, app, name, ended, received_at FROM zoom_events WHERE finished = 0 ORDER BY received_at LIMIT $1",
        )
        .bind(limit)
        .all(&self.readers, event)
        .await
    }

    async fn accounts_ended_since(&self, since: Timestamp) -> Result<Vec<CredentialId>, StoreError> {
        let rows = query(
            "-- accounts_ended_since\n\
             SELECT ended FROM zoom_events WHERE ended IS NOT NULL AND received_at >= $1",
        )
        .bind(since)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| row.of("zoom_events").parsed("ended")).collect()
    }

    async fn finish_zoom_event(&self, key: &Digest) -> Result<bool, StoreError> {
        let done = query(
            "-- finish_zoom_event\nUPDATE zoom_events SET finished = 1 WHERE key = $1 AND finished = 0",
        )
        .bind(key.as_slice())
        .execute(&self.writer)
        .await?;
        if let Pool::Sqlite(writer) = &self.writer {
            // The write-ahead log still has the old pages. If a concurrent reader prevents the checkpoint,
            // they are removed when the log is full.
            sqlite::checkpoint(writer).await.map_err(failed)?;
        }
        Ok(done == 1)
    }

    async fn forget_zoom_events(&self, end: Timestamp) -> Result<u64, StoreError> {
        query("-- forget_zoom_events\nDELETE FROM zoom_events WHERE finished <> 0 AND received_at < $1")
            .bind(end)
            .execute(&self.writer)
            .await
    }
}
