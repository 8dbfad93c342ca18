//! Connected accounts: grants change hands under a lease, and only from the generation they started from.

use async_trait::async_trait;
use model::{
    CredentialId, CredentialKind, CredentialStatus, DisconnectCause, MeetingSyncStatus, ReauthCause,
    Timestamp, WorkspaceId, ZoomOauthAppId,
};
use sqlx::{
    AssertSqlSafe, Postgres,
    postgres::{PgArguments, PgRow},
    query::QueryScalar,
    types::Json,
};
use store::{
    Credential, CredentialFilter, Credentials, Due, Grant, LONGEST_REST, Lease, Note, Page, RefreshLease,
    StoreError, Subject, Trouble,
};

use crate::{
    ON_ROWS, PostgresStore, Tx, apps,
    db::Statements,
    exists, log, meetings,
    page::{by, comparison},
    parked,
    row::{Reader, bytes},
    unavailable,
};

macro_rules! columns {
    () => {
        "id, workspace, app, kind, zoom_user_id, zoom_account_id, display_name, callback_url, status, status_since,\n\
             trouble, failures, retry_at, refresh_at, used_at, epoch, generation, access_token, access_expires_at, refresh_token,\n\
             scopes, api_url, spent_at, lease_expires_at, meeting_sync, created_at, granted_at"
    };
}

/// One statement that changes the account found by `$which`, and writes the note if that gives it another state. The
/// account is locked as it is found: of two at once, the second waits, and looks again.
///
/// $1 account · $2 what it becomes · $3 when · $4 note · $5 its code · $6 its message · from $7 on, what `$which` and `$set` name
macro_rules! change {
    ($name:literal, $which:literal, $set:literal) => {
        concat!(
            "-- ",
            $name,
            "\nWITH before AS (SELECT id, workspace, app, status FROM credentials WHERE id = $1 AND ",
            $which,
            " FOR UPDATE),\n\
             done AS (UPDATE credentials c SET status = $2,\n\
                 status_since = CASE WHEN before.status = $2 THEN c.status_since ELSE $3 END,\n\
                 lease_token = NULL, lease_expires_at = NULL, ",
            $set,
            " FROM before WHERE c.id = before.id RETURNING c.id),\n\
             noted AS (INSERT INTO account_log (id, workspace, app, credential, became, code, message, created_at)\n\
                 SELECT $4, workspace, app, id, $2, $5, $6, $3 FROM before WHERE status <> $2)\n\
             SELECT count(*) FROM done"
        )
    };
}

/// A [`change!`] with its first six values.
fn change<'q>(
    sql: &'static str,
    id: CredentialId,
    became: CredentialStatus,
    note: &'q Note,
) -> QueryScalar<'q, Postgres, i64, PgArguments> {
    sqlx::query_scalar(sql)
        .bind(id.to_string())
        .bind(became.as_str())
        .bind(note.at.as_microsecond())
        .bind(note.id.to_string())
        .bind(note.code.map(model::Code::as_str))
        .bind(&note.message)
}

fn credential(row: &PgRow) -> Result<Credential, StoreError> {
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
    db: &mut Statements,
    credential: &Credential,
    note: &Note,
) -> Result<(), StoreError> {
    let healthy = CredentialStatus::Healthy;
    sqlx::query(
        "-- connect_credential\n\
         INSERT INTO credentials AS old (id, workspace, app, kind, zoom_user_id, zoom_account_id, display_name,\n\
             callback_url, status, status_since, refresh_at, used_at, epoch, generation, access_token,\n\
             access_expires_at, refresh_token, scopes, api_url, created_at, granted_at, consented_at, sync_due_at)\n\
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, 1, $13, $14, $15, $16, $17, $18, $19, $19, $19)\n\
         ON CONFLICT (id) DO UPDATE SET\n\
             kind = excluded.kind, zoom_account_id = excluded.zoom_account_id,\n\
             display_name = excluded.display_name, callback_url = excluded.callback_url,\n\
             status_since = CASE WHEN old.status = excluded.status THEN old.status_since ELSE excluded.status_since END,\n\
             status = excluded.status, trouble = NULL, failures = 0, retry_at = NULL,\n\
             refresh_at = excluded.refresh_at, used_at = excluded.used_at,\n\
             epoch = old.epoch + 1, generation = old.generation + 1,\n\
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
    .bind(Json(&credential.grant.scopes))
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

/// Erases an account's tokens and leaves a tombstone.
pub(crate) async fn disconnect(
    db: &mut Statements,
    workspace: WorkspaceId,
    id: CredentialId,
    cause: DisconnectCause,
    note: &Note,
) -> Result<bool, StoreError> {
    let sql = change!(
        "disconnect_credential",
        "workspace = $7 AND status <> $2 AND (status NOT LIKE 'disconnected%' OR $2 = 'disconnected:asked')",
        "trouble = NULL, failures = 0, retry_at = NULL, refresh_at = NULL, epoch = c.epoch + 1,\n\
             generation = c.generation + 1, access_token = '', access_expires_at = $3, refresh_token = '',\n\
             callback_url = NULL, scopes = '[]', spent_at = NULL, meeting_sync = 'not_started', sync_due_at = NULL,\n\
             sync_failures = 0, sync_lease_token = NULL, sync_lease_expires_at = NULL"
    );
    let done = change(sql, id, CredentialStatus::Disconnected(cause), note)
        .bind(workspace.to_string())
        .fetch_one(&mut *db)
        .await
        .map_err(unavailable)?;
    if done == 1 {
        meetings::forget(db, id).await?;
    }
    Ok(done == 1)
}

#[async_trait]
impl Credentials for PostgresStore {
    async fn connect_credential(&self, credential: &Credential, note: &Note) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            connect(&mut tx, credential, note).await?;
            tx.commit().await.map_err(unavailable)
        };
        self.transaction("connect_credential", ON_ROWS, body).await
    }

    async fn credential(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
    ) -> Result<Option<Credential>, StoreError> {
        let row = sqlx::query(concat!(
            "-- credential\nSELECT ",
            columns!(),
            " FROM credentials WHERE id = $1 AND workspace = $2",
        ))
        .bind(id.to_string())
        .bind(workspace.to_string())
        .fetch_optional(&self.pool)
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
        let row = sqlx::query(concat!(
            "-- credential_of\nSELECT ",
            columns!(),
            " FROM credentials WHERE app = $1 AND zoom_user_id = $2 AND workspace = $3",
        ))
        .bind(app.to_string())
        .bind(zoom_user_id)
        .bind(workspace.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(credential).transpose()
    }

    async fn credentials(&self, workspace: WorkspaceId) -> Result<Vec<Credential>, StoreError> {
        let rows = sqlx::query(concat!(
            "-- credentials\nSELECT ",
            columns!(),
            " FROM credentials WHERE workspace = $1 ORDER BY created_at DESC, id DESC",
        ))
        .bind(workspace.to_string())
        .fetch_all(&self.pool)
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
            concat!(
                "-- list_credentials\n\
             SELECT ",
                columns!(),
                " FROM credentials\n\
             WHERE workspace = $1 AND ($2::text IS NULL OR app = $2)\n\
                 AND ($3::text IS NULL OR zoom_user_id = $3) AND ($4::text IS NULL OR zoom_account_id = $4)\n\
                 AND ($5 OR status = ANY($6))\n\
                 AND ($7::text IS NULL OR meeting_sync = $7)\n\
                 AND ($8::bigint IS NULL OR created_at > $8) AND ($9::bigint IS NULL OR created_at < $9)\n\
                 AND ($10::bigint IS NULL OR (created_at, id) {} ($10, $11))\n\
             ORDER BY {} LIMIT $12",
            ),
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
            .bind(statuses)
            .bind(filter.meeting_sync.map(MeetingSyncStatus::as_str))
            .bind(filter.created_after.map(Timestamp::as_microsecond))
            .bind(filter.created_before.map(Timestamp::as_microsecond))
            .bind(page.after.as_ref().map(|place| place.key))
            .bind(page.after.as_ref().map(|place| &place.id))
            .bind(i64::from(page.most))
            .fetch_all(&self.pool)
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
        // Locked from the first read on: who comes second waits here, and finds the lease of who came first.
        let body = |mut tx: Tx| async move {
            let row = sqlx::query(concat!(
                "-- lease_refresh: read\nSELECT ",
                columns!(),
                " FROM credentials WHERE id = $1 AND workspace = $2 FOR UPDATE",
            ))
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
                 UPDATE credentials SET lease_token = $1, lease_expires_at = $2, spent_at = coalesce(spent_at, $3)\n\
                 WHERE id = $4",
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
        };
        self.transaction("lease_refresh", ON_ROWS, body).await
    }

    async fn commit_refresh(
        &self,
        id: CredentialId,
        generation: i64,
        grant: &Grant,
        refresh_at: Option<Timestamp>,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let sql = change!(
            "commit_refresh",
            "generation = $7",
            "trouble = NULL, failures = 0, retry_at = NULL, refresh_at = $8, generation = c.generation + 1,\n\
                 access_token = $9, access_expires_at = $10, refresh_token = $11, scopes = $12, api_url = $13,\n\
                 granted_at = $3, spent_at = NULL"
        );
        let done = change(sql, id, CredentialStatus::Healthy, note)
            .bind(generation)
            .bind(refresh_at.map(Timestamp::as_microsecond))
            .bind(bytes(grant.access_token.as_ref()))
            .bind(grant.access_expires_at.as_microsecond())
            .bind(bytes(grant.refresh_token.as_ref()))
            .bind(Json(&grant.scopes))
            .bind(&grant.api_url)
            .fetch_one(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(done == 1)
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
                 spent_at = CASE WHEN $1 THEN NULL ELSE spent_at END\n\
             WHERE id = $2 AND lease_token = $3",
        )
        .bind(unspent)
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .execute(&self.pool)
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
        let sql = change!(
            "trouble_refresh",
            "lease_token = $7",
            "trouble = $8, failures = c.failures + 1, retry_at = $9, refresh_at = $9,\n\
                 spent_at = CASE WHEN $10 THEN NULL ELSE c.spent_at END"
        );
        let done = change(sql, id, CredentialStatus::Degraded, note)
            .bind(lease.token.to_string())
            .bind(trouble.code.as_str())
            .bind(trouble.retry_at.as_microsecond())
            .bind(trouble.unspent)
            .fetch_one(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(done == 1)
    }

    async fn lose_grant(
        &self,
        id: CredentialId,
        generation: i64,
        lease: &Lease,
        cause: ReauthCause,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let sql = change!(
            "lose_grant",
            "generation = $7 AND lease_token = $8",
            "refresh_at = NULL, epoch = c.epoch + 1"
        );
        let done = change(sql, id, CredentialStatus::NeedsReauth(cause), note)
            .bind(generation)
            .bind(lease.token.to_string())
            .fetch_one(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(done == 1)
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
            tx.commit().await.map_err(unavailable)?;
            Ok(done)
        };
        self.transaction("disconnect_credential", ON_ROWS, body).await
    }

    async fn touch_credential(
        &self,
        id: CredentialId,
        now: Timestamp,
        refresh_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        // `least` and `greatest` pass over what is NULL; who is never to be refreshed stays so.
        sqlx::query(
            "-- touch_credential\n\
             UPDATE credentials SET used_at = greatest(used_at, $1),\n\
                 refresh_at = CASE WHEN refresh_at IS NOT NULL THEN least(refresh_at, $2) END\n\
             WHERE id = $3",
        )
        .bind(now.as_microsecond())
        .bind(refresh_at.map(Timestamp::as_microsecond))
        .bind(id.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn has_consent_of(&self, app: ZoomOauthAppId, consented_at: Timestamp) -> Result<bool, StoreError> {
        let found =
            sqlx::query("-- has_consent_of\nSELECT 1 FROM credentials WHERE app = $1 AND consented_at = $2")
                .bind(app.to_string())
                .bind(consented_at.as_microsecond())
                .fetch_optional(&self.pool)
                .await
                .map_err(unavailable)?;
        Ok(found.is_some())
    }

    async fn void_tokens(&self, workspace: WorkspaceId, id: CredentialId) -> Result<(), StoreError> {
        sqlx::query(
            "-- void_tokens\nUPDATE credentials SET epoch = epoch + 1 WHERE id = $1 AND workspace = $2",
        )
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn claim_due(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<Due>, StoreError> {
        let rows = sqlx::query(
            "-- claim_due\n\
             UPDATE credentials SET refresh_at = $1 WHERE id IN (\n\
                 SELECT id FROM (SELECT id FROM credentials WHERE refresh_at <= $2\n\
                     ORDER BY refresh_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS due\n\
                 UNION ALL\n\
                 SELECT id FROM (SELECT id FROM credentials WHERE refresh_at > $4\n\
                     LIMIT $3 FOR UPDATE SKIP LOCKED) AS from_the_future\n\
                 LIMIT $3)\n\
             RETURNING workspace, id, app, generation",
        )
        .bind(until.as_microsecond())
        .bind(now.as_microsecond())
        .bind(i64::from(limit))
        .bind((now + LONGEST_REST).as_microsecond())
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(due).collect()
    }
}

fn due(row: &PgRow) -> Result<Due, StoreError> {
    let row = Reader { table: "credentials", row };
    Ok(Due {
        workspace: row.parsed("workspace")?,
        credential: row.parsed("id")?,
        app: row.parsed("app")?,
        generation: row.number("generation")?,
    })
}
