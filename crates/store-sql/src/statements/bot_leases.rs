//! Leases of bots, and the steps that their holders record.

use std::time::Duration;

use async_trait::async_trait;
use model::{BotId, BotStatus, CLOCK_TOLERANCE, LeaseToken, StatusChange, SubCode, Timestamp};
use store::{Bot, BotLeases, Lease, StoreError, Transition};

use super::{
    bot_outputs, bot_participants,
    bots::{COLUMNS, add_step, one, with_steps},
    events, meeting_events, pools,
};
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{query, values},
    row::Row,
};

/// The longest lease of a bot (`bots.lease_seconds`). A lease that ends later was written by a wrong clock.
pub(super) const MAX_LEASE: Duration = Duration::from_secs(45).saturating_add(CLOCK_TOLERANCE);

/// Leases the bots of these locked rows, with one token for each.
async fn claim(
    db: &mut Tx,
    rows: &[Row],
    tokens: &[LeaseToken],
    expires_at: Timestamp,
) -> Result<Vec<(Bot, Lease)>, StoreError> {
    let bots = with_steps(db, rows).await?;
    for (bot, token) in bots.iter().zip(tokens) {
        query("-- claim\nUPDATE bots SET lease_token = $1, lease_expires_at = $2 WHERE id = $3")
            .with(values![*token, expires_at, bot.id])
            .execute(&mut *db)
            .await?;
    }
    let leases = tokens.iter().map(|token| Lease { token: *token, expires_at });
    Ok(bots.into_iter().zip(leases).collect())
}

#[async_trait]
impl BotLeases for SqlStore {
    async fn lease_due_bots(
        &self,
        tokens: &[LeaseToken],
        until: Timestamp,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError> {
        // Rows that another supervisor is claiming are skipped. A row that was claimed just before has
        // changed when it is locked; then PostgreSQL evaluates the whole condition again.
        let body = |mut tx: Tx| async move {
            // Servers count the bots of a limited workspace one after the other.
            query(
                "-- lease_due_bots: limited\n\
                 SELECT 1 FROM workspaces WHERE bot_limit IS NOT NULL AND id IN\n\
                     (SELECT workspace FROM bots WHERE status NOT IN ('done', 'fatal')\n\
                          AND coalesce(join_at, created_at) <= $3\n\
                          AND (lease_expires_at IS NULL OR lease_expires_at <= $1 OR lease_expires_at > $2))\n\
                 ORDER BY id FOR NO KEY UPDATE",
            )
            .with(values![now, expires_at + CLOCK_TOLERANCE, until])
            .execute(&mut tx)
            .await?;
            let rows = query(format!("-- lease_due_bots: find\n\
                 WITH due AS (\n\
                     SELECT id, workspace, coalesce(join_at, created_at) AS due_at FROM bots\n\
                     WHERE status NOT IN ('done', 'fatal') AND coalesce(join_at, created_at) <= $4\n\
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
                 SELECT {COLUMNS} FROM bots JOIN (\n\
                     SELECT turns.id AS turn_of, turns.due_at, turns.turn FROM turns\n\
                     LEFT JOIN workspaces ON workspaces.id = turns.workspace\n\
                     WHERE workspaces.bot_limit IS NULL OR turns.turn <= workspaces.bot_limit\n\
                 ) AS next ON turn_of = id\n\
                 WHERE status NOT IN ('done', 'fatal')\n\
                   AND (lease_expires_at IS NULL OR lease_expires_at <= $1 OR lease_expires_at > $3)\n\
                 ORDER BY turn, due_at, id LIMIT $2\n\
                 FOR UPDATE OF bots SKIP LOCKED"))
            .with(values![
                now,
                i64::try_from(tokens.len()).unwrap_or(i64::MAX),
                expires_at + CLOCK_TOLERANCE,
                until
            ])
            .fetch_all(&mut tx)
            .await?;
            let leased = claim(&mut tx, &rows, tokens, expires_at).await?;
            tx.commit().await?;
            Ok(leased)
        };
        self.transaction("lease_due_bots", Isolation::ReadCommitted, body).await
    }

    async fn lease_bots_to_close(
        &self,
        tokens: &[LeaseToken],
        missed_before: Timestamp,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError> {
        let body = |mut tx: Tx| async move {
            let rows = query(format!(
                "-- lease_bots_to_close: find\n\
                 SELECT {COLUMNS} FROM bots\n\
                 WHERE status NOT IN ('done', 'fatal') AND coalesce(join_at, created_at) <= $1\n\
                   AND (lease_expires_at IS NULL OR lease_expires_at <= $1 OR lease_expires_at > $3)\n\
                   AND (leave_requested_at IS NOT NULL\n\
                        OR status = 'ready' AND coalesce(join_at, created_at) < $4\n\
                        OR status <> 'ready' AND (coalesce(lease_expires_at, 0) < $4 OR lease_expires_at > $3) AND NOT EXISTS\n\
                            (SELECT 1 FROM bot_steps WHERE bot = bots.id AND bot_steps.created_at >= $4))\n\
                 ORDER BY coalesce(join_at, created_at), id LIMIT $2\n\
                 FOR UPDATE OF bots SKIP LOCKED"
            ))
            .with(values![
                now,
                i64::try_from(tokens.len()).unwrap_or(i64::MAX),
                expires_at + CLOCK_TOLERANCE,
                missed_before
            ])
            .fetch_all(&mut tx)
            .await?;
            let leased = claim(&mut tx, &rows, tokens, expires_at).await?;
            tx.commit().await?;
            Ok(leased)
        };
        self.transaction("lease_bots_to_close", Isolation::ReadCommitted, body).await
    }

    async fn renew_bot(
        &self,
        id: BotId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<Option<Bot>, StoreError> {
        let body = |mut tx: Tx| async move {
            let held = query(
                "-- renew_bot\nUPDATE bots SET lease_expires_at = $1 WHERE id = $2 AND lease_token = $3",
            )
            .with(values![expires_at, id, lease.token])
            .execute(&mut tx)
            .await?;
            if held == 0 {
                return Ok(None);
            }
            let bot = one(&mut tx, id).await?;
            tx.commit().await?;
            Ok(bot)
        };
        self.transaction("renew_bot", Isolation::ReadCommitted, body).await
    }

    async fn release_bot(&self, id: BotId, lease: &Lease) -> Result<bool, StoreError> {
        let done = query(
            "-- release_bot\n\
             UPDATE bots SET lease_token = NULL, lease_expires_at = NULL WHERE id = $1 AND lease_token = $2",
        )
        .with(values![id, lease.token])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn record_step(
        &self,
        id: BotId,
        lease: &Lease,
        step: &StatusChange,
    ) -> Result<Transition, StoreError> {
        let body = |mut tx: Tx| async move {
            let status: Option<String> = query(
                "-- record_step: read\nSELECT status FROM bots WHERE id = $1 AND lease_token = $2 FOR UPDATE",
            )
            .with(values![id, lease.token])
            .scalar(&mut tx)
            .await?;
            let Some(status) = status else { return Ok(Transition::LeaseLost) };
            let status: BotStatus = status
                .parse()
                .map_err(|cause: String| StoreError::Corrupt { table: "bots", cause: cause.into() })?;
            if !status.may_become(step.code) {
                return Ok(Transition::Forbidden);
            }
            query(
                "-- record_step: write\n\
                 UPDATE bots SET status = $1, sub_code = coalesce($2, sub_code),\n\
                     lease_token = CASE WHEN $3 THEN NULL ELSE lease_token END,\n\
                     lease_expires_at = CASE WHEN $3 THEN NULL ELSE lease_expires_at END\n\
                 WHERE id = $4",
            )
            .with(values![
                step.code.as_str(),
                step.sub_code.map(SubCode::as_str),
                step.code.is_terminal(),
                id
            ])
            .execute(&mut tx)
            .await?;
            let number = add_step(&mut tx, id, step).await?;
            if step.code.is_terminal() {
                pools::release_bot(&mut tx, id).await?;
                bot_outputs::erase(&mut tx, &[id.to_string()]).await?;
                bot_participants::leave(&mut tx, id).await?;
                meeting_events::begin_retention(&mut tx, id, step.created_at).await?;
            }
            events::of_bot(&mut tx, id, number, step).await?;
            tx.commit().await?;
            Ok(Transition::Recorded)
        };
        self.transaction("record_step", Isolation::ReadCommitted, body).await
    }
}
