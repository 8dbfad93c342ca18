//! Pictures of bots' pages, as files; the store keeps their names.
//!
//! A file may stay while its row exists: deleting a picture deletes the row, and each server's sweep deletes
//! the files in its own folder that have none.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use model::{BotId, Code, Environment, Failure, ScreenshotId, Timestamp, WorkspaceId};
use store::{Screenshot, Store, StoreError};

/// Stored when a page can't be pictured; its source is beside it.
const NO_PICTURE: &[u8] = include_bytes!("../../../web/bot/no-picture.png");

/// A file is written before its row, so a younger file may still get its row.
const ROW_DELAY: Duration = Duration::from_secs(600);
/// Rows that one statement deletes, and files that one statement asks about.
pub(crate) const SWEEP_BATCH: u32 = 500;

/// The folder of pictures: `<bot>/<screenshot>.png`.
#[derive(Clone)]
pub struct Screenshots {
    folder: PathBuf,
    store: Arc<dyn Store>,
    env: Environment,
}

/// What a sweep deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Rows past their time.
    pub rows: u64,
    /// Files without a row.
    pub files: u64,
}

/// Why a sweep failed. The next one starts from the beginning.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder cannot be read, or a file not deleted.
    #[error("the folder of screenshots: {0}")]
    Folder(#[from] io::Error),
}

impl Screenshots {
    /// Keeps pictures under `folder`.
    pub fn new(folder: PathBuf, store: Arc<dyn Store>, env: Environment) -> Self {
        Self { folder, store, env }
    }

    /// A bot's pictures, oldest first.
    pub async fn list(&self, workspace: WorkspaceId, bot: BotId) -> Result<Vec<Screenshot>, StoreError> {
        self.store.screenshots(workspace, bot).await
    }

    /// A picture as PNG; `None` when the bot has none with this id.
    pub async fn read(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        id: ScreenshotId,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let found = self.list(workspace, bot).await?.into_iter().find(|screenshot| screenshot.id == id);
        let Some(screenshot) = found else { return Ok(None) };
        let png = tokio::fs::read(self.path(&screenshot)).await.map_err(|error| {
            Failure::new(Code::Internal, format!("a screenshot's file cannot be read: {error}"))
        })?;
        Ok(Some(png))
    }

    /// The path of a picture.
    fn path(&self, screenshot: &Screenshot) -> PathBuf {
        self.folder.join(&screenshot.file)
    }

    /// Stores a picture. A failure is logged and does not end the bot.
    pub async fn keep(&self, bot: BotId, png: &[u8]) -> Option<ScreenshotId> {
        let id = ScreenshotId::generate(&self.env);
        let screenshot = Screenshot { id, recorded_at: self.env.now(), file: format!("{bot}/{id}.png") };
        let path = self.path(&screenshot);
        let written = async {
            tokio::fs::create_dir_all(self.folder.join(bot.to_string())).await?;
            tokio::fs::write(&path, png).await
        };
        if let Err(error) = written.await {
            tracing::warn!(%bot, %error, "a screenshot could not be written");
            return None;
        }
        if let Err(error) = self.store.add_screenshot(bot, &screenshot).await {
            tracing::warn!(%bot, %error, "a screenshot could not be recorded");
            return None;
        }
        Some(id)
    }

    /// Stores a record that there is no picture: the page crashed, or does not answer.
    pub(crate) async fn keep_none(&self, bot: BotId) {
        self.keep(bot, NO_PICTURE).await;
    }

    /// Deletes all pictures of a bot. Files on another server are deleted by that server's next sweep.
    pub async fn delete(&self, workspace: WorkspaceId, bot: BotId) -> Result<(), StoreError> {
        for screenshot in self.store.delete_screenshots(workspace, bot).await? {
            if let Err(error) = tokio::fs::remove_file(self.path(&screenshot)).await
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%bot, %error, "a screenshot's file stays until the next sweep");
            }
        }
        Ok(())
    }

    /// Deletes the pictures from before `end`, and the files of this server that have no row.
    pub async fn sweep(&self, end: Timestamp) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        loop {
            let forgotten = self.store.forget_screenshots(end, SWEEP_BATCH).await?;
            swept.rows += forgotten;
            if forgotten < u64::from(SWEEP_BATCH) {
                break;
            }
        }
        let mut bots = match tokio::fs::read_dir(&self.folder).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(swept),
            bots => bots?,
        };
        while let Some(bot) = bots.next_entry().await? {
            if bot.file_type().await?.is_dir() {
                swept.files += self.sweep_bot(bot.path()).await?;
            }
        }
        Ok(swept)
    }

    /// The same for the folder of one bot; returns how many files were deleted.
    async fn sweep_bot(&self, folder: PathBuf) -> Result<u64, SweepError> {
        let (mut files, mut entries) = (Vec::new(), tokio::fs::read_dir(&folder).await?);
        let settled = self.env.now() - ROW_DELAY;
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            // Only files with our names are touched.
            let id = name.to_str().and_then(|name| name.strip_suffix(".png")?.parse::<ScreenshotId>().ok());
            files.extend(id.filter(|id| id.made_at() < settled).map(|id| (id, entry.path())));
        }
        let mut deleted = 0;
        for files in files.chunks(SWEEP_BATCH as usize) {
            let ids: Vec<_> = files.iter().map(|(id, _)| *id).collect();
            let recorded = self.store.recorded_screenshots(&ids).await?;
            for (_, path) in files.iter().filter(|(id, _)| !recorded.contains(id)) {
                tokio::fs::remove_file(path).await?;
                deleted += 1;
            }
        }
        if deleted > 0 {
            // Fails while files are left in it.
            let _ = tokio::fs::remove_dir(folder).await;
        }
        Ok(deleted)
    }
}
