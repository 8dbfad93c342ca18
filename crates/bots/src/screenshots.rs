//! Pictures of bots' pages. They are files in a folder or a bucket; the store has a row with the name of each.
//!
//! Deleting a picture deletes its row. Each server's sweep deletes the files that have no row.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt as _;
use model::{BotId, Code, Environment, Failure, ScreenshotId, Timestamp, WorkspaceId, chain};
use object_store::{ObjectStoreExt as _, path::Path};
use store::{BotScreenshots, Screenshot, StoreError};

use crate::screenshot_files::ScreenshotFiles;

/// Stored when no picture of a page could be taken. Made from `no-picture.html` in the same folder.
const NO_PICTURE: &[u8] = include_bytes!("../../../web/bot/no-picture.png");

/// The sweep deletes only files older than this: a file is written before its row, so a newer file may still get its row.
const ROW_DELAY: Duration = Duration::from_secs(600);
/// How many rows one statement deletes, and how many files one statement looks up.
pub(crate) const SWEEP_BATCH: u32 = 500;

/// The most pictures of one bot. It takes one whenever its camera comes on or it is admitted, and a host can repeat that.
const MAX_OF_A_BOT: u64 = 300;

/// The pictures of bots' pages. Their files are named `<bot>/<screenshot>.png`.
#[derive(Clone)]
pub struct Screenshots {
    files: ScreenshotFiles,
    store: Arc<dyn BotScreenshots + Send + Sync>,
    env: Environment,
}

/// What a sweep deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Rows whose retention period has ended.
    pub rows: u64,
    /// Files without a row.
    pub files: u64,
}

/// Why a sweep failed. The next one starts from the beginning.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files could not be listed, or one could not be deleted.
    #[error("the files of screenshots could not be listed or deleted: {0}")]
    Files(#[from] object_store::Error),
}

impl Screenshots {
    /// Stores pictures in `files`.
    pub fn new(
        files: ScreenshotFiles,
        store: Arc<dyn BotScreenshots + Send + Sync>,
        env: Environment,
    ) -> Self {
        Self { files, store, env }
    }

    /// Lists a bot's pictures, oldest first.
    pub async fn list(&self, workspace: WorkspaceId, bot: BotId) -> Result<Vec<Screenshot>, StoreError> {
        self.store.screenshots(workspace, bot).await
    }

    /// Reads a picture as PNG. Returns `None` if the bot has no picture with this id.
    pub async fn read(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        id: ScreenshotId,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let found = self.list(workspace, bot).await?.into_iter().find(|screenshot| screenshot.id == id);
        match found {
            None => Ok(None),
            Some(screenshot) => self.open(&screenshot).await.map(Some),
        }
    }

    /// Reads the PNG of a picture.
    pub(crate) async fn open(&self, screenshot: &Screenshot) -> Result<Vec<u8>, Failure> {
        let read = async {
            let file = self.files.0.get(&Path::from(screenshot.file.as_str())).await?;
            file.bytes().await
        };
        read.await.map(Vec::from).map_err(|error| {
            tracing::warn!(file = screenshot.file, error = %chain(&error), "could not read a screenshot");
            let words = match error {
                // Each server has its own folder, unless the operator configures a shared one.
                object_store::Error::NotFound { .. } => {
                    "this server does not have the picture: another server took it \
                     (screenshots.folder and screenshots.s3 let servers share pictures)"
                }
                _ => "the folder or bucket that stores pictures is unavailable",
            };
            Failure::new(Code::Unavailable, words)
        })
    }

    /// Stores a picture, unless the bot has reached the limit. A failure is logged and does not end the bot.
    pub async fn store(&self, bot: BotId, png: &[u8]) -> Option<ScreenshotId> {
        match self.store.screenshots_of(bot).await {
            Ok(kept) if kept < MAX_OF_A_BOT => {}
            Ok(_) => {
                tracing::info!(%bot, most = MAX_OF_A_BOT, "a screenshot was not stored: the bot has reached the limit");
                return None;
            }
            Err(error) => {
                tracing::warn!(%bot, error = %chain(&error), "could not store the row of a screenshot");
                return None;
            }
        }
        let id = ScreenshotId::generate(&self.env);
        let screenshot = Screenshot { id, recorded_at: self.env.now(), file: format!("{bot}/{id}.png") };
        let file = Path::from(screenshot.file.as_str());
        if let Err(error) = self.files.0.put(&file, png.to_vec().into()).await {
            tracing::warn!(%bot, error = %chain(&error), "could not write the file of a screenshot");
            return None;
        }
        if let Err(error) = self.store.add_screenshot(bot, &screenshot).await {
            tracing::warn!(%bot, error = %chain(&error), "could not store the row of a screenshot");
            return None;
        }
        Some(id)
    }

    /// Stores a placeholder picture, because the page crashed or does not respond.
    pub(crate) async fn store_none(&self, bot: BotId) -> Option<ScreenshotId> {
        self.store(bot, NO_PICTURE).await
    }

    /// Deletes all pictures of a bot. Files on another server are deleted by that server's sweep.
    pub async fn delete(&self, workspace: WorkspaceId, bot: BotId) -> Result<(), StoreError> {
        for screenshot in self.store.delete_screenshots(workspace, bot).await? {
            if let Err(error) = self.remove(&Path::from(screenshot.file.as_str())).await {
                tracing::warn!(%bot, error = %chain(&error), "could not delete the file of a screenshot; the next sweep will try again");
            }
        }
        Ok(())
    }

    /// Deletes a file. Another server that shares the files may have deleted it already.
    async fn remove(&self, file: &Path) -> Result<(), object_store::Error> {
        match self.files.0.delete(file).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            deleted => deleted,
        }
    }

    /// Deletes the rows of pictures from before `end`, and the files in this server's folder or bucket that have no row.
    pub async fn sweep(&self, end: Timestamp) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        loop {
            let forgotten = self.store.forget_screenshots(end, SWEEP_BATCH).await?;
            swept.rows += forgotten;
            if forgotten < u64::from(SWEEP_BATCH) {
                break;
            }
        }
        let settled = self.env.now() - ROW_DELAY;
        let files = self.files.0.list(None).map_err(SweepError::from);
        let ours = files.try_filter_map(|file| async move {
            Ok(id_of(&file.location).filter(|id| id.made_at() < settled).map(|id| (id, file.location)))
        });
        let mut some = std::pin::pin!(ours.try_chunks(SWEEP_BATCH as usize));
        while let Some(files) = some.try_next().await.map_err(|error| error.1)? {
            let ids: Vec<_> = files.iter().map(|(id, _)| *id).collect();
            let recorded = self.store.recorded_screenshots(&ids).await?;
            for (_, file) in files.iter().filter(|(id, _)| !recorded.contains(id)) {
                self.remove(file).await?;
                swept.files += 1;
            }
        }
        Ok(swept)
    }
}

/// The id of the picture in a file; `None` if the name is not one of ours. Such files are never deleted.
fn id_of(file: &Path) -> Option<ScreenshotId> {
    let (bot, name) = file.as_ref().split_once('/')?;
    bot.parse::<BotId>().ok()?;
    name.strip_suffix(".png")?.parse().ok()
}
