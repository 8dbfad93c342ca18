//! Webhooks that Zoom sent.

use async_trait::async_trait;
use model::{CredentialId, Timestamp, ZoomOauthAppId};
use sqlx::postgres::PgRow;
use store::{Digest, Ending, ReceivedEvent, Reception, StoreError, ZoomEvent, ZoomInbox, ZoomOauthApp};

use crate::{
    ON_ROWS, PostgresStore, Tx, apps, credentials, db::Statements, meetings, row::Reader, unavailable,
};

fn event(row: &PgRow) -> Result<ZoomEvent, StoreError> {
    let row = Reader { table: "zoom_events", row };
    Ok(ZoomEvent {
        key: row.digest("key")?,
        workspace: row.parsed("workspace")?,
        app: row.parsed("app")?,
        name: row.text("name")?,
        ended: row.optional("ended")?,
        received_at: row.time("received_at")?,
    })
}

/// Disconnects the account, unless somebody has consented anew since, and leaves the event unfinished.
async fn end(db: &mut Statements, event: &ZoomEvent, ending: &Ending) -> Result<bool, StoreError> {
    let Ending { credential, cause, unless_consented_after, note } = ending;
    let consented_at: Option<i64> = sqlx::query_scalar(
        "-- receive_zoom_events: read\n\
         SELECT consented_at FROM credentials WHERE id = $1 AND workspace = $2 FOR UPDATE",
    )
    .bind(credential.to_string())
    .bind(event.workspace.to_string())
    .fetch_optional(&mut *db)
    .await
    .map_err(unavailable)?;
    let concerned = consented_at.is_some_and(|consented_at| {
        let consented_at = Timestamp::from_microsecond(consented_at);
        // A wrong clock may have dated the consent: that it came later than the event is not believed then.
        consented_at.is_from_the_future(event.received_at)
            || unless_consented_after.is_none_or(|time| consented_at <= time)
    });
    if !concerned || !credentials::disconnect(db, event.workspace, *credential, *cause, note).await? {
        return Ok(false);
    }
    sqlx::query(
        "-- receive_zoom_events: end\n\
         UPDATE zoom_events SET ended = $1, finished = 0 WHERE key = $2",
    )
    .bind(credential.to_string())
    .bind(event.key.as_slice())
    .execute(db)
    .await
    .map_err(unavailable)?;
    Ok(true)
}

/// Notes the event of one registration, once, with what it brings about.
async fn receive(db: &mut Statements, received: &ReceivedEvent<'_>) -> Result<Reception, StoreError> {
    let ReceivedEvent { event, ending, news } = received;
    let noted = sqlx::query(
        "-- receive_zoom_events: note\n\
         INSERT INTO zoom_events (key, workspace, app, name, finished, received_at)\n\
         VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT (key) DO NOTHING",
    )
    .bind(event.key.as_slice())
    .bind(event.workspace.to_string())
    .bind(event.app.to_string())
    .bind(&event.name)
    .bind(event.received_at.as_microsecond())
    .execute(&mut *db)
    .await
    .map_err(unavailable)?;
    if noted.rows_affected() == 0 {
        return Ok(Reception::Known);
    }
    if let Some(news) = news {
        meetings::tell(db, event.workspace, news).await?;
    }
    match ending {
        Some(ending) if end(db, event, ending).await? => Ok(Reception::Ended),
        Some(_) | None => Ok(Reception::Noted),
    }
}

#[async_trait]
impl ZoomInbox for PostgresStore {
    async fn webhook_client_id(&self, id: ZoomOauthAppId) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("-- webhook_client_id\nSELECT client_id FROM zoom_oauth_apps WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)
    }

    async fn registrations(&self, client_id: &str) -> Result<Vec<ZoomOauthApp>, StoreError> {
        let rows = sqlx::query(concat!(
            "-- registrations\nSELECT ",
            apps::app_columns!(),
            " FROM zoom_oauth_apps WHERE client_id = $1 AND deleted_at IS NULL ORDER BY id",
        ))
        .bind(client_id)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(apps::app).collect()
    }

    async fn note_webhook_validation(&self, id: ZoomOauthAppId, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "-- note_webhook_validation\nUPDATE zoom_oauth_apps SET webhook_last_validation = $1 WHERE id = $2",
        )
        .bind(now.as_microsecond())
        .bind(id.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn receive_zoom_events(&self, events: &[ReceivedEvent<'_>]) -> Result<Vec<Reception>, StoreError> {
        // Of two deliveries at once, the second waits at the key, and finds the event known.
        let body = |mut tx: Tx| async move {
            let mut receptions = Vec::with_capacity(events.len());
            for event in events {
                receptions.push(receive(&mut tx, event).await?);
            }
            tx.commit().await.map_err(unavailable)?;
            Ok(receptions)
        };
        self.transaction("receive_zoom_events", ON_ROWS, body).await
    }

    async fn unfinished_zoom_events(&self, limit: u32) -> Result<Vec<ZoomEvent>, StoreError> {
        let rows = sqlx::query(
            "-- unfinished_zoom_events\n\
             SELECT * FROM zoom_events WHERE finished = 0 ORDER BY received_at LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(event).collect()
    }

    async fn accounts_ended_since(&self, since: Timestamp) -> Result<Vec<CredentialId>, StoreError> {
        let rows = sqlx::query(
            "-- accounts_ended_since\n\
             SELECT ended FROM zoom_events WHERE ended IS NOT NULL AND received_at >= $1",
        )
        .bind(since.as_microsecond())
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(|row| Reader { table: "zoom_events", row }.parsed("ended")).collect()
    }

    async fn finish_zoom_event(&self, key: &Digest) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- finish_zoom_event\nUPDATE zoom_events SET finished = 1 WHERE key = $1 AND finished = 0",
        )
        .bind(key.as_slice())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn forget_zoom_events(&self, end: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "-- forget_zoom_events\nDELETE FROM zoom_events WHERE finished <> 0 AND received_at < $1",
        )
        .bind(end.as_microsecond())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected())
    }
}
