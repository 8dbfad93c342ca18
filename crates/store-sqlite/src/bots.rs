//! Bots: rows that supervisors lease, and the steps they record.

use std::collections::HashMap;

use async_trait::async_trait;
use model::{
    BotId, BotStatus, CLOCK_TOLERANCE, LeaseToken, ScreenshotId, StatusChange, Timestamp, WorkspaceId,
};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, sqlite::SqliteRow};
use store::{Bot, BotFilter, BotPage, Bots, Lease, Screenshot, StoreError, Transition};

use crate::{
    SqliteStore, exists, pools,
    row::{Reader, json},
    unavailable,
};

fn bot(row: &SqliteRow, status_changes: Vec<StatusChange>) -> Result<Bot, StoreError> {
    let row = Reader { table: "bots", row };
    Ok(Bot {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        request: row.sealed("request")?,
        meeting_digest: row.digest("meeting_digest")?,
        join_at: row.optional_time("join_at")?,
        metadata: row.json("metadata")?,
        status_changes,
        leave_requested_at: row.optional_time("leave_requested_at")?,
        leased_until: row.optional_time("lease_expires_at")?,
        created_at: row.time("created_at")?,
    })
}

fn screenshot(row: &SqliteRow) -> Result<Screenshot, StoreError> {
    let row = Reader { table: "bot_screenshots", row };
    Ok(Screenshot { id: row.parsed("id")?, recorded_at: row.time("recorded_at")?, file: row.text("file")? })
}

/// The bots of these rows with their steps, in two statements however many there are.
async fn with_steps(db: &mut SqliteConnection, rows: &[SqliteRow]) -> Result<Vec<Bot>, StoreError> {
    let id = |row| Reader { table: "bots", row }.text("id");
    let mut query = QueryBuilder::<Sqlite>::new("-- with_steps\nSELECT * FROM bot_steps WHERE bot IN (");
    let mut ids = query.separated(", ");
    for row in rows {
        ids.push_bind(id(row)?);
    }
    query.push(") ORDER BY bot, step");
    let mut steps: HashMap<String, Vec<StatusChange>> = HashMap::new();
    for row in query.build().fetch_all(db).await.map_err(unavailable)? {
        let row = Reader { table: "bot_steps", row: &row };
        steps.entry(row.text("bot")?).or_default().push(StatusChange {
            code: row.parsed("code")?,
            message: row.optional_text("message")?,
            created_at: row.time("created_at")?,
            sub_code: row.optional("sub_code")?,
        });
    }
    rows.iter().map(|row| bot(row, steps.remove(&id(row)?).unwrap_or_default())).collect()
}

async fn one(db: &mut SqliteConnection, id: BotId) -> Result<Option<Bot>, StoreError> {
    let row = sqlx::query("-- one bot\nSELECT * FROM bots WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(&mut *db)
        .await
        .map_err(unavailable)?;
    Ok(with_steps(db, row.as_slice()).await?.pop())
}

async fn add_step(db: &mut SqliteConnection, id: BotId, step: &StatusChange) -> Result<(), StoreError> {
    sqlx::query(
        "-- add_step\n\
         INSERT INTO bot_steps (bot, step, code, sub_code, message, created_at)\n\
         SELECT ?1, count(*), ?2, ?3, ?4, ?5 FROM bot_steps WHERE bot = ?1",
    )
    .bind(id.to_string())
    .bind(step.code.as_str())
    .bind(step.sub_code.map(model::SubCode::as_str))
    .bind(&step.message)
    .bind(step.created_at.as_microsecond())
    .execute(db)
    .await
    .map_err(unavailable)?;
    Ok(())
}

/// Leases the bots of these rows, one token for each.
async fn claim(
    db: &mut SqliteConnection,
    rows: &[SqliteRow],
    tokens: &[LeaseToken],
    expires_at: Timestamp,
) -> Result<Vec<(Bot, Lease)>, StoreError> {
    let mut leased = Vec::with_capacity(rows.len());
    for (bot, token) in with_steps(db, rows).await?.into_iter().zip(tokens) {
        sqlx::query("-- claim\nUPDATE bots SET lease_token = ?, lease_expires_at = ? WHERE id = ?")
            .bind(token.to_string())
            .bind(expires_at.as_microsecond())
            .bind(bot.id.to_string())
            .execute(&mut *db)
            .await
            .map_err(unavailable)?;
        leased.push((bot, Lease { token: *token, expires_at }));
    }
    Ok(leased)
}

fn narrow(query: &mut QueryBuilder<Sqlite>, workspace: WorkspaceId, filter: &BotFilter) {
    query.push(" FROM bots WHERE workspace = ").push_bind(workspace.to_string());
    if !filter.status.is_empty() {
        query.push(" AND status IN (");
        let mut words = query.separated(", ");
        for status in &filter.status {
            words.push_bind(status.as_str());
        }
        query.push(")");
    }
    if let Some(after) = filter.join_at_after {
        query.push(" AND join_at > ").push_bind(after.as_microsecond());
    }
    if let Some(before) = filter.join_at_before {
        query.push(" AND join_at < ").push_bind(before.as_microsecond());
    }
    if let Some(digest) = filter.meeting_digest {
        query.push(" AND meeting_digest = ").push_bind(digest.to_vec());
    }
    for (key, value) in &filter.metadata {
        query.push(" AND EXISTS (SELECT 1 FROM json_each(metadata) label WHERE label.key = ");
        query.push_bind(key.clone()).push(" AND label.value = ").push_bind(value.clone()).push(")");
    }
}

#[async_trait]
impl Bots for SqliteStore {
    async fn add_bot(&self, bot: &Bot) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "-- add_bot\n\
             INSERT INTO bots (id, workspace, request, meeting_digest, join_at, metadata, status, created_at)\n\
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(bot.id.to_string())
        .bind(bot.workspace.to_string())
        .bind(&bot.request.0)
        .bind(bot.meeting_digest.as_slice())
        .bind(bot.join_at.map(Timestamp::as_microsecond))
        .bind(json(&bot.metadata))
        .bind(bot.status().as_str())
        .bind(bot.created_at.as_microsecond())
        .execute(&mut *tx)
        .await
        .map_err(exists("a bot with this id"))?;
        for step in &bot.status_changes {
            add_step(&mut tx, bot.id, step).await?;
        }
        tx.commit().await.map_err(unavailable)
    }

    async fn bot(&self, workspace: WorkspaceId, id: BotId) -> Result<Option<Bot>, StoreError> {
        let mut db = self.readers.acquire().await.map_err(unavailable)?;
        Ok(one(&mut db, id).await?.filter(|bot| bot.workspace == workspace))
    }

    async fn bots(
        &self,
        workspace: WorkspaceId,
        filter: &BotFilter,
        page: u64,
        page_size: u64,
    ) -> Result<BotPage, StoreError> {
        // One transaction: the count and the page speak of the same moment.
        let mut tx = self.readers.begin().await.map_err(unavailable)?;
        let mut count = QueryBuilder::new("-- bots: count\nSELECT count(*)");
        narrow(&mut count, workspace, filter);
        let count: i64 = count.build_query_scalar().fetch_one(&mut *tx).await.map_err(unavailable)?;

        let mut query = QueryBuilder::new("-- bots: page\nSELECT *");
        narrow(&mut query, workspace, filter);
        let offset = page.saturating_mul(page_size);
        query
            .push(" ORDER BY created_at DESC, id DESC LIMIT ")
            .push_bind(i64::try_from(page_size).unwrap_or(i64::MAX));
        query.push(" OFFSET ").push_bind(i64::try_from(offset).unwrap_or(i64::MAX));
        let rows = query.build().fetch_all(&mut *tx).await.map_err(unavailable)?;
        Ok(BotPage { bots: with_steps(&mut tx, &rows).await?, count: u64::try_from(count).unwrap_or(0) })
    }

    async fn lease_due_bots(
        &self,
        tokens: &[LeaseToken],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError> {
        let mut tx = self.write().await?;
        let rows = sqlx::query(
            "-- lease_due_bots: find\n\
             WITH due AS (\n\
                 SELECT id, workspace, coalesce(join_at, created_at) AS due_at FROM bots\n\
                 WHERE status NOT IN ('done', 'fatal') AND coalesce(join_at, created_at) <= ?1\n\
                   AND (lease_expires_at IS NULL OR lease_expires_at <= ?1 OR lease_expires_at > ?3)\n\
             ), running AS (\n\
                 SELECT workspace, count(*) AS bots FROM bots\n\
                 WHERE status NOT IN ('done', 'fatal') AND lease_expires_at > ?1\n\
                   AND lease_expires_at <= ?3 GROUP BY workspace\n\
             ), turns AS (\n\
                 SELECT due.id, due.due_at, due.workspace, coalesce(running.bots, 0)\n\
                     + row_number() OVER (PARTITION BY due.workspace ORDER BY due.due_at, due.id) AS turn\n\
                 FROM due LEFT JOIN running ON running.workspace = due.workspace\n\
             )\n\
             SELECT bots.* FROM bots JOIN turns ON turns.id = bots.id\n\
                 LEFT JOIN workspaces ON workspaces.id = turns.workspace\n\
             WHERE workspaces.bot_limit IS NULL OR turns.turn <= workspaces.bot_limit\n\
             ORDER BY turns.turn, turns.due_at, turns.id LIMIT ?2",
        )
        .bind(now.as_microsecond())
        .bind(i64::try_from(tokens.len()).unwrap_or(i64::MAX))
        .bind((expires_at + CLOCK_TOLERANCE).as_microsecond())
        .fetch_all(&mut *tx)
        .await
        .map_err(unavailable)?;
        let leased = claim(&mut tx, &rows, tokens, expires_at).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(leased)
    }

    async fn lease_bots_to_close(
        &self,
        tokens: &[LeaseToken],
        missed_before: Timestamp,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError> {
        let mut tx = self.write().await?;
        let rows = sqlx::query(
            "-- lease_bots_to_close: find\n\
             SELECT * FROM bots\n\
             WHERE status NOT IN ('done', 'fatal') AND coalesce(join_at, created_at) <= ?1\n\
               AND (lease_expires_at IS NULL OR lease_expires_at <= ?1 OR lease_expires_at > ?3)\n\
               AND (leave_requested_at IS NOT NULL\n\
                    OR status = 'ready' AND coalesce(join_at, created_at) < ?4\n\
                    OR status <> 'ready' AND coalesce(lease_expires_at, 0) < ?4 AND NOT EXISTS\n\
                        (SELECT 1 FROM bot_steps WHERE bot = bots.id AND bot_steps.created_at >= ?4))\n\
             ORDER BY coalesce(join_at, created_at), id LIMIT ?2",
        )
        .bind(now.as_microsecond())
        .bind(i64::try_from(tokens.len()).unwrap_or(i64::MAX))
        .bind((expires_at + CLOCK_TOLERANCE).as_microsecond())
        .bind(missed_before.as_microsecond())
        .fetch_all(&mut *tx)
        .await
        .map_err(unavailable)?;
        let leased = claim(&mut tx, &rows, tokens, expires_at).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(leased)
    }

    async fn renew_bot(
        &self,
        id: BotId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<Option<Bot>, StoreError> {
        let mut tx = self.write().await?;
        let held = sqlx::query(
            "-- renew_bot\nUPDATE bots SET lease_expires_at = ? WHERE id = ? AND lease_token = ?",
        )
        .bind(expires_at.as_microsecond())
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        if held.rows_affected() == 0 {
            return Ok(None);
        }
        let bot = one(&mut tx, id).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(bot)
    }

    async fn release_bot(&self, id: BotId, lease: &Lease) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- release_bot\n\
             UPDATE bots SET lease_token = NULL, lease_expires_at = NULL WHERE id = ? AND lease_token = ?",
        )
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn record_step(
        &self,
        id: BotId,
        lease: &Lease,
        step: &StatusChange,
    ) -> Result<Transition, StoreError> {
        let mut tx = self.write().await?;
        let status: Option<String> = sqlx::query_scalar(
            "-- record_step: read\nSELECT status FROM bots WHERE id = ? AND lease_token = ?",
        )
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unavailable)?;
        let Some(status) = status else { return Ok(Transition::LeaseLost) };
        let status: BotStatus =
            status.parse().map_err(|cause| StoreError::Corrupt { table: "bots", cause })?;
        if !status.may_become(step.code) {
            return Ok(Transition::Forbidden);
        }
        sqlx::query(
            "-- record_step: write\n\
             UPDATE bots SET status = ?1,\n\
                 lease_token = CASE WHEN ?2 THEN NULL ELSE lease_token END,\n\
                 lease_expires_at = CASE WHEN ?2 THEN NULL ELSE lease_expires_at END\n\
             WHERE id = ?3",
        )
        .bind(step.code.as_str())
        .bind(step.code.is_terminal())
        .bind(id.to_string())
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        add_step(&mut tx, id, step).await?;
        if step.code.is_terminal() {
            pools::release_bot(&mut tx, id).await?;
        }
        tx.commit().await.map_err(unavailable)?;
        Ok(Transition::Recorded)
    }

    async fn request_leave(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        now: Timestamp,
    ) -> Result<Option<Bot>, StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "-- request_leave\n\
             UPDATE bots SET leave_requested_at = coalesce(leave_requested_at, ?)\n\
             WHERE id = ? AND workspace = ? AND status NOT IN ('done', 'fatal')",
        )
        .bind(now.as_microsecond())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        let bot = one(&mut tx, id).await?.filter(|bot| bot.workspace == workspace);
        tx.commit().await.map_err(unavailable)?;
        Ok(bot)
    }

    async fn add_screenshot(&self, bot: BotId, screenshot: &Screenshot) -> Result<(), StoreError> {
        sqlx::query(
            "-- add_screenshot\nINSERT INTO bot_screenshots (id, bot, recorded_at, file) VALUES (?, ?, ?, ?)",
        )
        .bind(screenshot.id.to_string())
        .bind(bot.to_string())
        .bind(screenshot.recorded_at.as_microsecond())
        .bind(&screenshot.file)
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn screenshots(&self, workspace: WorkspaceId, bot: BotId) -> Result<Vec<Screenshot>, StoreError> {
        let rows = sqlx::query(
            "-- screenshots\n\
             SELECT s.* FROM bot_screenshots s JOIN bots b ON b.id = s.bot\n\
             WHERE s.bot = ? AND b.workspace = ? ORDER BY s.recorded_at, s.id",
        )
        .bind(bot.to_string())
        .bind(workspace.to_string())
        .fetch_all(&self.readers)
        .await
        .map_err(unavailable)?;
        rows.iter().map(screenshot).collect()
    }

    async fn delete_screenshots(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
    ) -> Result<Vec<Screenshot>, StoreError> {
        let rows = sqlx::query(
            "-- delete_screenshots\n\
             DELETE FROM bot_screenshots WHERE bot IN (SELECT id FROM bots WHERE id = ? AND workspace = ?)\n\
             RETURNING id, recorded_at, file",
        )
        .bind(bot.to_string())
        .bind(workspace.to_string())
        .fetch_all(&self.writer)
        .await
        .map_err(unavailable)?;
        rows.iter().map(screenshot).collect()
    }

    async fn forget_screenshots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError> {
        // Ids grow with time, so the oldest are found first; but a row's own time decides.
        let forgotten = sqlx::query(
            "-- forget_screenshots\n\
             DELETE FROM bot_screenshots WHERE id IN\n\
                 (SELECT id FROM bot_screenshots WHERE recorded_at < ? ORDER BY id LIMIT ?)",
        )
        .bind(end.as_microsecond())
        .bind(most)
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        Ok(forgotten.rows_affected())
    }

    async fn forget_ended_bots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        // Ids grow with time, so the oldest are found first.
        let ids: Vec<String> = sqlx::query_scalar(
            "-- forget_ended_bots: find\n\
             SELECT id FROM bots WHERE status IN ('done', 'fatal') AND created_at < ?1 AND NOT EXISTS\n\
                 (SELECT 1 FROM bot_steps WHERE bot = bots.id AND bot_steps.created_at >= ?1)\n\
             ORDER BY id LIMIT ?2",
        )
        .bind(end.as_microsecond())
        .bind(most)
        .fetch_all(&mut *tx)
        .await
        .map_err(unavailable)?;
        for statement in [
            "-- forget_ended_bots: screenshots\nDELETE FROM bot_screenshots WHERE bot = ?",
            "-- forget_ended_bots: steps\nDELETE FROM bot_steps WHERE bot = ?",
            "-- forget_ended_bots: bots\nDELETE FROM bots WHERE id = ?",
        ] {
            for id in &ids {
                sqlx::query(statement).bind(id).execute(&mut *tx).await.map_err(unavailable)?;
            }
        }
        tx.commit().await.map_err(unavailable)?;
        Ok(ids.len() as u64)
    }

    async fn recorded_screenshots(&self, ids: &[ScreenshotId]) -> Result<Vec<ScreenshotId>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "-- recorded_screenshots\nSELECT id FROM bot_screenshots WHERE id IN (",
        );
        let mut wanted = query.separated(", ");
        for id in ids {
            wanted.push_bind(id.to_string());
        }
        query.push(")");
        let rows = query.build().fetch_all(&self.readers).await.map_err(unavailable)?;
        rows.iter().map(|row| Reader { table: "bot_screenshots", row }.parsed("id")).collect()
    }

    async fn see_bot_server(
        &self,
        server: &str,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "-- see_bot_server\n\
             INSERT INTO bot_servers (id, seen_at) VALUES (?1, ?2)\n\
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
        )
        .bind(server)
        .bind(now.as_microsecond())
        .execute(&self.writer)
        .await
        .map_err(unavailable)?;
        sqlx::query("-- see_bot_server: forget\nDELETE FROM bot_servers WHERE seen_at < ?1")
            .bind(forget_before.as_microsecond())
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn bot_server_seen_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let seen_at: Option<i64> =
            sqlx::query_scalar("-- bot_server_seen_at\nSELECT max(seen_at) FROM bot_servers")
                .fetch_one(&self.readers)
                .await
                .map_err(unavailable)?;
        Ok(seen_at.map(Timestamp::from_microsecond))
    }
}
