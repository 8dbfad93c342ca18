//! The logs of bots.

use async_trait::async_trait;
use model::{BotId, Timestamp, WorkspaceId};
use store::{BotLogs, LogEntry, MAX_LOG_ENTRIES, NumberedEntry, StoreError};

use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{MAX_ROWS, json, list, query, values},
    row::Row,
};

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn entry(row: &Row) -> Result<NumberedEntry, StoreError> {
    let row = row.of("bot_log");
    Ok(NumberedEntry {
        number: row.number("number")?.unsigned_abs(),
        entry: LogEntry {
            id: row.parsed("id")?,
            at: row.time("at")?,
            kind: row.text("kind")?,
            text: row.text("message")?,
            fields: row.json("fields")?,
        },
    })
}

/// The entries that fit after the number `last`, with their numbers.
fn numbered(last: u64, entries: &[LogEntry]) -> Vec<NumberedEntry> {
    let room = (last + 1)..=MAX_LOG_ENTRIES;
    room.zip(entries.iter().cloned())
        .map(|(number, entry)| {
            let entry = if number == MAX_LOG_ENTRIES { entry.log_full() } else { entry };
            NumberedEntry { number, entry }
        })
        .collect()
}

#[async_trait]
impl BotLogs for SqlStore {
    async fn append_bot_log(&self, bot: BotId, entries: &[LogEntry]) -> Result<u64, StoreError> {
        let Some(first) = entries.first() else { return Ok(0) };
        let body = |mut tx: Tx| async move {
            // The row is locked until the end, so that concurrent writers number their entries one after the other.
            let workspace: Option<String> =
                query("-- append_bot_log: bot\nSELECT workspace FROM bots WHERE id = $1 FOR NO KEY UPDATE")
                    .bind(bot)
                    .scalar(&mut tx)
                    .await?;
            let Some(workspace) = workspace else { return Ok(entries.len() as u64) };
            let known = query("-- append_bot_log: known\nSELECT id FROM bot_log WHERE id = $1")
                .bind(first.id)
                .fetch_optional(&mut tx)
                .await?;
            if known.is_some() {
                return Ok(0);
            }
            let last: i64 =
                query("-- append_bot_log: last\nSELECT coalesce(max(number), 0) FROM bot_log WHERE bot = $1")
                    .bind(bot)
                    .fetch_one(&mut tx)
                    .await?
                    .first()?;
            let kept = numbered(last.unsigned_abs(), entries);
            for rows in kept.chunks(MAX_ROWS) {
                let mut insert = query(
                    "-- append_bot_log\n\
                     INSERT INTO bot_log (id, bot, workspace, number, at, kind, message, fields)",
                );
                insert.push_rows(rows, |row, NumberedEntry { number, entry }| {
                    row.push_bind(entry.id).push(", ").push_bind(bot).push(", ").push_bind(&workspace);
                    row.push(", ").push_bind(signed(*number)).push(", ").push_bind(entry.at);
                    row.push(", ").push_bind(&entry.kind).push(", ").push_bind(&entry.text);
                    row.push(", ").push_bind(json(&entry.fields));
                });
                insert.execute(&mut tx).await?;
            }
            tx.commit().await?;
            Ok((entries.len() - kept.len()) as u64)
        };
        self.transaction("append_bot_log", Isolation::ReadCommitted, body).await
    }

    async fn bot_log(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        after: u64,
        kinds: &[String],
        most: u32,
    ) -> Result<Vec<NumberedEntry>, StoreError> {
        let mut read = query(
            "-- bot_log\n\
             SELECT id, number, at, kind, message, fields FROM bot_log\n\
             WHERE bot = $1 AND workspace = $2 AND number > $3",
        )
        .with(values![bot, workspace, signed(after)]);
        if !kinds.is_empty() {
            read.push(" AND kind = ANY(").push_bind(list(kinds)).push(")");
        }
        read.push(" ORDER BY number LIMIT ").push_bind(most);
        read.all(&self.readers, entry).await
    }

    async fn erase_bot_log(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        kinds: &[String],
    ) -> Result<(), StoreError> {
        query(
            "-- erase_bot_log\n\
             UPDATE bot_log SET message = 'Erased.', fields = '{}'\n\
             WHERE bot = $1 AND workspace = $2 AND kind = ANY($3)",
        )
        .with(values![bot, workspace, kinds.to_vec()])
        .execute(&self.writer)
        .await?;
        self.forget_what_was_erased().await
    }

    async fn forget_bot_log(&self, end: Timestamp, most: u32) -> Result<u64, StoreError> {
        query(
            "-- forget_bot_log\n\
             DELETE FROM bot_log WHERE id IN\n\
                 (SELECT id FROM bot_log WHERE at < $1 AND EXISTS\n\
                      (SELECT 1 FROM bots WHERE bots.id = bot_log.bot AND status IN ('done', 'fatal'))\n\
                  ORDER BY at, id LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )
        .with(values![end, most])
        .execute(&self.writer)
        .await
    }
}
