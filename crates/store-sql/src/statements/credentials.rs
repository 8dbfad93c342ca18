//! Connected accounts: grants are replaced under a lease, and only from the generation that the writer
//! started from.

use async_trait::async_trait;
use model::{
    CLOCK_TOLERANCE, Code, CredentialId, CredentialKind, CredentialStatus, DisconnectCause,
    MeetingSyncStatus, ReauthCause, Timestamp, WorkspaceId, ZoomOauthAppId,
};
use store::{
    Credential, CredentialFilter, Credentials, Due, Grant, Lease, MAX_REFRESH_INTERVAL, Note, Page,
    RefreshFailure, RefreshLease, StoreError, Subject,
};

use super::{account_log, events, meetings, overview, parked_consents, zoom_oauth_apps};
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    error::exists,
    page::{by, comparison, containing},
    query::{NO_BYTES, Value, insert, json, list, query, values},
    row::{Row, bytes},
};

const COLUMNS: &str = "id, workspace, app, kind, zoom_user_id, zoom_account_id, display_name, email, callback_url, status, status_since,\n\
             trouble, failures, retry_at, refresh_at, used_at, epoch, generation, access_token, access_expires_at, refresh_token,\n\
             scopes, api_url, spent_at, lease_expires_at, meeting_sync, created_at, granted_at";

fn credential(row: &Row) -> Result<Credential, StoreError> {
    let row = row.of("credentials");
    Ok(Credential {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        app: row.parsed("app")?,
        kind: row.parsed("kind")?,
        zoom_user_id: row.text("zoom_user_id")?,
        zoom_account_id: row.text("zoom_account_id")?,
        display_name: row.text("display_name")?,
        email: row.optional_text("email")?,
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

/// An account that is connected again keeps its id and gets a new grant; the data of the old grant is dropped.
const NEW_GRANT: &str = "ON CONFLICT (id) DO UPDATE SET\n\
    kind = excluded.kind, zoom_account_id = excluded.zoom_account_id,\n\
    display_name = excluded.display_name, email = excluded.email, callback_url = excluded.callback_url,\n\
    status_since = CASE WHEN old.status = excluded.status THEN old.status_since ELSE excluded.status_since END,\n\
    status = excluded.status, trouble = NULL, failures = 0, retry_at = NULL,\n\
    refresh_at = excluded.refresh_at, used_at = excluded.used_at,\n\
    epoch = old.epoch + 1, generation = old.generation + 1,\n\
    access_token = excluded.access_token, access_expires_at = excluded.access_expires_at,\n\
    refresh_token = excluded.refresh_token, scopes = excluded.scopes, api_url = excluded.api_url,\n\
    granted_at = excluded.granted_at, consented_at = excluded.consented_at,\n\
    spent_at = NULL, lease_token = NULL, lease_expires_at = NULL,\n\
    meeting_sync = excluded.meeting_sync, sync_due_at = excluded.sync_due_at, sync_failures = 0,\n\
    sync_lease_token = NULL, sync_lease_expires_at = NULL";

/// A disconnected account without its tokens. `$1` is the status, `$2` the time, `$3` empty bytes.
const TOMBSTONE: &str = "status = $1, status_since = $2, trouble = NULL, failures = 0, retry_at = NULL,\n\
    refresh_at = NULL, epoch = epoch + 1, generation = generation + 1,\n\
    access_token = $3, access_expires_at = $2, refresh_token = $3, callback_url = NULL, scopes = '[]',\n\
    spent_at = NULL, lease_token = NULL, lease_expires_at = NULL, meeting_sync = 'not_started',\n\
    sync_due_at = NULL, sync_failures = 0, sync_lease_token = NULL, sync_lease_expires_at = NULL";

/// Inserts an account, or replaces the grant of the row with the same id.
pub(crate) async fn connect(db: &mut Tx, credential: &Credential, note: &Note) -> Result<(), StoreError> {
    let healthy = CredentialStatus::Healthy;
    let before: Option<String> =
        query("-- connect_credential: read\nSELECT status FROM credentials WHERE id = $1 FOR UPDATE")
            .bind(credential.id)
            .scalar(&mut *db)
            .await?;
    insert("-- connect_credential", "credentials AS old")
        .set("id", credential.id)
        .set("workspace", credential.workspace)
        .set("app", credential.app)
        .set("kind", credential.kind.as_str())
        .set("zoom_user_id", &credential.zoom_user_id)
        .set("zoom_account_id", &credential.zoom_account_id)
        .set("display_name", &credential.display_name)
        .set("email", &credential.email)
        .set("callback_url", credential.callback_url.as_ref().map(|url| url.0.as_slice()))
        .set("status", healthy.as_str())
        .set("status_since", credential.status_since)
        .set("refresh_at", credential.refresh_at)
        .set("used_at", credential.used_at)
        .set("epoch", 1_i64)
        .set("generation", 1_i64)
        .set("access_token", bytes(credential.grant.access_token.as_ref()))
        .set("access_expires_at", credential.grant.access_expires_at)
        .set("refresh_token", bytes(credential.grant.refresh_token.as_ref()))
        .set("scopes", json(&credential.grant.scopes))
        .set("api_url", &credential.grant.api_url)
        .set("created_at", credential.created_at)
        .set("granted_at", credential.granted_at)
        .set("consented_at", credential.granted_at)
        .set("sync_due_at", credential.granted_at)
        .then(NEW_GRANT)
        .execute(&mut *db)
        .await
        .map_err(exists("an account of this Zoom user on this app"))?;
    let Credential { workspace, app, id, .. } = *credential;
    // This is checked last: a transaction that removes the app waits for this account's lock, or this
    // transaction waited for it.
    if !zoom_oauth_apps::is_there(db, app).await? {
        return Err(StoreError::Gone("the app"));
    }
    parked_consents::supersede(db, app, &credential.zoom_user_id).await?;
    account_log::write(db, workspace, app, Subject::Credential(id), Some(healthy), note).await?;
    if before.as_deref() == Some(healthy.as_str()) {
        return Ok(());
    }
    events::of_account(db, workspace, id, healthy, note).await
}

/// An account before a change; its row is locked until the change is written.
struct Before {
    workspace: WorkspaceId,
    app: ZoomOauthAppId,
    status: CredentialStatus,
}

impl Before {
    /// Finds and locks the account `$1`, if `condition` holds for it.
    async fn find(
        db: &mut Tx,
        name: &'static str,
        id: CredentialId,
        condition: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<Self>, StoreError> {
        let mut query = query(format!(
            "{name}: read\nSELECT workspace, app, status FROM credentials WHERE id = $1 AND {condition} FOR UPDATE"
        ))
        .bind(id);
        for value in values {
            query = query.bind(value);
        }
        let Some(row) = query.fetch_optional(db).await? else { return Ok(None) };
        let row = row.of("credentials");
        let (workspace, app, status) = (row.parsed("workspace")?, row.parsed("app")?, row.parsed("status")?);
        Ok(Some(Self { workspace, app, status }))
    }

    /// Writes the note if the account's status changed.
    async fn became(
        &self,
        db: &mut Tx,
        id: CredentialId,
        status: CredentialStatus,
        note: &Note,
    ) -> Result<(), StoreError> {
        if self.status == status {
            return Ok(());
        }
        account_log::write(db, self.workspace, self.app, Subject::Credential(id), Some(status), note).await?;
        events::of_account(db, self.workspace, id, status, note).await
    }

    /// Counts a refresh that ended at this time.
    async fn refreshed(&self, db: &mut Tx, outcome: &str, at: Timestamp) -> Result<(), StoreError> {
        overview::count_refresh(db, self.workspace, outcome, at).await
    }
}

/// Erases an account's tokens and leaves a tombstone.
pub(crate) async fn disconnect(
    db: &mut Tx,
    workspace: WorkspaceId,
    id: CredentialId,
    cause: DisconnectCause,
    note: &Note,
) -> Result<bool, StoreError> {
    let gone = CredentialStatus::Disconnected(cause);
    let values = vec![workspace.into()];
    let before = Before::find(db, "-- disconnect_credential", id, "workspace = $2", values).await?;
    let Some(before) = before else { return Ok(false) };
    let asked = DisconnectCause::Asked;
    if matches!(before.status, CredentialStatus::Disconnected(known) if known == asked || cause != asked) {
        return Ok(false);
    }
    query(format!("-- disconnect_credential: write\nUPDATE credentials SET {TOMBSTONE} WHERE id = $4"))
        .with(values![gone.as_str(), note.at, NO_BYTES, id])
        .execute(&mut *db)
        .await?;
    meetings::forget(db, id).await?;
    before.became(db, id, gone, note).await?;
    Ok(true)
}

#[async_trait]
impl Credentials for SqlStore {
    async fn connect_credential(&self, credential: &Credential, note: &Note) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            connect(&mut tx, credential, note).await?;
            tx.commit().await
        };
        self.transaction("connect_credential", Isolation::ReadCommitted, body).await
    }

    async fn credential(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
    ) -> Result<Option<Credential>, StoreError> {
        query(format!("-- credential\nSELECT {COLUMNS} FROM credentials WHERE id = $1 AND workspace = $2"))
            .with(values![id, workspace])
            .one(&self.readers, credential)
            .await
    }

    async fn credential_of(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        zoom_user_id: &str,
    ) -> Result<Option<Credential>, StoreError> {
        query(format!(
            "-- credential_of\n\
             SELECT {COLUMNS} FROM credentials WHERE app = $1 AND zoom_user_id = $2 AND workspace = $3"
        ))
        .with(values![app, zoom_user_id, workspace])
        .one(&self.readers, credential)
        .await
    }

    async fn credentials(&self, workspace: WorkspaceId) -> Result<Vec<Credential>, StoreError> {
        query(format!(
            "-- credentials\n\
             SELECT {COLUMNS} FROM credentials WHERE workspace = $1 ORDER BY created_at DESC, id DESC"
        ))
        .bind(workspace)
        .all(&self.readers, credential)
        .await
    }

    async fn list_credentials(
        &self,
        workspace: WorkspaceId,
        filter: &CredentialFilter,
        page: &Page,
    ) -> Result<Vec<Credential>, StoreError> {
        let sql = format!(
            "-- list_credentials\n\
             SELECT {COLUMNS} FROM credentials\n\
             WHERE workspace = $1 AND ($2 IS NULL OR app = $2)\n\
                 AND ($3 IS NULL OR zoom_user_id = $3) AND ($4 IS NULL OR zoom_account_id = $4)\n\
                 AND ($5 OR status = ANY($6))\n\
                 AND ($7 IS NULL OR meeting_sync = $7)\n\
                 AND ($8 IS NULL OR created_at > $8) AND ($9 IS NULL OR created_at < $9)\n\
                 AND ($10 IS NULL OR (created_at, id) {} ($10, $11))\n\
                 AND ($13 IS NULL OR lower(display_name || ' ' || coalesce(email, '')) LIKE $13 ESCAPE '\\'\n\
                      OR display_name LIKE $14 ESCAPE '\\')\n\
             ORDER BY {} LIMIT $12",
            comparison(page.order),
            by("created_at", "id", page.order),
        );
        // The text is compared as it is and in lower case, because one database lowers only ASCII letters.
        let named = filter.named.as_deref().map(containing);
        let lowered = filter.named.as_deref().map(|text| containing(&text.to_lowercase()));
        query(sql)
            .with(values![
                workspace,
                filter.app,
                &filter.zoom_user_id,
                &filter.zoom_account_id,
                filter.statuses.is_empty(),
                list(filter.statuses.iter().map(|status| status.as_str())),
                filter.meeting_sync.map(MeetingSyncStatus::as_str),
                filter.created_after,
                filter.created_before,
                page.after.as_ref().map(|place| place.key),
                page.after.as_ref().map(|place| &place.id),
                page.most,
                lowered,
                named
            ])
            .all(&self.readers, credential)
            .await
    }

    async fn lease_refresh(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<RefreshLease, StoreError> {
        // The row is locked from the first read on: a second caller waits here and then sees the first one's lease.
        let body = |mut tx: Tx| async move {
            let row = query(format!(
                "-- lease_refresh: read\n\
                 SELECT {COLUMNS} FROM credentials WHERE id = $1 AND workspace = $2 FOR UPDATE"
            ))
            .with(values![id, workspace])
            .fetch_optional(&mut tx)
            .await?;
            let Some(row) = row else { return Ok(RefreshLease::Unusable) };
            let before = credential(&row)?;
            if before.generation != generation {
                return Ok(RefreshLease::Moved);
            }
            if !before.status.is_usable() {
                return Ok(RefreshLease::Unusable);
            }
            let held_until = row.of("credentials").optional_time("lease_expires_at")?;
            if let Some(until) = held_until.filter(|until| until.holds(lease.expires_at.since(now), now)) {
                return Ok(RefreshLease::Held { until });
            }
            query(
                "-- lease_refresh: claim\n\
                 UPDATE credentials SET lease_token = $1, lease_expires_at = $2, spent_at = coalesce(spent_at, $3)\n\
                 WHERE id = $4",
            )
            .with(values![lease.token, lease.expires_at, (before.kind == CredentialKind::UserOauth).then_some(now), id])
            .execute(&mut tx)
            .await?;
            tx.commit().await?;
            Ok(RefreshLease::Taken(Box::new(before)))
        };
        self.transaction("lease_refresh", Isolation::ReadCommitted, body).await
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
        let body = |mut tx: Tx| async move {
            let values = vec![generation.into()];
            let before = Before::find(&mut tx, "-- commit_refresh", id, "generation = $2", values).await?;
            let Some(before) = before else { return Ok(false) };
            query(
                "-- commit_refresh: write\n\
                 UPDATE credentials SET\n\
                     status_since = CASE WHEN status = $1 THEN status_since ELSE $2 END,\n\
                     status = $1, trouble = NULL, failures = 0, retry_at = NULL, refresh_at = $3,\n\
                     generation = generation + 1, access_token = $4, access_expires_at = $5, refresh_token = $6,\n\
                     scopes = $7, api_url = $8, granted_at = $2, spent_at = NULL, lease_token = NULL,\n\
                     lease_expires_at = NULL\n\
                 WHERE id = $9",
            )
            .with(values![healthy.as_str(), note.at, refresh_at])
            .with(values![bytes(grant.access_token.as_ref()), grant.access_expires_at])
            .with(values![bytes(grant.refresh_token.as_ref()), json(&grant.scopes), &grant.api_url, id])
            .execute(&mut tx)
            .await?;
            before.refreshed(&mut tx, overview::REFRESHED, note.at).await?;
            before.became(&mut tx, id, healthy, note).await?;
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("commit_refresh", Isolation::ReadCommitted, body).await
    }

    async fn release_refresh(
        &self,
        id: CredentialId,
        lease: &Lease,
        unspent: bool,
    ) -> Result<bool, StoreError> {
        let done = query(
            "-- release_refresh\n\
             UPDATE credentials SET lease_token = NULL, lease_expires_at = NULL,\n\
                 spent_at = CASE WHEN $1 THEN NULL ELSE spent_at END\n\
             WHERE id = $2 AND lease_token = $3",
        )
        .with(values![unspent, id, lease.token])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn record_refresh_failure(
        &self,
        id: CredentialId,
        lease: &Lease,
        trouble: &RefreshFailure,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let degraded = CredentialStatus::Degraded;
        let body = |mut tx: Tx| async move {
            let values = vec![lease.token.into()];
            let before = Before::find(&mut tx, "-- trouble_refresh", id, "lease_token = $2", values).await?;
            let Some(before) = before else { return Ok(false) };
            query(
                "-- trouble_refresh: write\n\
                 UPDATE credentials SET\n\
                     status_since = CASE WHEN status = $1 THEN status_since ELSE $2 END,\n\
                     status = $1, trouble = $3, failures = failures + 1, retry_at = $4, refresh_at = $4,\n\
                     spent_at = CASE WHEN $5 THEN NULL ELSE spent_at END, lease_token = NULL, lease_expires_at = NULL\n\
                 WHERE id = $6",
            )
            .with(values![degraded.as_str(), note.at, trouble.code.as_str(), trouble.retry_at, trouble.unspent, id])
            .execute(&mut tx)
            .await?;
            before.refreshed(&mut tx, trouble.code.as_str(), note.at).await?;
            before.became(&mut tx, id, degraded, note).await?;
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("trouble_refresh", Isolation::ReadCommitted, body).await
    }

    async fn mark_grant_dead(
        &self,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        cause: ReauthCause,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let lost = CredentialStatus::NeedsReauth(cause);
        let body = |mut tx: Tx| async move {
            let (condition, values) =
                ("generation = $2 AND lease_token = $3", vec![generation.into(), lease.token.into()]);
            let before = Before::find(&mut tx, "-- lose_grant", id, condition, values).await?;
            let Some(before) = before else { return Ok(false) };
            query(
                "-- lose_grant: write\n\
                 UPDATE credentials SET status = $1, status_since = CASE WHEN status = $1 THEN status_since ELSE $2 END,\n\
                     refresh_at = NULL, epoch = epoch + 1, lease_token = NULL, lease_expires_at = NULL\n\
                 WHERE id = $3",
            )
            .with(values![lost.as_str(), note.at, id])
            .execute(&mut tx)
            .await?;
            before.refreshed(&mut tx, Code::CredentialNeedsConsent.as_str(), note.at).await?;
            before.became(&mut tx, id, lost, note).await?;
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("lose_grant", Isolation::ReadCommitted, body).await
    }

    async fn disconnect_credential(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        cause: DisconnectCause,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            let done = disconnect(&mut tx, workspace, id, cause, note).await?;
            tx.commit().await?;
            Ok(done)
        };
        self.transaction("disconnect_credential", Isolation::ReadCommitted, body).await
    }

    async fn touch_credential(
        &self,
        id: CredentialId,
        now: Timestamp,
        refresh_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        // An account that is never refreshed (NULL) is not changed.
        query(
            "-- touch_credential\n\
             UPDATE credentials SET used_at = CASE WHEN used_at > $1 AND used_at <= $4 THEN used_at ELSE $1 END,\n\
                 refresh_at = CASE WHEN refresh_at IS NOT NULL THEN least(refresh_at, coalesce($2, refresh_at)) END\n\
             WHERE id = $3",
        )
        .with(values![now, refresh_at, id, now + CLOCK_TOLERANCE])
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn has_consent_of(&self, app: ZoomOauthAppId, consented_at: Timestamp) -> Result<bool, StoreError> {
        let found =
            query("-- has_consent_of\nSELECT 1 FROM credentials WHERE app = $1 AND consented_at = $2")
                .with(values![app, consented_at])
                .fetch_optional(&self.readers)
                .await?;
        Ok(found.is_some())
    }

    async fn void_tokens(&self, workspace: WorkspaceId, id: CredentialId) -> Result<(), StoreError> {
        query("-- void_tokens\nUPDATE credentials SET epoch = epoch + 1 WHERE id = $1 AND workspace = $2")
            .with(values![id, workspace])
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn claim_due_refreshes(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let body = |mut tx: Tx| async move {
            let found = query(
                "-- claim_due: find\n\
                 SELECT * FROM (SELECT workspace, id, app, generation, refresh_at FROM credentials\n\
                     WHERE refresh_at <= $1 ORDER BY refresh_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS due\n\
                 UNION ALL\n\
                 SELECT * FROM (SELECT workspace, id, app, generation, refresh_at FROM credentials\n\
                     WHERE refresh_at > $3 LIMIT $2 FOR UPDATE SKIP LOCKED) AS from_the_future\n\
                 LIMIT $2",
            )
            .with(values![now, limit, now + MAX_REFRESH_INTERVAL])
            .all(&mut tx, due)
            .await?;
            if !found.is_empty() {
                query("-- claim_due\nUPDATE credentials SET refresh_at = $1 WHERE id = ANY($2)")
                    .bind(until)
                    .bind(list(found.iter().map(|due| due.credential)))
                    .execute(&mut tx)
                    .await?;
                tx.commit().await?;
            }
            Ok(found)
        };
        self.transaction("claim_due", Isolation::ReadCommitted, body).await
    }
}

fn due(row: &Row) -> Result<Due, StoreError> {
    let row = row.of("credentials");
    Ok(Due {
        workspace: row.parsed("workspace")?,
        credential: row.parsed("id")?,
        app: row.parsed("app")?,
        generation: row.number("generation")?,
        due_at: row.time("refresh_at")?,
    })
}

#[cfg(test)]
mod tests;
