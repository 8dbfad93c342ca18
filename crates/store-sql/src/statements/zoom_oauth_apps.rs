//! Apps.

use async_trait::async_trait;
use model::{CLOCK_TOLERANCE, Sealed, Timestamp, WorkspaceId, ZoomOauthAppId};
use store::{
    AppFilter, AppKind, AppRemoval, FormerSecret, NewAppSecrets, Note, Page, Refusal, Signatures, StoreError,
    Subject, ZoomOauthApp, ZoomOauthApps,
};

use super::account_log;
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    error::exists,
    page::{by, comparison},
    query::{NO_BYTES, Query, insert, query, values},
    row::{Row, bytes},
};

pub(crate) const APP_COLUMNS: &str = "id, workspace, kind, client_id, client_secret, webhook_secret, former_webhook_secret,\n\
             former_webhook_secret_ends_at, zoom_account_id, webhook_last_validation, refused_since, probe_at,\n\
             signature_accepted_at, signature_refused_at, created_at";

pub(crate) fn app(row: &Row) -> Result<ZoomOauthApp, StoreError> {
    let row = row.of("zoom_oauth_apps");
    let former =
        row.unless_empty("former_webhook_secret")?.zip(row.optional_time("former_webhook_secret_ends_at")?);
    Ok(ZoomOauthApp {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        kind: row.parsed("kind")?,
        client_id: row.text("client_id")?,
        client_secret: row.sealed("client_secret")?,
        webhook_secret: row.sealed("webhook_secret")?,
        former_webhook_secret: former.map(|(sealed, ends_at)| FormerSecret { sealed, ends_at }),
        zoom_account_id: row.optional_text("zoom_account_id")?,
        webhook_last_validation: row.optional_time("webhook_last_validation")?,
        refusal: match (row.optional_time("refused_since")?, row.optional_time("probe_at")?) {
            (Some(since), Some(probe_at)) => Some(Refusal { since, probe_at }),
            _ => None,
        },
        signatures: Signatures {
            accepted_at: row.optional_time("signature_accepted_at")?,
            refused_at: row.optional_time("signature_refused_at")?,
        },
        created_at: row.time("created_at")?,
    })
}

/// Erases an app's secrets, open invitations and parked consents, unless it still has accounts.
async fn remove(db: &mut Tx, id: ZoomOauthAppId, note: &Note) -> Result<AppRemoval, StoreError> {
    let row = query(
        "-- remove_zoom_oauth_app: accounts\n\
         SELECT count(*) AS accounts, coalesce(sum(CASE WHEN status LIKE 'disconnected:%' THEN 1 ELSE 0 END), 0) AS ended\n\
         FROM credentials WHERE app = $1 AND status <> 'disconnected:asked'",
    )
    .bind(id)
    .fetch_one(&mut *db)
    .await?;
    let row = row.of("credentials");
    let (accounts, ended) = (row.number("accounts")?.unsigned_abs(), row.number("ended")?.unsigned_abs());
    if accounts > 0 {
        return Ok(AppRemoval::InUse { connected: accounts - ended, ended });
    }
    for sql in [
        "-- remove_zoom_oauth_app: parked\nDELETE FROM parked_consents WHERE app = $1",
        "-- remove_zoom_oauth_app: invitations\nDELETE FROM consents WHERE app = $1 AND credential IS NULL",
    ] {
        query(sql).bind(id).execute(&mut *db).await?;
    }
    query(
        "-- remove_zoom_oauth_app: erase\n\
         UPDATE zoom_oauth_apps SET deleted_at = $1, client_secret = $3, webhook_secret = $3,\n\
             former_webhook_secret = $3, former_webhook_secret_ends_at = NULL,\n\
             webhook_last_validation = NULL, refused_since = NULL, probe_at = NULL,\n\
             signature_accepted_at = NULL, signature_refused_at = NULL\n\
         WHERE id = $2",
    )
    .with(values![note.at, id, NO_BYTES])
    .execute(db)
    .await?;
    Ok(AppRemoval::Removed)
}

/// Whether an app has not been removed.
pub(crate) async fn is_there(db: &mut Tx, id: ZoomOauthAppId) -> Result<bool, StoreError> {
    let found = query("-- app_is_there\nSELECT 1 FROM zoom_oauth_apps WHERE id = $1 AND deleted_at IS NULL")
        .bind(id)
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

/// If a removed app is registered again, its tombstone becomes the new row.
const REGISTERED_AGAIN: &str = "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, client_id = excluded.client_id,\n\
    client_secret = excluded.client_secret, webhook_secret = excluded.webhook_secret,\n\
    zoom_account_id = excluded.zoom_account_id, created_at = excluded.created_at, deleted_at = NULL\n\
    WHERE zoom_oauth_apps.deleted_at IS NOT NULL";

impl SqlStore {
    /// Runs an update that returns the app's workspace, and logs the note if it changed the app.
    async fn update_and_log(
        &self,
        name: &'static str,
        update: impl Fn() -> Query + Send + Sync,
        id: ZoomOauthAppId,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| {
            let update = update();
            async move {
                let Some(row) = update.fetch_optional(&mut tx).await? else { return Ok(false) };
                let workspace = row.of("zoom_oauth_apps").parsed("workspace")?;
                account_log::write(&mut tx, workspace, id, Subject::App(id), None, note).await?;
                tx.commit().await?;
                Ok(true)
            }
        };
        self.transaction(name, Isolation::ReadCommitted, body).await
    }
}

#[async_trait]
impl ZoomOauthApps for SqlStore {
    async fn add_zoom_oauth_app(&self, app: &ZoomOauthApp) -> Result<(), StoreError> {
        let done = insert("-- add_zoom_oauth_app", "zoom_oauth_apps")
            .set("id", app.id)
            .set("workspace", app.workspace)
            .set("kind", app.kind.as_str())
            .set("client_id", &app.client_id)
            .set("client_secret", &app.client_secret.0)
            .set("webhook_secret", &app.webhook_secret.0)
            .set("zoom_account_id", &app.zoom_account_id)
            .set("created_at", app.created_at)
            .then(REGISTERED_AGAIN)
            .execute(&self.writer)
            .await
            .map_err(exists("an app with this client id"))?;
        if done == 1 { Ok(()) } else { Err(StoreError::Exists("an app with this client id")) }
    }

    async fn removed_zoom_oauth_app(
        &self,
        workspace: WorkspaceId,
        client_id: &str,
    ) -> Result<Option<ZoomOauthAppId>, StoreError> {
        let row = query(
            "-- removed_zoom_oauth_app\n\
             SELECT id FROM zoom_oauth_apps WHERE workspace = $1 AND client_id = $2 AND deleted_at IS NOT NULL",
        )
        .with(values![workspace, client_id])
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| row.of("zoom_oauth_apps").parsed("id")).transpose()
    }

    async fn remove_zoom_oauth_app(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
        note: &Note,
    ) -> Result<AppRemoval, StoreError> {
        // The lock prevents new accounts, because storing one locks the row of its app.
        let body = |mut tx: Tx| async move {
            let found = query(
                "-- remove_zoom_oauth_app: find\n\
                 SELECT 1 FROM zoom_oauth_apps WHERE id = $1 AND workspace = $2 AND deleted_at IS NULL FOR UPDATE",
            )
            .with(values![id, workspace])
            .fetch_optional(&mut tx)
            .await?;
            if found.is_none() {
                return Ok(AppRemoval::Unknown);
            }
            let removal = remove(&mut tx, id, note).await?;
            if removal == AppRemoval::Removed {
                account_log::write(&mut tx, workspace, id, Subject::App(id), None, note).await?;
                tx.commit().await?;
            }
            Ok(removal)
        };
        self.transaction("remove_zoom_oauth_app", Isolation::ReadCommitted, body).await
    }

    async fn zoom_oauth_app(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
    ) -> Result<Option<ZoomOauthApp>, StoreError> {
        query(format!(
            "-- zoom_oauth_app\n\
             SELECT {APP_COLUMNS} FROM zoom_oauth_apps\n\
             WHERE id = $1 AND workspace = $2 AND deleted_at IS NULL"
        ))
        .with(values![id, workspace])
        .one(&self.readers, app)
        .await
    }

    async fn zoom_oauth_apps(&self, workspace: WorkspaceId) -> Result<Vec<ZoomOauthApp>, StoreError> {
        query(format!(
            "-- zoom_oauth_apps\n\
             SELECT {APP_COLUMNS} FROM zoom_oauth_apps WHERE workspace = $1 AND deleted_at IS NULL\n\
             ORDER BY created_at DESC, id DESC"
        ))
        .bind(workspace)
        .all(&self.readers, app)
        .await
    }

    async fn list_zoom_oauth_apps(
        &self,
        workspace: WorkspaceId,
        filter: &AppFilter,
        page: &Page,
    ) -> Result<Vec<ZoomOauthApp>, StoreError> {
        let sql = format!(
            "-- list_zoom_oauth_apps\nSELECT {APP_COLUMNS} FROM zoom_oauth_apps\n\
             WHERE workspace = $1 AND deleted_at IS NULL\n\
                 AND ($2 IS NULL OR client_id = $2) AND ($3 IS NULL OR kind = $3)\n\
                 AND ($4 IS NULL OR created_at > $4) AND ($5 IS NULL OR created_at < $5)\n\
                 AND ($6 IS NULL OR webhook_last_validation > $6)\n\
                 AND ($7 IS NULL OR webhook_last_validation < $7)\n\
                 AND ($8 IS NULL OR (created_at, id) {} ($8, $9))\n\
             ORDER BY {} LIMIT $10",
            comparison(page.order),
            by("created_at", "id", page.order),
        );
        query(sql)
            .with(values![
                workspace,
                &filter.client_id,
                filter.kind.map(AppKind::as_str),
                filter.created_after,
                filter.created_before,
                filter.validated_after,
                filter.validated_before,
                page.after.as_ref().map(|place| place.key),
                page.after.as_ref().map(|place| &place.id),
                page.most
            ])
            .all(&self.readers, app)
            .await
    }

    async fn change_app_secrets(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
        secrets: NewAppSecrets<'_>,
    ) -> Result<bool, StoreError> {
        let NewAppSecrets { client_secret, webhook_secret } = secrets;
        let former = webhook_secret.and_then(|new| new.former);
        let done = query(
            "-- change_app_secrets\n\
             UPDATE zoom_oauth_apps SET client_secret = coalesce($1, client_secret),\n\
                 refused_since = CASE WHEN $1 IS NULL THEN refused_since END,\n\
                 probe_at = CASE WHEN $1 IS NULL THEN probe_at END,\n\
                 signature_refused_at = CASE WHEN $1 IS NULL THEN signature_refused_at END,\n\
                 webhook_secret = coalesce($2, webhook_secret),\n\
                 former_webhook_secret = CASE WHEN $2 IS NULL THEN former_webhook_secret ELSE $3 END,\n\
                 former_webhook_secret_ends_at = CASE WHEN $2 IS NULL THEN former_webhook_secret_ends_at ELSE $4 END\n\
             WHERE id = $5 AND workspace = $6 AND deleted_at IS NULL AND ($2 IS NULL OR webhook_secret = $7)",
        )
        .bind(client_secret)
        .bind(webhook_secret.map(|new| new.sealed))
        .bind(bytes(former.map(|former| &former.sealed)))
        .bind(former.map(|former| former.ends_at))
        .with(values![id, workspace, webhook_secret.map(|new| new.before)])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn erase_former_webhook_secrets(&self, now: Timestamp) -> Result<u64, StoreError> {
        query(
            "-- erase_former_webhook_secrets\n\
             UPDATE zoom_oauth_apps SET former_webhook_secret = $2, former_webhook_secret_ends_at = NULL\n\
             WHERE former_webhook_secret_ends_at <= $1",
        )
        .with(values![now, NO_BYTES])
        .execute(&self.writer)
        .await
    }

    async fn refuse_app(
        &self,
        id: ZoomOauthAppId,
        client_secret: &Sealed,
        probe_at: Timestamp,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let update = || {
            query(
                "-- refuse_app\n\
                 UPDATE zoom_oauth_apps SET refused_since = $1, probe_at = $2\n\
                 WHERE id = $3 AND client_secret = $4 AND refused_since IS NULL RETURNING workspace",
            )
            .with(values![note.at, probe_at, id, &client_secret.0])
        };
        self.update_and_log("refuse_app", update, id, note).await
    }

    async fn claim_probe(
        &self,
        id: ZoomOauthAppId,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = query(
            "-- claim_probe\n\
             UPDATE zoom_oauth_apps SET probe_at = $1 WHERE id = $2 AND (probe_at <= $3 OR probe_at > $4)",
        )
        .with(values![next, id, now, next + CLOCK_TOLERANCE])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn accept_app(&self, id: ZoomOauthAppId, note: &Note) -> Result<bool, StoreError> {
        let update = || {
            query(
                "-- accept_app\n\
                 UPDATE zoom_oauth_apps SET refused_since = NULL, probe_at = NULL\n\
                 WHERE id = $1 AND refused_since IS NOT NULL RETURNING workspace",
            )
            .bind(id)
        };
        self.update_and_log("accept_app", update, id, note).await
    }

    async fn accept_signature(
        &self,
        id: ZoomOauthAppId,
        client_secret: &Sealed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "-- accept_signature\n\
             UPDATE zoom_oauth_apps SET signature_accepted_at = $1, signature_refused_at = NULL\n\
             WHERE id = $2 AND client_secret = $3",
        )
        .with(values![now, id, &client_secret.0])
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn refuse_signature(
        &self,
        id: ZoomOauthAppId,
        client_secret: &Sealed,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            let row = query(
                "-- refuse_signature: find\n\
                 SELECT workspace, signature_refused_at FROM zoom_oauth_apps WHERE id = $1 AND client_secret = $2 FOR UPDATE",
            )
            .with(values![id, &client_secret.0])
            .fetch_optional(&mut tx)
            .await?;
            let Some(row) = row else { return Ok(false) };
            let row = row.of("zoom_oauth_apps");
            let (workspace, known) =
                (row.parsed("workspace")?, row.optional_time("signature_refused_at")?.is_some());
            query(
                "-- refuse_signature: write\nUPDATE zoom_oauth_apps SET signature_refused_at = $1 WHERE id = $2",
            )
            .with(values![note.at, id])
            .execute(&mut tx)
            .await?;
            if !known {
                account_log::write(&mut tx, workspace, id, Subject::App(id), None, note).await?;
            }
            tx.commit().await?;
            Ok(!known)
        };
        self.transaction("refuse_signature", Isolation::ReadCommitted, body).await
    }
}
