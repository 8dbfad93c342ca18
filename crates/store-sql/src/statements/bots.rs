//! Bots, each with its steps.

use std::collections::HashMap;

use async_trait::async_trait;
use model::{BotId, BotStatus, CredentialId, Sealed, StatusChange, SubCode, Timestamp, WorkspaceId};
use store::{
    Bot, BotChange, BotChanged, BotFilter, BotOutcome, BotPage, Bots, PictureChange, SignsInWith, StoreError,
    event_bodies::{AtStake, ScheduledBot},
};

use super::bot_outputs;
use crate::{
    SqlStore,
    db::{Isolation, Pool, Tx},
    error::exists,
    query::{Query, insert, json, list, query, values},
    row::Row,
};

pub(super) const COLUMNS: &str = "id, workspace, request, meeting_digest, join_at, metadata, leave_requested_at, lease_expires_at, output_revision, created_at, account, pool";

fn bot(row: &Row, status_changes: Vec<StatusChange>) -> Result<Bot, StoreError> {
    let row = row.of("bots");
    Ok(Bot {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        request: row.sealed("request")?,
        meeting_digest: row.digest("meeting_digest")?,
        join_at: row.optional_time("join_at")?,
        metadata: row.json("metadata")?,
        signs_in_with: SignsInWith { account: row.optional("account")?, pool: row.optional("pool")? },
        status_changes,
        leave_requested_at: row.optional_time("leave_requested_at")?,
        leased_until: row.optional_time("lease_expires_at")?,
        output_revision: row.count("output_revision")?,
        created_at: row.time("created_at")?,
    })
}

fn outcome(row: &Row) -> Result<BotOutcome, StoreError> {
    let row = row.of("bot_steps");
    Ok(BotOutcome {
        hour: Timestamp::from_second(row.number("hour")?.saturating_mul(3600)),
        code: row.parsed("code")?,
        sub_code: row.optional("sub_code")?,
        bots: u64::try_from(row.number("bots")?).unwrap_or(0),
    })
}

/// The bots of these rows. Their steps come from one further statement.
pub(super) async fn with_steps(db: &mut Tx, rows: &[Row]) -> Result<Vec<Bot>, StoreError> {
    let id = |row: &Row| row.of("bots").text("id");
    let ids = rows.iter().map(id).collect::<Result<Vec<_>, _>>()?;
    let query = query(
        "-- with_steps\n\
         SELECT bot, code, sub_code, message, created_at FROM bot_steps WHERE bot = ANY($1) ORDER BY bot, step",
    );
    let mut steps: HashMap<String, Vec<StatusChange>> = HashMap::new();
    for row in query.bind(ids).fetch_all(db).await? {
        let row = row.of("bot_steps");
        steps.entry(row.text("bot")?).or_default().push(StatusChange {
            code: row.parsed("code")?,
            message: row.optional_text("message")?,
            created_at: row.time("created_at")?,
            sub_code: row.optional("sub_code")?,
        });
    }
    rows.iter().map(|row| bot(row, steps.remove(&id(row)?).unwrap_or_default())).collect()
}

pub(super) async fn one(db: &mut Tx, id: BotId) -> Result<Option<Bot>, StoreError> {
    let row = query(format!("-- one bot\nSELECT {COLUMNS} FROM bots WHERE id = $1"))
        .bind(id)
        .fetch_optional(&mut *db)
        .await?;
    Ok(with_steps(db, row.as_slice()).await?.pop())
}

/// Adds a step with the next number, and returns the number. The bot's row is new or locked, so no other step can be added
/// in between.
pub(super) async fn add_step(db: &mut Tx, id: BotId, step: &StatusChange) -> Result<i64, StoreError> {
    query(
        "-- add_step\n\
         INSERT INTO bot_steps (bot, step, code, sub_code, message, created_at)\n\
         SELECT $1, count(*), $2, $3, $4, $5 FROM bot_steps WHERE bot = $1 RETURNING step",
    )
    .with(values![id, step.code.as_str(), step.sub_code.map(SubCode::as_str), &step.message, step.created_at])
    .fetch_one(db)
    .await?
    .first()
}

/// A bot of the workspace. Its row is locked until the transaction ends.
async fn locked(db: &mut Tx, workspace: WorkspaceId, id: BotId) -> Result<Option<Bot>, StoreError> {
    let row = query(format!(
        "-- locked bot\nSELECT {COLUMNS} FROM bots WHERE id = $1 AND workspace = $2 FOR UPDATE"
    ))
    .with(values![id, workspace])
    .fetch_optional(&mut *db)
    .await?;
    Ok(with_steps(db, row.as_slice()).await?.pop())
}

/// Deletes bots whose rows are locked, with all their data.
async fn delete(db: &mut Tx, ids: Vec<String>) -> Result<(), StoreError> {
    bot_outputs::erase(&mut *db, &ids).await?;
    for statement in [
        "-- delete_bots: log\nDELETE FROM bot_log WHERE bot = ANY($1)",
        "-- delete_bots: realtime endpoints\nDELETE FROM realtime_endpoints WHERE bot = ANY($1)",
        "-- delete_bots: meeting events\nDELETE FROM meeting_events WHERE bot = ANY($1)",
        "-- delete_bots: screenshots\nDELETE FROM bot_screenshots WHERE bot = ANY($1)",
        "-- delete_bots: steps\nDELETE FROM bot_steps WHERE bot = ANY($1)",
        "-- delete_bots: bots\nDELETE FROM bots WHERE id = ANY($1)",
    ] {
        query(statement).bind(ids.clone()).execute(&mut *db).await?;
    }
    Ok(())
}

fn narrow(db: &Pool, query: &mut Query, workspace: WorkspaceId, filter: &BotFilter) {
    query.push(" FROM bots WHERE workspace = ").push_bind(workspace);
    // A single status is found by an index in the order of the list.
    if let [status] = filter.status.as_slice() {
        query.push(" AND status = ").push_bind(status.as_str());
    } else if !filter.status.is_empty() {
        let words = list(filter.status.iter().map(|status| status.as_str()));
        query.push(" AND status = ANY(").push_bind(words).push(")");
    }
    if let Some(after) = filter.join_at_after {
        query.push(" AND join_at > ").push_bind(after);
    }
    if let Some(before) = filter.join_at_before {
        query.push(" AND join_at < ").push_bind(before);
    }
    if let Some(digest) = filter.meeting_digest {
        query.push(" AND meeting_digest = ").push_bind(digest.to_vec());
    }
    if let Some(sub_code) = filter.sub_code {
        query.push(" AND sub_code = ").push_bind(sub_code.as_str());
    }
    if let Some(account) = filter.account {
        query.push(" AND account = ").push_bind(account);
    }
    for (key, value) in &filter.metadata {
        db.push_label(query, "metadata", key, value);
    }
}

#[async_trait]
impl Bots for SqlStore {
    async fn add_bot(&self, bot: &Bot, picture: Option<&Sealed>) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            insert("-- add_bot", "bots")
                .set("id", bot.id)
                .set("workspace", bot.workspace)
                .set("request", &bot.request.0)
                .set("meeting_digest", bot.meeting_digest.as_slice())
                .set("join_at", bot.join_at)
                .set("metadata", json(&bot.metadata))
                .set("account", bot.signs_in_with.account)
                .set("pool", bot.signs_in_with.pool)
                .set("status", bot.status().as_str())
                .set("sub_code", bot.sub_code().map(SubCode::as_str))
                .set("created_at", bot.created_at)
                .execute(&mut tx)
                .await
                .map_err(exists("a bot with this id"))?;
            for step in &bot.status_changes {
                add_step(&mut tx, bot.id, step).await?;
            }
            if let Some(picture) = picture {
                bot_outputs::put_picture(&mut tx, bot.workspace, bot.id, picture).await?;
            }
            tx.commit().await
        };
        self.transaction("add_bot", Isolation::ReadCommitted, body).await
    }

    async fn bot(&self, workspace: WorkspaceId, id: BotId) -> Result<Option<Bot>, StoreError> {
        let body = |mut tx: Tx| async move { one(&mut tx, id).await };
        let bot = self.transaction("bot", Isolation::Snapshot, body).await?;
        Ok(bot.filter(|bot| bot.workspace == workspace))
    }

    async fn bots(
        &self,
        workspace: WorkspaceId,
        filter: &BotFilter,
        page: u64,
        page_size: u64,
    ) -> Result<BotPage, StoreError> {
        let offset = page.saturating_mul(page_size);
        // The count and the page are from one snapshot.
        let body = |mut tx: Tx| async move {
            let mut count = query("-- bots: count\nSELECT count(*)");
            narrow(&self.readers, &mut count, workspace, filter);
            let count = count.count(&mut tx).await?;

            // Rows before the page are skipped in the index; only rows of the page are read.
            let mut query =
                query(format!("-- bots: page\nSELECT {COLUMNS} FROM bots WHERE id IN (SELECT id"));
            narrow(&self.readers, &mut query, workspace, filter);
            query
                .push(" ORDER BY created_at DESC, id DESC LIMIT ")
                .push_bind(i64::try_from(page_size).unwrap_or(i64::MAX));
            query.push(" OFFSET ").push_bind(i64::try_from(offset).unwrap_or(i64::MAX));
            query.push(") ORDER BY created_at DESC, id DESC");
            let rows = query.fetch_all(&mut tx).await?;
            Ok(BotPage { bots: with_steps(&mut tx, &rows).await?, count })
        };
        self.transaction("bots", Isolation::Snapshot, body).await
    }

    async fn at_stake(
        &self,
        workspace: WorkspaceId,
        account: CredentialId,
        now: Timestamp,
        most: u32,
    ) -> Result<AtStake, StoreError> {
        const AFFECTED: &str = "FROM bots WHERE workspace = $1 AND status = 'ready' AND join_at > $2\n\
                 AND ((pool IS NULL AND account = $3)\n\
                     OR pool IN (SELECT pool FROM pool_members WHERE credential = $3))";
        let scheduled = |row: &Row| {
            let row = row.of("bots");
            Ok(ScheduledBot {
                id: row.parsed("id")?,
                join_at: row.time("join_at")?,
                through_pool: row.optional_text("pool")?.is_some(),
            })
        };
        // The count and the bots are from one snapshot.
        let body = |mut tx: Tx| async move {
            let count = query(format!("-- at_stake: count\nSELECT count(*) {AFFECTED}"))
                .with(values![workspace, now, account])
                .count(&mut tx)
                .await?;
            let rows = query(format!(
                "-- at_stake: next\nSELECT id, join_at, pool {AFFECTED} ORDER BY join_at, id LIMIT $4"
            ))
            .with(values![workspace, now, account, most])
            .fetch_all(&mut tx)
            .await?;
            Ok(AtStake { count, bots: rows.iter().map(scheduled).collect::<Result<_, StoreError>>()? })
        };
        self.transaction("at_stake", Isolation::Snapshot, body).await
    }

    async fn bot_outcomes(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
    ) -> Result<Vec<BotOutcome>, StoreError> {
        // The codes are literals, so that the index of outcomes is used. It is a cross join, so that SQLite begins with the
        // steps; otherwise it would begin with every bot of the workspace.
        query(
            "-- bot_outcomes\n\
             SELECT s.created_at / 3600000000 AS hour, s.code, s.sub_code, count(*) AS bots\n\
             FROM bot_steps s CROSS JOIN bots b\n\
             WHERE b.id = s.bot AND s.code IN ('in_call_not_recording', 'done', 'fatal') AND s.created_at >= $1 AND b.workspace = $2\n\
             GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        )
        .with(values![since, workspace])
        .all(&self.readers, outcome)
        .await
    }

    async fn change_bot(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        old: &Sealed,
        change: &BotChange,
    ) -> Result<BotChanged, StoreError> {
        let body = |mut tx: Tx| async move {
            let bot = match locked(&mut tx, workspace, id).await? {
                None => return Ok(BotChanged::Unknown),
                Some(bot) if bot.status() != BotStatus::Ready || bot.leave_requested_at.is_some() => {
                    return Ok(BotChanged::TooLate(bot));
                }
                Some(bot) if bot.request != *old => return Ok(BotChanged::Meanwhile),
                Some(bot) => bot,
            };
            query(
                "-- change_bot\n\
                 UPDATE bots SET request = $1, meeting_digest = $2, join_at = $3, metadata = $4,\n\
                     account = $5, pool = $6, lease_token = NULL, lease_expires_at = NULL\n\
                 WHERE id = $7",
            )
            .with(values![
                &change.request.0,
                change.meeting_digest.as_slice(),
                change.join_at,
                json(&change.metadata),
                change.signs_in_with.account,
                change.signs_in_with.pool,
                id
            ])
            .execute(&mut tx)
            .await?;
            let picture = match &change.picture {
                PictureChange::Keep => None,
                PictureChange::Remove => Some(None),
                PictureChange::Show(picture) => Some(Some(picture)),
            };
            if let Some(picture) = picture {
                bot_outputs::change_picture(&mut tx, workspace, id, picture).await?;
            }
            let output_revision = bot.output_revision + u32::from(picture.is_some());
            tx.commit().await?;
            let BotChange { request, meeting_digest, join_at, metadata, signs_in_with, picture: _ } =
                change.clone();
            Ok(BotChanged::Done(Bot {
                request,
                meeting_digest,
                join_at,
                metadata,
                signs_in_with,
                leased_until: None,
                output_revision,
                ..bot
            }))
        };
        self.transaction("change_bot", Isolation::ReadCommitted, body).await
    }

    async fn cancel_bot(&self, workspace: WorkspaceId, id: BotId) -> Result<BotChanged, StoreError> {
        let body = |mut tx: Tx| async move {
            let bot = match locked(&mut tx, workspace, id).await? {
                None => return Ok(BotChanged::Unknown),
                Some(bot) if bot.status() != BotStatus::Ready => return Ok(BotChanged::TooLate(bot)),
                Some(bot) => bot,
            };
            delete(&mut tx, vec![id.to_string()]).await?;
            tx.commit().await?;
            Ok(BotChanged::Done(bot))
        };
        self.transaction("cancel_bot", Isolation::ReadCommitted, body).await
    }

    async fn request_leave(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        now: Timestamp,
    ) -> Result<Option<Bot>, StoreError> {
        let body = |mut tx: Tx| async move {
            query(
                "-- request_leave\n\
                 UPDATE bots SET leave_requested_at = coalesce(leave_requested_at, $1)\n\
                 WHERE id = $2 AND workspace = $3 AND status NOT IN ('done', 'fatal')",
            )
            .with(values![now, id, workspace])
            .execute(&mut tx)
            .await?;
            let bot = one(&mut tx, id).await?.filter(|bot| bot.workspace == workspace);
            tx.commit().await?;
            Ok(bot)
        };
        self.transaction("request_leave", Isolation::ReadCommitted, body).await
    }

    async fn forget_ended_bots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError> {
        let body = |mut tx: Tx| async move {
            // Ids grow with time, so the oldest come first.
            let ids: Vec<String> = query(
                "-- forget_ended_bots: find\n\
                 SELECT id FROM bots WHERE status IN ('done', 'fatal') AND created_at < $1 AND NOT EXISTS\n\
                     (SELECT 1 FROM bot_steps WHERE bot = bots.id AND bot_steps.created_at >= $1)\n\
                 ORDER BY id LIMIT $2 FOR UPDATE OF bots SKIP LOCKED",
            )
            .with(values![end, most])
            .column(&mut tx)
            .await?;
            let count = ids.len() as u64;
            delete(&mut tx, ids).await?;
            tx.commit().await?;
            Ok(count)
        };
        self.transaction("forget_ended_bots", Isolation::ReadCommitted, body).await
    }
}
