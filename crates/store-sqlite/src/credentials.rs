//! Connected accounts: grants change hands under a lease, and only from the generation they started from.

use async_trait::async_trait;
use model::{
    CredentialId, CredentialKind, CredentialStatus, DisconnectCause, MeetingSyncStatus, ReauthCause,
    Timestamp, WorkspaceId, ZoomOauthAppId,
};
use sqlx::{AssertSqlSafe, SqliteConnection, sqlite::SqliteRow};
use store::{
    Credential, CredentialFilter, Credentials, Due, Grant, LONGEST_REST, Lease, Note, Page, RefreshLease,
    StoreError, Subject, Trouble,
};

use crate::{
    SqliteStore, apps, exists, log, meetings,
    page::{by, comparison},
    parked,
    row::{Reader, bytes, json},
    unavailable,
};

fn credential(row: &SqliteRow) -> Result<Credential, StoreError> {
    let row = Reader { table: "credentials", row };
    Ok(Credential {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        app: row.parsed("app")?,
        kind: row.parsed("kind")?,
        zoom_user_id: row.text("zoom_user_id")?,
        zoom_account_id: row.text("zoom_account_id")?,
        display_name: row.text("display_name")?,
        callback_url: row.optional_sealed("callback_url")?,
        status: row.parsed("status")?,
        status_since: row.time("status_since")?,
        trouble: row.code("trouble")?,
        failures: row.count("failures")?,
        retry_at: row.optional_time("retry_at")?,
        refresh_at: row.optional_time("refresh_at")?,
        used_at: row.optional_time("used_at")?,
        epoch: row.number("epoch")?,
        generation: row.number("generation")?,
        grant: Grant {
            access_token: row.unless_empty("access_token")?,
            access_expires_at: row.time("access_expires_at")?,
            refresh_token: row.unless_empty("refresh_token")?,
            scopes: row.json("scopes")?,
            api_url: row.optional_text("api_url")?,
        },
        spent_at: row.optional_time("spent_at")?,
        meeting_sync: row.parsed("meeting_sync")?,
        created_at: row.time("created_at")?,
        granted_at: row.time("granted_at")?,
    })
}

/// Inserts an account, or replaces the grant of the row with the same id.
pub(crate) async fn connect(
    db: &mut SqliteConnection,
    credential: &Credential,
    note: &Note,
) -> Result<(), StoreError> {
    let healthy = CredentialStatus::Healthy;
    sqlx::query(
        "-- connect_credential\n\
         INSERT INTO credentials (id, workspace, app, kind, zoom_user_id, zoom_account_id, display_name,\n\
             callback_url, status, status_since, refresh_at, used_at, epoch, generation, access_token,\n\
             access_expires_at, refresh_token, scopes, api_url, created_at, granted_at, consented_at, sync_due_at)\n\
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?, ?, ?, ?, ?, ?, ?19, ?19)\n\
         ON CONFLICT (id) DO UPDATE SET\n\
             kind = excluded.kind, zoom_account_id = excluded.zoom_account_id,\n\
             display_name = excluded.display_name, callback_url = excluded.callback_url,\n\
             status_since = CASE WHEN status = excluded.status THEN status_since ELSE excluded.status_since END,\n\
             status = excluded.status, trouble = NULL, failures = 0, retry_at = NULL,\n\
             refresh_at = excluded.refresh_at, used_at = excluded.used_at,\n\
             epoch = epoch + 1, generation = generation + 1,\n\
             access_token = excluded.access_token, access_expires_at = excluded.access_expires_at,\n\
             refresh_token = excluded.refresh_token, scopes = excluded.scopes, api_url = excluded.api_url,\n\
             granted_at = excluded.granted_at, consented_at = excluded.consented_at,\n\
             spent_at = NULL, lease_token = NULL, lease_expires_at = NULL,\n\
             meeting_sync = excluded.meeting_sync, sync_due_at = excluded.sync_due_at, sync_failures = 0,\n\
             sync_lease_token = NULL, sync_lease_expires_at = NULL",
    )
    .bind(credential.id.to_string())
    .bind(credential.workspace.to_string())
    .bind(credential.app.to_string())
    .bind(credential.kind.as_str())
    .bind(&credential.zoom_user_id)
    .bind(&credential.zoom_account_id)
    .bind(&credential.display_name)
    .bind(credential.callback_url.as_ref().map(|url| url.0.as_slice()))
    .bind(healthy.as_str())
    .bind(credential.status_since.as_microsecond())
    .bind(credential.refresh_at.map(Timestamp::as_microsecond))
    .bind(credential.used_at.map(Timestamp::as_microsecond))
    .bind(bytes(credential.grant.access_token.as_ref()))
    .bind(credential.grant.access_expires_at.as_microsecond())
    .bind(bytes(credential.grant.refresh_token.as_ref()))
    .bind(json(&credential.grant.scopes))
    .bind(&credential.grant.api_url)
    .bind(credential.created_at.as_microsecond())
    .bind(credential.granted_at.as_microsecond())
    .execute(&mut *db)
    .await
    .map_err(exists("an account of this Zoom user on this app"))?;
    let Credential { workspace, app, id, .. } = *credential;
    // Asked last: whoever removes the app waits for this account, or has been waited for.
    if !apps::is_there(db, app).await? {
        return Err(StoreError::Gone("the app"));
    }
    parked::supersede(db, app, &credential.zoom_user_id).await?;
    log::write(db, workspace, app, Subject::Credential(id), Some(healthy), note).await
}

/// An account as a change finds it.
struct Before {
    workspace: WorkspaceId,
    app: ZoomOauthAppId,
    status: CredentialStatus,
}

impl Before {
    fn of(row: &SqliteRow) -> Result<Self, StoreError> {
        let row = Reader { table: "credentials", row };
        Ok(Self {
            workspace: row.parsed("workspace")?,
            app: row.parsed("app")?,
            status: row.parsed("status")?,
        })
    }

    /// Writes the note if the account has come into another state.
    async fn became(
        &self,
        db: &mut SqliteConnection,
        id: CredentialId,
        status: CredentialStatus,
        note: &Note,
    ) -> Result<(), StoreError> {
        if self.status == status {
            return Ok(());
        }
        log::write(db, self.workspace, self.app, Subject::Credential(id), Some(status), note).await
    }
}

/// Erases an account's tokens and leaves a tombstone.
pub(crate) async fn disconnect(
    db: &mut SqliteConnection,
    workspace: WorkspaceId,
    id: CredentialId,
    cause: DisconnectCause,
    note: &Note,
) -> Result<bool, StoreError> {
    let gone = CredentialStatus::Disconnected(cause);
    let row = sqlx::query(
        "-- disconnect_credential: read\n\
         SELECT workspace, app, status FROM credentials WHERE id = ? AND workspace = ?",
    )
    .bind(id.to_string())
    .bind(workspace.to_string())
    .fetch_optional(&mut *db)
    .await
    .map_err(unavailable)?;
    let Some(row) = row else { return Ok(false) };
    let before = Before::of(&row)?;
    let asked = DisconnectCause::Asked;
    if matches!(before.status, CredentialStatus::Disconnected(known) if known == asked || cause != asked) {
        return Ok(false);
    }
    sqlx::query(
        "-- disconnect_credential: write\n\
         UPDATE credentials SET status = ?1, status_since = ?2, trouble = NULL, failures = 0, retry_at = NULL,\n\
             refresh_at = NULL, epoch = epoch + 1, generation = generation + 1,\n\
             access_token = x'', access_expires_at = ?2, refresh_token = x'', callback_url = NULL, scopes = '[]',\n\
             spent_at = NULL, lease_token = NULL, lease_expires_at = NULL, meeting_sync = 'not_started',\n\
             sync_due_at = NULL, sync_failures = 0, sync_lease_token = NULL, sync_lease_expires_at = NULL\n\
         WHERE id = ?3",
    )
    .bind(gone.as_str())
    .bind(note.at.as_microsecond())
    .bind(id.to_string())
    .execute(&mut *db)
    .await
    .map_err(unavailable)?;
    meetings::forget(db, id).await?;
    before.became(db, id, gone, note).await?;
    Ok(true)
}

#[async_trait]
impl Credentials for SqliteStore {
    async fn connect_credential(&self, credential: &Credential, note: &Note) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        connect(&mut tx, credential, note).await?;
        tx.commit().await.map_err(unavailable)
    }

    async fn credential(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
    ) -> Result<Option<Credential>, StoreError> {
        let row = sqlx::query("-- credential\nSELECT * FROM credentials WHERE id = ? AND workspace = ?")
            .bind(id.to_string())
            .bind(workspace.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(unavailable)?;
        row.as_ref().map(credential).transpose()
    }

    async fn credential_of(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        zoom_user_id: &str,
    ) -> Result<Option<Credential>, StoreError> {
        let row = sqlx::query(
            "-- credential_of\nSELECT * FROM credentials WHERE app = ? AND zoom_user_id = ? AND workspace = ?",
        )
        .bind(app.to_string())
        .bind(zoom_user_id)
        .bind(workspace.to_string())
        .fetch_optional(&self.readers)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(credential).transpose()
    }

    async fn credentials(&self, workspace: WorkspaceId) -> Result<Vec<Credential>, StoreError> {
        let rows = sqlx::query(
            "-- credentials\nSELECT * FROM credentials WHERE workspace = ? ORDER BY created_at DESC, id DESC",
        )
        .bind(workspace.to_string())
        .fetch_all(&self.readers)
        .await
        .map_err(unavailable)?;
        rows.iter().map(credential).collect()
    }

    async fn list_credentials(
        &self,
        workspace: WorkspaceId,
        filter: &CredentialFilter,
        page: &Page,
    ) -> Result<Vec<Credential>, StoreError> {
        let sql = format!(
            "-- list_credentials\n\
             SELECT * FROM credentials\n\
             WHERE workspace = ?1 AND (?2 IS NULL OR app = ?2)\n\
                 AND (?3 IS NULL OR zoom_user_id = ?3) AND (?4 IS NULL OR zoom_account_id = ?4)\n\
                 AND (?5 OR status IN (SELECT value FROM json_each(?6)))\n\
                 AND (?7 IS NULL OR meeting_sync = ?7)\n\
                 AND (?8 IS NULL OR created_at > ?8) AND (?9 IS NULL OR created_at < ?9)\n\
                 AND (?10 IS NULL OR (created_at, id) {} (?10, ?11))\n\
             ORDER BY {} LIMIT ?12",
            comparison(page.order),
            by("created_at", "id", page.order),
        );
        let statuses: Vec<_> = filter.statuses.iter().map(|status| status.as_str()).collect();
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(workspace.to_string())
            .bind(filter.app.map(|id| id.to_string()))
            .bind(&filter.zoom_user_id)
            .bind(&filter.zoom_account_id)
            .bind(statuses.is_empty())
            .bind(json(&statuses))
            .bind(filter.meeting_sync.map(MeetingSyncStatus::as_str))
            .bind(filter.created_after.map(Timestamp::as_microsecond))
            .bind(filter.created_before.map(Timestamp::as_microsecond))
            .bind(page.after.as_ref().map(|place| place.key))
            .bind(page.after.as_ref().map(|place| &place.id))
            .bind(page.most)
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)?;
        rows.iter().map(credential).collect()
    }

    async fn lease_refresh(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<RefreshLease, StoreError> {
        let mut tx = self.write().await?;
        let row =
            sqlx::query("-- lease_refresh: read\nSELECT * FROM credentials WHERE id = ? AND workspace = ?")
                .bind(id.to_string())
                .bind(workspace.to_string())
                .fetch_optional(&mut *tx)
                .await
                .map_err(unavailable)?;
        let Some(row) = row else { return Ok(RefreshLease::Unusable) };
        let before = credential(&row)?;
        if before.generation != generation {
            return Ok(RefreshLease::Moved);
        }
        if !before.status.is_usable() {
            return Ok(RefreshLease::Unusable);
        }
        let held_until = Reader { table: "credentials", row: &row }.optional_time("lease_expires_at")?;
        if let Some(until) = held_until.filter(|until| until.holds(lease.expires_at.since(now), now)) {
            return Ok(RefreshLease::Held { until });
        }
        sqlx::query(
            "-- lease_refresh: claim\n\
             UPDATE credentials SET lease_token = ?, lease_expires_at = ?, spent_at = coalesce(spent_at, ?)\n\
             WHERE id = ?",
        )
        .bind(lease.token.to_string())
        .bind(lease.expires_at.as_microsecond())
        .bind((before.kind == CredentialKind::UserOauth).then(|| now.as_microsecond()))
        .bind(id.to_string())
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        Ok(RefreshLease::Taken(Box::new(before)))
    }

    async fn commit_refresh(
        &self,
        id: CredentialId,
        generation: i64,
        grant: &Grant,
        refresh_at: Option<Timestamp>,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let healthy = CredentialStatus::Healthy;
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "-- commit_refresh: read\n\
             SELECT workspace, app, status FROM credentials WHERE id = ? AND generation = ?",
        )
        .bind(id.to_string())
        .bind(generation)
        .fetch_optional(&mut *tx)
        .await
        .map_err(unavailable)?;
        let Some(row) = row else { return Ok(false) };
        sqlx::query(
            "-- commit_refresh: write\n\
             UPDATE credentials SET\n\
                 status_since = CASE WHEN status = ?1 THEN status_since ELSE ?2 END,\n\
                 status = ?1, trouble = NULL, failures = 0, retry_at = NULL, refresh_at = ?3, generation = generation + 1,\n\
                 access_token = ?4, access_expires_at = ?5, refresh_token = ?6, scopes = ?7, api_url = ?8,\n\
                 granted_at = ?2, spent_at = NULL, lease_token = NULL, lease_expires_at = NULL\n\
             WHERE id = ?9",
        )
        .bind(healthy.as_str())
        .bind(note.at.as_microsecond())
        .bind(refresh_at.map(Timestamp::as_microsecond))
        .bind(bytes(grant.access_token.as_ref()))
        .bind(grant.access_expires_at.as_microsecond())
        .bind(bytes(grant.refresh_token.as_ref()))
        .bind(json(&grant.scopes))
        .bind(&grant.api_url)
        .bind(id.to_string())
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        Before::of(&row)?.became(&mut tx, id, healthy, note).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(true)
    }

    async fn release_refresh(
        &self,
        id: CredentialId,
        lease: &Lease,
        unspent: bool,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- release_refresh\n\
             UPDATE credentials SET lease_token = NULL, lease_expires_at = NULL,\n\
                 spent_at = CASE WHEN ? THEN NULL ELSE spent_at END\n\
             WHERE id = ? AND lease_token = ?",
        )
        .bind(unspent)
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn trouble_refresh(
        &self,
        id: CredentialId,
        lease: &Lease,
        trouble: &Trouble,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let degraded = CredentialStatus::Degraded;
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "-- trouble_refresh: read\n\
             SELECT workspace, app, status FROM credentials WHERE id = ? AND lease_token = ?",
        )
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unavailable)?;
        let Some(row) = row else { return Ok(false) };
        sqlx::query(
            "-- trouble_refresh: write\n\
             UPDATE credentials SET\n\
                 status_since = CASE WHEN status = ?1 THEN status_since ELSE ?2 END,\n\
                 status = ?1, trouble = ?3, failures = failures + 1, retry_at = ?4, refresh_at = ?4,\n\
                 spent_at = CASE WHEN ?5 THEN NULL ELSE spent_at END, lease_token = NULL, lease_expires_at = NULL\n\
             WHERE id = ?6",
        )
        .bind(degraded.as_str())
        .bind(note.at.as_microsecond())
        .bind(trouble.code.as_str())
        .bind(trouble.retry_at.as_microsecond())
        .bind(trouble.unspent)
        .bind(id.to_string())
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        Before::of(&row)?.became(&mut tx, id, degraded, note).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(true)
    }

    async fn lose_grant(
        &self,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        cause: ReauthCause,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let lost = CredentialStatus::NeedsReauth(cause);
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "-- lose_grant: read\n\
             SELECT workspace, app, status FROM credentials WHERE id = ? AND generation = ? AND lease_token = ?",
        )
        .bind(id.to_string())
        .bind(generation)
        .bind(lease.token.to_string())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unavailable)?;
        let Some(row) = row else { return Ok(false) };
        sqlx::query(
            "-- lose_grant: write\n\
             UPDATE credentials SET status = ?, status_since = ?, refresh_at = NULL, epoch = epoch + 1,\n\
                 lease_token = NULL, lease_expires_at = NULL\n\
             WHERE id = ?",
        )
        .bind(lost.as_str())
        .bind(note.at.as_microsecond())
        .bind(id.to_string())
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        Before::of(&row)?.became(&mut tx, id, lost, note).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(true)
    }

    async fn disconnect_credential(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        cause: DisconnectCause,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let done = disconnect(&mut tx, workspace, id, cause, note).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(done)
    }

    async fn touch_credential(
        &self,
        id: CredentialId,
        now: Timestamp,
        refresh_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "-- touch_credential\n\
             UPDATE credentials SET used_at = max(coalesce(used_at, ?1), ?1), refresh_at = min(refresh_at, coalesce(?2, refresh_at))\n\
             WHERE id = ?3",
        )
        .bind(now.as_microsecond())
        .bind(refresh_at.map(Timestamp::as_microsecond))
        .bind(id.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn has_consent_of(&self, app: ZoomOauthAppId, consented_at: Timestamp) -> Result<bool, StoreError> {
        let found =
            sqlx::query("-- has_consent_of\nSELECT 1 FROM credentials WHERE app = ? AND consented_at = ?")
                .bind(app.to_string())
                .bind(consented_at.as_microsecond())
                .fetch_optional(&self.readers)
                .await
                .map_err(unavailable)?;
        Ok(found.is_some())
    }

    async fn void_tokens(&self, workspace: WorkspaceId, id: CredentialId) -> Result<(), StoreError> {
        sqlx::query(
            "-- void_tokens\nUPDATE credentials SET epoch = epoch + 1 WHERE id = ? AND workspace = ?",
        )
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn claim_due(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<Due>, StoreError> {
        let rows = sqlx::query(
            "-- claim_due\n\
             UPDATE credentials SET refresh_at = ?1 WHERE id IN (\n\
                 SELECT id FROM (SELECT id FROM credentials WHERE refresh_at <= ?2 ORDER BY refresh_at LIMIT ?3)\n\
                 UNION ALL SELECT id FROM (SELECT id FROM credentials WHERE refresh_at > ?4 LIMIT ?3) LIMIT ?3)\n\
             RETURNING workspace, id, app, generation",
        )
        .bind(until.as_microsecond())
        .bind(now.as_microsecond())
        .bind(limit)
        .bind((now + LONGEST_REST).as_microsecond())
        .fetch_all(&self.writer)
        .await
        .map_err(unavailable)?;
        rows.iter().map(due).collect()
    }
}

fn due(row: &SqliteRow) -> Result<Due, StoreError> {
    let row = Reader { table: "credentials", row };
    Ok(Due {
        workspace: row.parsed("workspace")?,
        credential: row.parsed("id")?,
        app: row.parsed("app")?,
        generation: row.number("generation")?,
    })
}
