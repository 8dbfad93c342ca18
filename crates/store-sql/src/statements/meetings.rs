//! Meetings of connected accounts.

use std::collections::HashSet;

use async_trait::async_trait;
use model::{CLOCK_TOLERANCE, CredentialId, MeetingNumber, MeetingSyncStatus, Timestamp, WorkspaceId};
use store::{
    DueSync, KnownMeeting, Lease, MAX_SYNC_PAUSE, Meeting, MeetingChange, MeetingFilter, MeetingKey,
    MeetingOwner, MeetingWebhookChange, Meetings, Page, PersonalRoom, StoreError, Subject, SyncOutcome,
};

use super::account_log;
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    page::{by, comparison},
    query::{MAX_ROWS, Value, list, query, values},
    row::Row,
};

/// Applies a webhook's change to the known meetings, in the transaction that records the event.
pub(crate) async fn tell(
    db: &mut Tx,
    workspace: WorkspaceId,
    news: &MeetingWebhookChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let told = Told { workspace, news, future: now + CLOCK_TOLERANCE };
    match &news.change {
        MeetingChange::Exists { number, host } => {
            told.move_host(db, *number, host).await?;
            told.put(db, *number, Some(host), "exists").await
        }
        MeetingChange::Gone { number, host } => {
            told.put(db, *number, host.as_deref(), "gone").await?;
            told.lose(db, "number = $2", number.as_i64()).await
        }
        MeetingChange::PersonalRoom { number, host } => {
            told.leave_room(db, host, *number).await?;
            told.put(db, *number, Some(host), "personal").await
        }
        MeetingChange::HostGone { host } => told.lose(db, "host = $2", host.as_str()).await,
        MeetingChange::Unclear { host } => told.hasten(db, host).await,
    }
}

/// The accounts that a change applies to: the host's own, and those that act for the host's Zoom account. $1
/// workspace · $2 host · $3 Zoom account
const HEARERS: &str = "workspace = $1 AND status NOT LIKE 'disconnected%'\n\
    AND (zoom_user_id = $2 OR (kind = 'server_to_server' AND zoom_account_id = $3))";

struct Told<'a> {
    workspace: WorkspaceId,
    news: &'a MeetingWebhookChange,
    /// Rows from later than this were written by a wrong clock.
    future: Timestamp,
}

impl Told<'_> {
    /// Records that a meeting exists or is gone, unless a row from a newer source is stored.
    async fn put(
        &self,
        db: &mut Tx,
        number: MeetingNumber,
        host: Option<&str>,
        what: &'static str,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "-- tell_meetings: put\n\
             INSERT INTO meetings AS old (credential, number, workspace, host, personal, gone, synced_at)\n\
             SELECT id, $4, $1, coalesce($2, ''), CASE WHEN $6 = 'personal' THEN 1 ELSE 0 END,\n\
                 CASE WHEN $6 = 'gone' THEN 1 ELSE 0 END, $5 FROM credentials WHERE {HEARERS}\n\
             ON CONFLICT (credential, number) DO UPDATE SET\n\
                 host = CASE WHEN excluded.host = '' THEN old.host ELSE excluded.host END,\n\
                 personal = greatest(old.personal, excluded.personal), gone = excluded.gone,\n\
                 synced_at = excluded.synced_at\n\
             WHERE old.synced_at <= excluded.synced_at OR old.synced_at > $7"
        );
        query(sql)
            .with(values![
                self.workspace,
                host,
                &self.news.zoom_account_id,
                number.as_i64(),
                self.news.as_of,
                what,
                self.future
            ])
            .execute(db)
            .await?;
        Ok(())
    }

    /// Marks meetings as gone, for all accounts of the workspace.
    async fn lose(
        &self,
        db: &mut Tx,
        which: &'static str,
        value: impl Into<Value>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "-- tell_meetings: lose\n\
             UPDATE meetings SET gone = 1, synced_at = $3\n\
             WHERE workspace = $1 AND {which} AND (synced_at <= $3 OR synced_at > $4)"
        );
        query(sql).with(values![self.workspace, value, self.news.as_of, self.future]).execute(db).await?;
        Ok(())
    }

    /// Corrects the host for accounts that know the meeting under another host.
    async fn move_host(&self, db: &mut Tx, number: MeetingNumber, host: &str) -> Result<(), StoreError> {
        query(
            "-- tell_meetings: move host\n\
             UPDATE meetings SET host = $3, synced_at = $4\n\
             WHERE workspace = $1 AND number = $2 AND host <> $3 AND (synced_at <= $4 OR synced_at > $5)",
        )
        .with(values![self.workspace, number.as_i64(), host, self.news.as_of, self.future])
        .execute(db)
        .await?;
        Ok(())
    }

    /// Removes the former number of the host's personal room.
    async fn leave_room(&self, db: &mut Tx, host: &str, number: MeetingNumber) -> Result<(), StoreError> {
        query(
            "-- tell_meetings: leave room\n\
             UPDATE meetings SET gone = 1, synced_at = $4\n\
             WHERE workspace = $1 AND host = $2 AND personal <> 0 AND number <> $3\n\
                 AND (synced_at <= $4 OR synced_at > $5)",
        )
        .with(values![self.workspace, host, number.as_i64(), self.news.as_of, self.future])
        .execute(db)
        .await?;
        Ok(())
    }

    async fn hasten(&self, db: &mut Tx, host: &str) -> Result<(), StoreError> {
        let sql = format!(
            "-- tell_meetings: hasten\n\
             UPDATE credentials SET sync_due_at = least(coalesce(sync_due_at, $4), $4) WHERE {HEARERS}"
        );
        query(sql)
            .with(values![self.workspace, host, &self.news.zoom_account_id, self.news.as_of])
            .execute(db)
            .await?;
        Ok(())
    }
}

/// Deletes an account's meetings, in the transaction that disconnects it.
pub(crate) async fn forget(db: &mut Tx, id: CredentialId) -> Result<(), StoreError> {
    query("-- forget_meetings\nDELETE FROM meetings WHERE credential = $1").bind(id).execute(db).await?;
    Ok(())
}

fn due(row: &Row) -> Result<DueSync, StoreError> {
    let row = row.of("credentials");
    Ok(DueSync {
        workspace: row.parsed("workspace")?,
        credential: row.parsed("id")?,
        failures: row.count("sync_failures")?,
        due_at: row.time("sync_due_at")?,
    })
}

fn known(row: &Row) -> Result<KnownMeeting, StoreError> {
    let row = row.of("meetings");
    Ok(KnownMeeting {
        number: row.meeting("number")?,
        credential: row.parsed("credential")?,
        synced_at: row.time("synced_at")?,
    })
}

/// Meetings with the accounts that may act for their hosts. $1 workspace
const OWNERS: &str = "SELECT m.number, m.credential, m.host, c.kind\n\
    FROM meetings m JOIN credentials c ON c.id = m.credential\n\
    WHERE m.workspace = $1 AND m.gone = 0 AND c.status IN ('healthy', 'degraded')\n\
    AND m.host <> '' AND (c.kind = 'server_to_server' OR c.zoom_user_id = m.host)";

/// Sorts the host's own account before one that acts for the host.
const BEST_FIRST: &str =
    "ORDER BY c.kind = 'server_to_server', c.status <> 'healthy', m.synced_at DESC, m.credential";

fn owned(row: &Row) -> Result<PersonalRoom, StoreError> {
    let row = row.of("meetings");
    let owner = MeetingOwner {
        credential: row.parsed("credential")?,
        kind: row.parsed("kind")?,
        host: row.text("host")?,
    };
    Ok(PersonalRoom { number: row.meeting("number")?, owner })
}

#[async_trait]
impl Meetings for SqlStore {
    async fn request_meeting_sync(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = query(
            "-- want_meeting_sync\n\
             UPDATE credentials SET sync_due_at = $1, meeting_sync = $2\n\
             WHERE id = $3 AND workspace = $4 AND status IN ('healthy', 'degraded')",
        )
        .with(values![now, MeetingSyncStatus::InProgress.as_str(), id, workspace])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn claim_meeting_syncs(
        &self,
        lease: &Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueSync>, StoreError> {
        let body = |mut tx: Tx| async move {
            // An account with an impossibly late lease was due when the lease was taken.
            let found = query(
                "-- claim_meeting_syncs: find\n\
                 SELECT workspace, id, sync_failures, sync_due_at FROM credentials\n\
                 WHERE status IN ('healthy', 'degraded')\n\
                     AND ((sync_due_at <= $1 OR sync_due_at > $2)\n\
                             AND (sync_lease_expires_at IS NULL OR sync_lease_expires_at <= $1)\n\
                         OR sync_due_at IS NOT NULL AND sync_lease_expires_at > $3)\n\
                 ORDER BY sync_due_at, id LIMIT $4\n\
                 FOR UPDATE SKIP LOCKED",
            )
            .with(values![
                now,
                now + MAX_SYNC_PAUSE + CLOCK_TOLERANCE,
                lease.expires_at + CLOCK_TOLERANCE,
                limit
            ])
            .all(&mut tx, due)
            .await?;
            if !found.is_empty() {
                query(
                    "-- claim_meeting_syncs\n\
                     UPDATE credentials SET meeting_sync = $1, sync_due_at = $2, sync_lease_expires_at = $2,\n\
                         sync_lease_token = $3 WHERE id = ANY($4)",
                )
                .with(values![MeetingSyncStatus::InProgress.as_str(), lease.expires_at, lease.token])
                .bind(list(found.iter().map(|due| due.credential)))
                .execute(&mut tx)
                .await?;
                tx.commit().await?;
            }
            Ok(found)
        };
        self.transaction("claim_meeting_syncs", Isolation::ReadCommitted, body).await
    }

    async fn put_meetings(
        &self,
        id: CredentialId,
        lease: &Lease,
        meetings: &[Meeting],
        since: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            let row = query(
                "-- put_meetings: hold\n\
                 UPDATE credentials SET sync_lease_expires_at = $1,\n\
                     sync_due_at = CASE WHEN sync_due_at = sync_lease_expires_at THEN $1 ELSE sync_due_at END\n\
                 WHERE id = $2 AND sync_lease_token = $3 RETURNING workspace",
            )
            .with(values![until, id, lease.token])
            .fetch_optional(&mut tx)
            .await?;
            let Some(row) = row else { return Ok(false) };
            let workspace = row.of("credentials").text("workspace")?;
            // The meetings are sorted, so that two transactions with the same meetings can't deadlock.
            let mut sorted: Vec<&Meeting> = meetings.iter().collect();
            sorted.sort_unstable_by_key(|meeting| meeting.number.as_i64());
            for some in sorted.chunks(MAX_ROWS) {
                let mut query = query(
                    "-- put_meetings: put\n\
                     INSERT INTO meetings AS old (credential, workspace, synced_at, gone, number, host, personal,\n\
                         personal_name)",
                );
                query.push_rows(some, |row, meeting| {
                    row.push_bind(id)
                        .push(", ")
                        .push_bind(&workspace)
                        .push(", ")
                        .push_bind(since)
                        .push(", 0, ");
                    row.push_bind(meeting.number.as_i64()).push(", ").push_bind(&meeting.host).push(", ");
                    row.push_bind(i64::from(meeting.personal)).push(", ").push_bind(&meeting.personal_name);
                });
                query.push(
                    " ON CONFLICT (credential, number) DO UPDATE SET host = excluded.host, personal = excluded.personal,\n\
                         personal_name = excluded.personal_name, gone = 0, synced_at = excluded.synced_at\n\
                     WHERE old.synced_at < excluded.synced_at OR old.synced_at > ",
                );
                query.push_bind(until);
                query.execute(&mut tx).await?;
            }
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("put_meetings", Isolation::ReadCommitted, body).await
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
        let body = |mut tx: Tx| async move {
            let row = query(
                "-- finish_meeting_sync\n\
                 UPDATE credentials SET meeting_sync = $1,\n\
                     sync_failures = CASE WHEN $1 = 'failed' THEN sync_failures + 1 ELSE 0 END,\n\
                     sync_due_at = CASE WHEN sync_due_at = sync_lease_expires_at THEN $2 ELSE least(coalesce(sync_due_at, $2), $2) END,\n\
                     sync_lease_token = NULL, sync_lease_expires_at = NULL\n\
                 WHERE id = $3 AND sync_lease_token = $4 RETURNING workspace, app",
            )
            .with(values![status.as_str(), next, id, lease.token])
            .fetch_optional(&mut tx)
            .await?;
            let Some(row) = row else { return Ok(false) };
            match outcome {
                SyncOutcome::Completed { since, now } => {
                    query(
                        "-- finish_meeting_sync: gone\n\
                         DELETE FROM meetings WHERE credential = $1 AND (synced_at < $2 OR synced_at > $3)",
                    )
                    .with(values![id, since, now + CLOCK_TOLERANCE])
                    .execute(&mut tx)
                    .await?;
                }
                SyncOutcome::Failed { note: Some(note) } => {
                    let row = row.of("credentials");
                    let (workspace, app) = (row.parsed("workspace")?, row.parsed("app")?);
                    account_log::write(&mut tx, workspace, app, Subject::Credential(id), None, note).await?;
                }
                SyncOutcome::NotBegun | SyncOutcome::Failed { note: None } => {}
            }
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("finish_meeting_sync", Isolation::ReadCommitted, body).await
    }

    async fn meeting_owner(
        &self,
        workspace: WorkspaceId,
        number: MeetingNumber,
    ) -> Result<Option<MeetingOwner>, StoreError> {
        let sql = format!("-- meeting_owner\n{OWNERS} AND m.number = $2 {BEST_FIRST} LIMIT 1");
        let room = query(sql).with(values![workspace, number.as_i64()]).one(&self.readers, owned).await?;
        Ok(room.map(|room| room.owner))
    }

    async fn personal_rooms(
        &self,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<Vec<PersonalRoom>, StoreError> {
        let sql = format!("-- personal_rooms\n{OWNERS} AND m.personal_name = $2 {BEST_FIRST}");
        let mut rooms = query(sql).with(values![workspace, name]).all(&self.readers, owned).await?;
        let mut seen = HashSet::new();
        rooms.retain(|room| seen.insert(room.number));
        Ok(rooms)
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
             WHERE workspace = $1 AND gone = 0\n\
                 AND ($2 IS NULL OR credential = $2) AND ($3 IS NULL OR number = $3)\n\
                 AND ($4 IS NULL OR synced_at > $4) AND ($5 IS NULL OR synced_at < $5)\n\
                 AND ($6 IS NULL OR ({key}, {id}) {} ($6, $7))\n\
             ORDER BY {} LIMIT $8",
            comparison(page.order),
            by(key, id, page.order),
        );
        query(sql)
            .with(values![
                workspace,
                filter.credential,
                filter.number.map(MeetingNumber::as_i64),
                filter.synced_after,
                filter.synced_before,
                page.after.as_ref().map(|place| place.key),
                page.after.as_ref().map(|place| &place.id),
                page.most
            ])
            .all(&self.readers, known)
            .await
    }

    async fn forget_gone_meetings(&self, end: Timestamp) -> Result<u64, StoreError> {
        query("-- forget_gone_meetings\nDELETE FROM meetings WHERE gone <> 0 AND synced_at < $1")
            .bind(end)
            .execute(&self.writer)
            .await
    }
}
