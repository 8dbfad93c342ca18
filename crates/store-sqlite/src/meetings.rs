//! Meetings of connected accounts.

use async_trait::async_trait;
use model::{CredentialId, MeetingNumber, MeetingSyncStatus, Timestamp, WorkspaceId};
use sqlx::{AssertSqlSafe, SqliteConnection, sqlite::SqliteRow};
use store::{
    DueSync, KnownMeeting, Lease, Meeting, MeetingChange, MeetingFilter, MeetingKey, MeetingNews,
    MeetingOwner, Meetings, Page, StoreError, Subject, SyncOutcome,
};

use crate::{
    SqliteStore, log,
    page::{by, comparison},
    row::Reader,
    unavailable,
};

/// Brings what Zoom tells into the map, in the transaction that notes the event.
pub(crate) async fn tell(
    db: &mut SqliteConnection,
    workspace: WorkspaceId,
    news: &MeetingNews,
) -> Result<(), StoreError> {
    let told = Told { workspace, news };
    match &news.change {
        MeetingChange::Exists { number, host } => {
            told.move_host(db, *number, host).await?;
            told.put(db, *number, Some(host), "exists").await
        }
        MeetingChange::Gone { number, host } => {
            told.put(db, *number, host.as_deref(), "gone").await?;
            told.lose(db, "number = ?2", number.as_i64()).await
        }
        MeetingChange::PersonalRoom { number, host } => {
            told.leave_room(db, host, *number).await?;
            told.put(db, *number, Some(host), "personal").await
        }
        MeetingChange::HostGone { host } => told.lose(db, "host = ?2", host.as_str()).await,
        MeetingChange::Unclear { host } => told.hasten(db, host).await,
    }
}

/// Whoever hears of something: the host's own accounts, and those that speak for the host's Zoom account.
/// ?1 workspace · ?2 host · ?3 Zoom account
const HEARERS: &str = "workspace = ?1 AND status NOT LIKE 'disconnected%'\n\
    AND (zoom_user_id = ?2 OR (kind = 'server_to_server' AND zoom_account_id = ?3))";

struct Told<'a> {
    workspace: WorkspaceId,
    news: &'a MeetingNews,
}

impl Told<'_> {
    /// Notes that a meeting exists or is gone, unless something later is known.
    async fn put(
        &self,
        db: &mut SqliteConnection,
        number: MeetingNumber,
        host: Option<&str>,
        what: &'static str,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "-- tell_meetings: put\n\
             INSERT INTO meetings (credential, number, workspace, host, personal, gone, synced_at)\n\
             SELECT id, ?4, ?1, coalesce(?2, ''), ?6 = 'personal', ?6 = 'gone', ?5 FROM credentials WHERE {HEARERS}\n\
             ON CONFLICT (credential, number) DO UPDATE SET\n\
                 host = CASE WHEN excluded.host = '' THEN host ELSE excluded.host END,\n\
                 personal = max(personal, excluded.personal), gone = excluded.gone, synced_at = excluded.synced_at\n\
             WHERE synced_at <= excluded.synced_at"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(self.workspace.to_string())
            .bind(host)
            .bind(&self.news.zoom_account_id)
            .bind(number.as_i64())
            .bind(self.news.as_of.as_microsecond())
            .bind(what)
            .execute(db)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// Marks meetings as gone, whoever of the workspace knows them.
    async fn lose<'q>(
        &self,
        db: &mut SqliteConnection,
        which: &'static str,
        value: impl sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 'q,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "-- tell_meetings: lose\n\
             UPDATE meetings SET gone = 1, synced_at = ?3 WHERE workspace = ?1 AND {which} AND synced_at <= ?3"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(self.workspace.to_string())
            .bind(value)
            .bind(self.news.as_of.as_microsecond())
            .execute(db)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// Whoever knows the meeting by another host knows better now.
    async fn move_host(
        &self,
        db: &mut SqliteConnection,
        number: MeetingNumber,
        host: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "-- tell_meetings: move host\n\
             UPDATE meetings SET host = ?3, synced_at = ?4\n\
             WHERE workspace = ?1 AND number = ?2 AND host <> ?3 AND synced_at <= ?4",
        )
        .bind(self.workspace.to_string())
        .bind(number.as_i64())
        .bind(host)
        .bind(self.news.as_of.as_microsecond())
        .execute(db)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    /// The host's personal room had another number until now.
    async fn leave_room(
        &self,
        db: &mut SqliteConnection,
        host: &str,
        number: MeetingNumber,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "-- tell_meetings: leave room\n\
             UPDATE meetings SET gone = 1, synced_at = ?4\n\
             WHERE workspace = ?1 AND host = ?2 AND personal <> 0 AND number <> ?3 AND synced_at <= ?4",
        )
        .bind(self.workspace.to_string())
        .bind(host)
        .bind(number.as_i64())
        .bind(self.news.as_of.as_microsecond())
        .execute(db)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn hasten(&self, db: &mut SqliteConnection, host: &str) -> Result<(), StoreError> {
        let sql = format!(
            "-- tell_meetings: hasten\n\
             UPDATE credentials SET sync_due_at = min(coalesce(sync_due_at, ?4), ?4) WHERE {HEARERS}"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(self.workspace.to_string())
            .bind(host)
            .bind(&self.news.zoom_account_id)
            .bind(self.news.as_of.as_microsecond())
            .execute(db)
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}

/// Forgets an account's meetings, in the transaction that disconnects it.
pub(crate) async fn forget(db: &mut SqliteConnection, id: CredentialId) -> Result<(), StoreError> {
    sqlx::query("-- forget_meetings\nDELETE FROM meetings WHERE credential = ?")
        .bind(id.to_string())
        .execute(db)
        .await
        .map_err(unavailable)?;
    Ok(())
}

fn due(row: &SqliteRow) -> Result<DueSync, StoreError> {
    let row = Reader { table: "credentials", row };
    Ok(DueSync {
        workspace: row.parsed("workspace")?,
        credential: row.parsed("id")?,
        failures: row.count("sync_failures")?,
    })
}

fn known(row: &SqliteRow) -> Result<KnownMeeting, StoreError> {
    let row = Reader { table: "meetings", row };
    Ok(KnownMeeting {
        number: row.meeting("number")?,
        credential: row.parsed("credential")?,
        synced_at: row.time("synced_at")?,
    })
}

#[async_trait]
impl Meetings for SqliteStore {
    async fn want_meeting_sync(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- want_meeting_sync\n\
             UPDATE credentials SET sync_due_at = ?1, meeting_sync = ?2\n\
             WHERE id = ?3 AND workspace = ?4 AND status IN ('healthy', 'degraded')",
        )
        .bind(now.as_microsecond())
        .bind(MeetingSyncStatus::InProgress.as_str())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn claim_meeting_syncs(
        &self,
        lease: &Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueSync>, StoreError> {
        let rows = sqlx::query(
            "-- claim_meeting_syncs\n\
             UPDATE credentials SET meeting_sync = ?1, sync_due_at = ?2, sync_lease_expires_at = ?2,\n\
                 sync_lease_token = ?3\n\
             WHERE id IN (\n\
                 SELECT id FROM credentials WHERE sync_due_at <= ?4 AND status IN ('healthy', 'degraded')\n\
                     AND (sync_lease_expires_at IS NULL OR sync_lease_expires_at <= ?4)\n\
                 ORDER BY sync_due_at, id LIMIT ?5)\n\
             RETURNING workspace, id, sync_failures",
        )
        .bind(MeetingSyncStatus::InProgress.as_str())
        .bind(lease.expires_at.as_microsecond())
        .bind(lease.token.to_string())
        .bind(now.as_microsecond())
        .bind(limit)
        .fetch_all(&self.writer)
        .await
        .map_err(unavailable)?;
        rows.iter().map(due).collect()
    }

    async fn put_meetings(
        &self,
        id: CredentialId,
        lease: &Lease,
        meetings: &[Meeting],
        since: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "-- put_meetings: hold\n\
             UPDATE credentials SET sync_lease_expires_at = ?1,\n\
                 sync_due_at = CASE WHEN sync_due_at = sync_lease_expires_at THEN ?1 ELSE sync_due_at END\n\
             WHERE id = ?2 AND sync_lease_token = ?3 RETURNING workspace",
        )
        .bind(until.as_microsecond())
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unavailable)?;
        let Some(row) = row else { return Ok(false) };
        let workspace = Reader { table: "credentials", row: &row }.text("workspace")?;
        for meeting in meetings {
            sqlx::query(
                "-- put_meetings: put\n\
                 INSERT INTO meetings (credential, number, workspace, host, personal, gone, synced_at)\n\
                 VALUES (?, ?, ?, ?, ?, 0, ?)\n\
                 ON CONFLICT (credential, number) DO UPDATE SET host = excluded.host, personal = excluded.personal,\n\
                     gone = 0, synced_at = excluded.synced_at\n\
                 WHERE synced_at < excluded.synced_at",
            )
            .bind(id.to_string())
            .bind(meeting.number.as_i64())
            .bind(&workspace)
            .bind(&meeting.host)
            .bind(meeting.personal)
            .bind(since.as_microsecond())
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
        }
        tx.commit().await.map_err(unavailable)?;
        Ok(true)
    }

    async fn finish_meeting_sync(
        &self,
        id: CredentialId,
        lease: &Lease,
        outcome: SyncOutcome<'_>,
        next: Timestamp,
    ) -> Result<bool, StoreError> {
        let status = match outcome {
            SyncOutcome::Completed { .. } => MeetingSyncStatus::Completed,
            SyncOutcome::NotBegun => MeetingSyncStatus::NotStarted,
            SyncOutcome::Failed { .. } => MeetingSyncStatus::Failed,
        };
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "-- finish_meeting_sync\n\
             UPDATE credentials SET meeting_sync = ?1,\n\
                 sync_failures = CASE WHEN ?1 = 'failed' THEN sync_failures + 1 ELSE 0 END,\n\
                 sync_due_at = CASE WHEN sync_due_at = sync_lease_expires_at THEN ?2 ELSE min(sync_due_at, ?2) END,\n\
                 sync_lease_token = NULL, sync_lease_expires_at = NULL\n\
             WHERE id = ?3 AND sync_lease_token = ?4 RETURNING workspace, app",
        )
        .bind(status.as_str())
        .bind(next.as_microsecond())
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unavailable)?;
        let Some(row) = row else { return Ok(false) };
        match outcome {
            SyncOutcome::Completed { since } => {
                sqlx::query(
                    "-- finish_meeting_sync: gone\n\
                     DELETE FROM meetings WHERE credential = ? AND synced_at < ?",
                )
                .bind(id.to_string())
                .bind(since.as_microsecond())
                .execute(&mut *tx)
                .await
                .map_err(unavailable)?;
            }
            SyncOutcome::Failed { note: Some(note) } => {
                let row = Reader { table: "credentials", row: &row };
                let (workspace, app) = (row.parsed("workspace")?, row.parsed("app")?);
                log::write(&mut tx, workspace, app, Subject::Credential(id), None, note).await?;
            }
            SyncOutcome::NotBegun | SyncOutcome::Failed { note: None } => {}
        }
        tx.commit().await.map_err(unavailable)?;
        Ok(true)
    }

    async fn meeting_owner(
        &self,
        workspace: WorkspaceId,
        number: MeetingNumber,
    ) -> Result<Option<MeetingOwner>, StoreError> {
        let row = sqlx::query(
            "-- meeting_owner\n\
             SELECT m.credential, m.host, c.kind FROM meetings m JOIN credentials c ON c.id = m.credential\n\
             WHERE m.workspace = ? AND m.number = ? AND m.gone = 0 AND c.status IN ('healthy', 'degraded')\n\
                 AND m.host <> '' AND (c.kind = 'server_to_server' OR c.zoom_user_id = m.host)\n\
             ORDER BY c.kind = 'server_to_server', c.status <> 'healthy', m.synced_at DESC, m.credential LIMIT 1",
        )
        .bind(workspace.to_string())
        .bind(number.as_i64())
        .fetch_optional(&self.readers)
        .await
        .map_err(unavailable)?;
        let Some(row) = row else { return Ok(None) };
        let row = Reader { table: "meetings", row: &row };
        Ok(Some(MeetingOwner {
            credential: row.parsed("credential")?,
            kind: row.parsed("kind")?,
            host: row.text("host")?,
        }))
    }

    async fn known_meetings(
        &self,
        workspace: WorkspaceId,
        filter: &MeetingFilter,
        key: MeetingKey,
        page: &Page,
    ) -> Result<Vec<KnownMeeting>, StoreError> {
        let (key, id) = match key {
            MeetingKey::Number => ("number", "credential"),
            MeetingKey::SyncedAt => ("synced_at", "credential || '/' || number"),
        };
        let sql = format!(
            "-- known_meetings\n\
             SELECT number, credential, synced_at FROM meetings\n\
             WHERE workspace = ?1 AND gone = 0\n\
                 AND (?2 IS NULL OR credential = ?2) AND (?3 IS NULL OR number = ?3)\n\
                 AND (?4 IS NULL OR synced_at > ?4) AND (?5 IS NULL OR synced_at < ?5)\n\
                 AND (?6 IS NULL OR ({key}, {id}) {} (?6, ?7))\n\
             ORDER BY {} LIMIT ?8",
            comparison(page.order),
            by(key, id, page.order),
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(workspace.to_string())
            .bind(filter.credential.map(|id| id.to_string()))
            .bind(filter.number.map(MeetingNumber::as_i64))
            .bind(filter.synced_after.map(Timestamp::as_microsecond))
            .bind(filter.synced_before.map(Timestamp::as_microsecond))
            .bind(page.after.as_ref().map(|place| place.key))
            .bind(page.after.as_ref().map(|place| &place.id))
            .bind(page.most)
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)?;
        rows.iter().map(known).collect()
    }

    async fn forget_gone_meetings(&self, end: Timestamp) -> Result<u64, StoreError> {
        let done =
            sqlx::query("-- forget_gone_meetings\nDELETE FROM meetings WHERE gone <> 0 AND synced_at < ?")
                .bind(end.as_microsecond())
                .execute(&self.writer)
                .await
                .map_err(unavailable)?;
        Ok(done.rows_affected())
    }
}
