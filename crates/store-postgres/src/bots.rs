//! Bots: rows that supervisors lease, and the steps they record.

use std::collections::HashMap;

use async_trait::async_trait;
use model::{
    BotId, BotStatus, CLOCK_TOLERANCE, LeaseToken, ScreenshotId, StatusChange, Timestamp, WorkspaceId,
};
use sqlx::{Postgres, QueryBuilder, postgres::PgRow, types::Json};
use store::{Bot, BotFilter, BotPage, Bots, Lease, Screenshot, StoreError, Transition};

use crate::{
    ON_ROWS, ONE_MOMENT, PostgresStore, Tx, db::Statements, exists, pools, row::Reader, unavailable,
};

macro_rules! columns {
    () => {
        "id, workspace, request, meeting_digest, join_at, metadata, leave_requested_at, lease_expires_at, created_at"
    };
}

fn bot(row: &PgRow, status_changes: Vec<StatusChange>) -> Result<Bot, StoreError> {
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

fn screenshot(row: &PgRow) -> Result<Screenshot, StoreError> {
    let row = Reader { table: "bot_screenshots", row };
    Ok(Screenshot { id: row.parsed("id")?, recorded_at: row.time("recorded_at")?, file: row.text("file")? })
}

/// The bots of these rows with their steps, in one more statement however many there are.
async fn with_steps(db: &mut Statements, rows: &[PgRow]) -> Result<Vec<Bot>, StoreError> {
    let id = |row| Reader { table: "bots", row }.text("id");
    let ids = rows.iter().map(id).collect::<Result<Vec<_>, _>>()?;
    let query = sqlx::query(
        "-- with_steps\n\
         SELECT bot, code, sub_code, message, created_at FROM bot_steps WHERE bot = ANY ($1) ORDER BY bot, step",
    );
    let mut steps: HashMap<String, Vec<StatusChange>> = HashMap::new();
    for row in query.bind(ids).fetch_all(db).await.map_err(unavailable)? {
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

async fn one(db: &mut Statements, id: BotId) -> Result<Option<Bot>, StoreError> {
    let row = sqlx::query(concat!("-- one bot\nSELECT ", columns!(), " FROM bots WHERE id = $1"))
        .bind(id.to_string())
        .fetch_optional(&mut *db)
        .await
        .map_err(unavailable)?;
    Ok(with_steps(db, row.as_slice()).await?.pop())
}

/// Numbers the step after those that are there: the bot's row is new or locked, so that no other comes between.
async fn add_step(db: &mut Statements, id: BotId, step: &StatusChange) -> Result<(), StoreError> {
    sqlx::query(
        "-- add_step\n\
         INSERT INTO bot_steps (bot, step, code, sub_code, message, created_at)\n\
         SELECT $1, count(*), $2, $3, $4, $5 FROM bot_steps WHERE bot = $1",
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

/// Leases the bots of these rows, which are locked, one token for each.
async fn claim(
    db: &mut Statements,
    rows: &[PgRow],
    tokens: &[LeaseToken],
    expires_at: Timestamp,
) -> Result<Vec<(Bot, Lease)>, StoreError> {
    let bots = with_steps(db, rows).await?;
    sqlx::query(
        "-- claim\n\
         UPDATE bots SET lease_token = claim.token, lease_expires_at = $3\n\
         FROM unnest($1, $2) AS claim (bot, token) WHERE bots.id = claim.bot",
    )
    .bind(bots.iter().map(|bot| bot.id.to_string()).collect::<Vec<_>>())
    .bind(tokens.iter().take(bots.len()).map(ToString::to_string).collect::<Vec<_>>())
    .bind(expires_at.as_microsecond())
    .execute(db)
    .await
    .map_err(unavailable)?;
    let leases = tokens.iter().map(|token| Lease { token: *token, expires_at });
    Ok(bots.into_iter().zip(leases).collect())
}

fn narrow(query: &mut QueryBuilder<Postgres>, workspace: WorkspaceId, filter: &BotFilter) {
    query.push(" FROM bots WHERE workspace = ").push_bind(workspace.to_string());
    if !filter.status.is_empty() {
        let words: Vec<_> = filter.status.iter().map(|status| status.as_str()).collect();
        query.push(" AND status = ANY (").push_bind(words).push(")");
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
        query.push(" AND metadata ->> ").push_bind(key.clone()).push(" = ").push_bind(value.clone());
    }
}

#[async_trait]
impl Bots for PostgresStore {
    async fn add_bot(&self, bot: &Bot) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            sqlx::query(
                "-- add_bot\n\
                 INSERT INTO bots (id, workspace, request, meeting_digest, join_at, metadata, status, created_at)\n\
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(bot.id.to_string())
            .bind(bot.workspace.to_string())
            .bind(&bot.request.0)
            .bind(bot.meeting_digest.as_slice())
            .bind(bot.join_at.map(Timestamp::as_microsecond))
            .bind(Json(&bot.metadata))
            .bind(bot.status().as_str())
            .bind(bot.created_at.as_microsecond())
            .execute(&mut *tx)
            .await
            .map_err(exists("a bot with this id"))?;
            for step in &bot.status_changes {
                add_step(&mut tx, bot.id, step).await?;
            }
            tx.commit().await.map_err(unavailable)
        };
        self.transaction("add_bot", ON_ROWS, body).await
    }

    async fn bot(&self, workspace: WorkspaceId, id: BotId) -> Result<Option<Bot>, StoreError> {
        let mut tx = self.pool.begin(ONE_MOMENT).await.map_err(unavailable)?;
        Ok(one(&mut tx, id).await?.filter(|bot| bot.workspace == workspace))
    }

    async fn bots(
        &self,
        workspace: WorkspaceId,
        filter: &BotFilter,
        page: u64,
        page_size: u64,
    ) -> Result<BotPage, StoreError> {
        let offset = page.saturating_mul(page_size);
        // The count and the page speak of the same moment.
        let body = |mut tx: Tx| async move {
            let mut count = QueryBuilder::new("-- bots: count\nSELECT count(*)");
            narrow(&mut count, workspace, filter);
            let count: i64 = count.build_query_scalar().fetch_one(&mut *tx).await.map_err(unavailable)?;

            let mut query = QueryBuilder::new(concat!("-- bots: page\nSELECT ", columns!()));
            narrow(&mut query, workspace, filter);
            query
                .push(" ORDER BY created_at DESC, id DESC LIMIT ")
                .push_bind(i64::try_from(page_size).unwrap_or(i64::MAX));
            query.push(" OFFSET ").push_bind(i64::try_from(offset).unwrap_or(i64::MAX));
            let rows = query.build().fetch_all(&mut *tx).await.map_err(unavailable)?;
            Ok(BotPage { bots: with_steps(&mut tx, &rows).await?, count: u64::try_from(count).unwrap_or(0) })
        };
        self.transaction("bots", ONE_MOMENT, body).await
    }

    async fn lease_due_bots(
        &self,
        tokens: &[LeaseToken],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError> {
        // What another supervisor is just taking is skipped, not waited for. What it took a moment ago has changed by the
        // time of locking, and PostgreSQL asks the whole condition again.
        let body = |mut tx: Tx| async move {
            // Servers that count a limited workspace's bots take turns.
            sqlx::query(
                "-- lease_due_bots: limited\n\
                 SELECT 1 FROM workspaces WHERE bot_limit IS NOT NULL AND id IN\n\
                     (SELECT workspace FROM bots WHERE status NOT IN ('done', 'fatal')\n\
                          AND coalesce(join_at, created_at) <= $1\n\
                          AND (lease_expires_at IS NULL OR lease_expires_at <= $1))\n\
                 ORDER BY id FOR NO KEY UPDATE",
            )
            .bind(now.as_microsecond())
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
            let rows = sqlx::query(concat!(
                "-- lease_due_bots: find\n\
                 WITH due AS (\n\
                     SELECT id, workspace, coalesce(join_at, created_at) AS due_at FROM bots\n\
                     WHERE status NOT IN ('done', 'fatal') AND coalesce(join_at, created_at) <= $1\n\
                       AND (lease_expires_at IS NULL OR lease_expires_at <= $1 OR lease_expires_at > $3)\n\
                 ), running AS (\n\
                     SELECT workspace, count(*) AS bots FROM bots\n\
                     WHERE status NOT IN ('done', 'fatal') AND lease_expires_at > $1\n\
                       AND lease_expires_at <= $3 GROUP BY workspace\n\
                 ), turns AS (\n\
                     SELECT due.id, due.due_at, due.workspace, coalesce(running.bots, 0)\n\
                         + row_number() OVER (PARTITION BY due.workspace ORDER BY due.due_at, due.id) AS turn\n\
                     FROM due LEFT JOIN running ON running.workspace = due.workspace\n\
                 )\n\
                 SELECT ",
                columns!(),
                " FROM bots JOIN (\n\
                     SELECT turns.id AS turn_of, turns.due_at, turns.turn FROM turns\n\
                     LEFT JOIN workspaces ON workspaces.id = turns.workspace\n\
                     WHERE workspaces.bot_limit IS NULL OR turns.turn <= workspaces.bot_limit\n\
                 ) AS next ON turn_of = id\n\
                 WHERE status NOT IN ('done', 'fatal')\n\
                   AND (lease_expires_at IS NULL OR lease_expires_at <= $1 OR lease_expires_at > $3)\n\
                 ORDER BY turn, due_at, id LIMIT $2\n\
                 FOR UPDATE OF bots SKIP LOCKED",
            ))
            .bind(now.as_microsecond())
            .bind(i64::try_from(tokens.len()).unwrap_or(i64::MAX))
            .bind((expires_at + CLOCK_TOLERANCE).as_microsecond())
            .fetch_all(&mut *tx)
            .await
            .map_err(unavailable)?;
            let leased = claim(&mut tx, &rows, tokens, expires_at).await?;
            tx.commit().await.map_err(unavailable)?;
            Ok(leased)
        };
        self.transaction("lease_due_bots", ON_ROWS, body).await
    }

    async fn lease_bots_to_close(
        &self,
        tokens: &[LeaseToken],
        missed_before: Timestamp,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError> {
        let body = |mut tx: Tx| async move {
            let rows = sqlx::query(concat!(
                "-- lease_bots_to_close: find\n\
                 SELECT ",
                columns!(),
                " FROM bots\n\
                 WHERE status NOT IN ('done', 'fatal') AND coalesce(join_at, created_at) <= $1\n\
                   AND (lease_expires_at IS NULL OR lease_expires_at <= $1 OR lease_expires_at > $3)\n\
                   AND (leave_requested_at IS NOT NULL\n\
                        OR status = 'ready' AND coalesce(join_at, created_at) < $4\n\
                        OR status <> 'ready' AND coalesce(lease_expires_at, 0) < $4 AND NOT EXISTS\n\
                            (SELECT 1 FROM bot_steps WHERE bot = bots.id AND bot_steps.created_at >= $4))\n\
                 ORDER BY coalesce(join_at, created_at), id LIMIT $2\n\
                 FOR UPDATE OF bots SKIP LOCKED",
            ))
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
        };
        self.transaction("lease_bots_to_close", ON_ROWS, body).await
    }

    async fn renew_bot(
        &self,
        id: BotId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<Option<Bot>, StoreError> {
        let body = |mut tx: Tx| async move {
            let held = sqlx::query(
                "-- renew_bot\nUPDATE bots SET lease_expires_at = $1 WHERE id = $2 AND lease_token = $3",
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
        };
        self.transaction("renew_bot", ON_ROWS, body).await
    }

    async fn release_bot(&self, id: BotId, lease: &Lease) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- release_bot\n\
             UPDATE bots SET lease_token = NULL, lease_expires_at = NULL WHERE id = $1 AND lease_token = $2",
        )
        .bind(id.to_string())
        .bind(lease.token.to_string())
        .execute(&self.pool)
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
        let body = |mut tx: Tx| async move {
            let status: Option<String> = sqlx::query_scalar(
                "-- record_step: read\nSELECT status FROM bots WHERE id = $1 AND lease_token = $2 FOR UPDATE",
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
                 UPDATE bots SET status = $1,\n\
                     lease_token = CASE WHEN $2 THEN NULL ELSE lease_token END,\n\
                     lease_expires_at = CASE WHEN $2 THEN NULL ELSE lease_expires_at END\n\
                 WHERE id = $3",
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
        };
        self.transaction("record_step", ON_ROWS, body).await
    }

    async fn request_leave(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        now: Timestamp,
    ) -> Result<Option<Bot>, StoreError> {
        let body = |mut tx: Tx| async move {
            sqlx::query(
                "-- request_leave\n\
                 UPDATE bots SET leave_requested_at = coalesce(leave_requested_at, $1)\n\
                 WHERE id = $2 AND workspace = $3 AND status NOT IN ('done', 'fatal')",
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
        };
        self.transaction("request_leave", ON_ROWS, body).await
    }

    async fn add_screenshot(&self, bot: BotId, screenshot: &Screenshot) -> Result<(), StoreError> {
        sqlx::query(
            "-- add_screenshot\nINSERT INTO bot_screenshots (id, bot, recorded_at, file) VALUES ($1, $2, $3, $4)",
        )
        .bind(screenshot.id.to_string())
        .bind(bot.to_string())
        .bind(screenshot.recorded_at.as_microsecond())
        .bind(&screenshot.file)
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn screenshots(&self, workspace: WorkspaceId, bot: BotId) -> Result<Vec<Screenshot>, StoreError> {
        let rows = sqlx::query(
            "-- screenshots\n\
             SELECT s.id, s.recorded_at, s.file FROM bot_screenshots s JOIN bots b ON b.id = s.bot\n\
             WHERE s.bot = $1 AND b.workspace = $2 ORDER BY s.recorded_at, s.id",
        )
        .bind(bot.to_string())
        .bind(workspace.to_string())
        .fetch_all(&self.pool)
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
             DELETE FROM bot_screenshots WHERE bot IN (SELECT id FROM bots WHERE id = $1 AND workspace = $2)\n\
             RETURNING id, recorded_at, file",
        )
        .bind(bot.to_string())
        .bind(workspace.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(screenshot).collect()
    }

    async fn forget_screenshots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError> {
        // Ids grow with time, so the oldest are found first; but a row's own time decides.
        let forgotten = sqlx::query(
            "-- forget_screenshots\n\
             DELETE FROM bot_screenshots WHERE id IN\n\
                 (SELECT id FROM bot_screenshots WHERE recorded_at < $1 ORDER BY id LIMIT $2\n\
                  FOR UPDATE SKIP LOCKED)",
        )
        .bind(end.as_microsecond())
        .bind(i64::from(most))
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(forgotten.rows_affected())
    }

    async fn forget_ended_bots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError> {
        let body = |mut tx: Tx| async move {
            // Ids grow with time, so the oldest are found first.
            let ids: Vec<String> = sqlx::query_scalar(
                "-- forget_ended_bots: find\n\
                 SELECT id FROM bots WHERE status IN ('done', 'fatal') AND created_at < $1 AND NOT EXISTS\n\
                     (SELECT 1 FROM bot_steps WHERE bot = bots.id AND bot_steps.created_at >= $1)\n\
                 ORDER BY id LIMIT $2 FOR UPDATE OF bots SKIP LOCKED",
            )
            .bind(end.as_microsecond())
            .bind(i64::from(most))
            .fetch_all(&mut *tx)
            .await
            .map_err(unavailable)?;
            for statement in [
                "-- forget_ended_bots: screenshots\nDELETE FROM bot_screenshots WHERE bot = ANY($1)",
                "-- forget_ended_bots: steps\nDELETE FROM bot_steps WHERE bot = ANY($1)",
                "-- forget_ended_bots: bots\nDELETE FROM bots WHERE id = ANY($1)",
            ] {
                sqlx::query(statement).bind(&ids).execute(&mut *tx).await.map_err(unavailable)?;
            }
            tx.commit().await.map_err(unavailable)?;
            Ok(ids.len() as u64)
        };
        self.transaction("forget_ended_bots", ON_ROWS, body).await
    }

    async fn recorded_screenshots(&self, ids: &[ScreenshotId]) -> Result<Vec<ScreenshotId>, StoreError> {
        let ids: Vec<String> = ids.iter().map(ScreenshotId::to_string).collect();
        let rows = sqlx::query("-- recorded_screenshots\nSELECT id FROM bot_screenshots WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
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
             INSERT INTO bot_servers (id, seen_at) VALUES ($1, $2)\n\
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
        )
        .bind(server)
        .bind(now.as_microsecond())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        sqlx::query("-- see_bot_server: forget\nDELETE FROM bot_servers WHERE seen_at < $1")
            .bind(forget_before.as_microsecond())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn bot_server_seen_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let seen_at: Option<i64> =
            sqlx::query_scalar("-- bot_server_seen_at\nSELECT max(seen_at) FROM bot_servers")
                .fetch_one(&self.pool)
                .await
                .map_err(unavailable)?;
        Ok(seen_at.map(Timestamp::from_microsecond))
    }
}
