//! The names of pictures of bots' pages.

use async_trait::async_trait;
use model::{BotId, ScreenshotId, Timestamp, WorkspaceId};
use store::{BotScreenshots, Screenshot, StoreError};

use crate::{
    SqlStore,
    query::{list, query, values},
    row::Row,
};

fn screenshot(row: &Row) -> Result<Screenshot, StoreError> {
    let row = row.of("bot_screenshots");
    Ok(Screenshot { id: row.parsed("id")?, recorded_at: row.time("recorded_at")?, file: row.text("file")? })
}

#[async_trait]
impl BotScreenshots for SqlStore {
    async fn add_screenshot(&self, bot: BotId, screenshot: &Screenshot) -> Result<(), StoreError> {
        query(
            "-- add_screenshot\n\
                 INSERT INTO bot_screenshots (id, bot, recorded_at, file) VALUES ($1, $2, $3, $4)",
        )
        .with(values![screenshot.id, bot, screenshot.recorded_at, &screenshot.file])
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn screenshots_of(&self, bot: BotId) -> Result<u64, StoreError> {
        query("-- screenshots_of\nSELECT count(*) FROM bot_screenshots WHERE bot = $1")
            .bind(bot)
            .count(&self.readers)
            .await
    }

    async fn screenshots(&self, workspace: WorkspaceId, bot: BotId) -> Result<Vec<Screenshot>, StoreError> {
        query(
            "-- screenshots\n\
             SELECT s.id, s.recorded_at, s.file FROM bot_screenshots s JOIN bots b ON b.id = s.bot\n\
             WHERE s.bot = $1 AND b.workspace = $2 ORDER BY s.recorded_at, s.id",
        )
        .with(values![bot, workspace])
        .all(&self.readers, screenshot)
        .await
    }

    async fn delete_screenshots(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
    ) -> Result<Vec<Screenshot>, StoreError> {
        query(
            "-- delete_screenshots\n\
             DELETE FROM bot_screenshots WHERE bot IN (SELECT id FROM bots WHERE id = $1 AND workspace = $2)\n\
             RETURNING id, recorded_at, file",
        )
        .with(values![bot, workspace])
        .all(&self.writer, screenshot)
        .await
    }

    async fn forget_screenshots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError> {
        // Ids grow with time, so the oldest come first; the row's own time decides.
        query(
            "-- forget_screenshots\n\
             DELETE FROM bot_screenshots WHERE id IN\n\
                 (SELECT id FROM bot_screenshots WHERE recorded_at < $1 ORDER BY id LIMIT $2\n\
                  FOR UPDATE SKIP LOCKED)",
        )
        .with(values![end, most])
        .execute(&self.writer)
        .await
    }

    async fn recorded_screenshots(&self, ids: &[ScreenshotId]) -> Result<Vec<ScreenshotId>, StoreError> {
        let rows = query("-- recorded_screenshots\nSELECT id FROM bot_screenshots WHERE id = ANY($1)")
            .bind(list(ids))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| row.of("bot_screenshots").parsed("id")).collect()
    }
}
