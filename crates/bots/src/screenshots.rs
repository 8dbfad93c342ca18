//! Pictures of bots' pages, as files in a folder or a bucket; the store keeps their names.
//!
//! A file may stay while its row exists: deleting a picture deletes the row, and each server's sweep deletes
//! the files that have none.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt as _;
use model::{BotId, Code, Environment, Failure, ScreenshotId, Timestamp, WorkspaceId};
use object_store::{ObjectStoreExt as _, path::Path};
use store::{BotScreenshots, Screenshot, StoreError};

use crate::picture_files::PictureFiles;

/// Stored when a page can't be pictured; its source is beside it.
const NO_PICTURE: &[u8] = include_bytes!("../../../web/bot/no-picture.png");

/// A file is written before its row, so a younger file may still get its row.
const ROW_DELAY: Duration = Duration::from_secs(600);
/// Rows that one statement deletes, and files that one statement asks about.
pub(crate) const SWEEP_BATCH: u32 = 500;

/// Pictures of one bot. It takes one whenever its camera comes on or it is let in, which a host can bring about without end.
const MOST_OF_A_BOT: u64 = 300;

/// The pictures of bots: `<bot>/<screenshot>.png`.
#[derive(Clone)]
pub struct Screenshots {
    files: PictureFiles,
    store: Arc<dyn BotScreenshots + Send + Sync>,
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
    /// The files cannot be listed, or one not deleted.
    #[error("the files of screenshots: {0}")]
    Files(#[from] object_store::Error),
}

impl Screenshots {
    /// Keeps pictures in `files`.
    pub fn new(files: PictureFiles, store: Arc<dyn BotScreenshots + Send + Sync>, env: Environment) -> Self {
        Self { files, store, env }
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
        match found {
            None => Ok(None),
            Some(screenshot) => self.open(&screenshot).await.map(Some),
        }
    }

    /// The PNG of a picture.
    pub(crate) async fn open(&self, screenshot: &Screenshot) -> Result<Vec<u8>, Failure> {
        let read = async {
            let file = self.files.0.get(&Path::from(screenshot.file.as_str())).await?;
            file.bytes().await
        };
        read.await.map(Vec::from).map_err(|error| {
            tracing::warn!(file = screenshot.file, %error, "a screenshot cannot be read");
            let words = match error {
                // Each server has a folder of its own, unless they are made to share one.
                object_store::Error::NotFound { .. } => {
                    "the picture is not where this server keeps pictures: another server took it \
                     (screenshots.folder and screenshots.s3 let servers share them)"
                }
                _ => "the place where pictures are kept does not answer",
            };
            Failure::new(Code::Unavailable, words)
        })
    }

    /// Stores a picture, unless the bot has the most that are kept. A failure is logged and does not end the bot.
    pub async fn keep(&self, bot: BotId, png: &[u8]) -> Option<ScreenshotId> {
        match self.store.screenshots_of(bot).await {
            Ok(kept) if kept < MOST_OF_A_BOT => {}
            Ok(_) => {
                tracing::info!(%bot, most = MOST_OF_A_BOT, "a screenshot is not kept: the bot has the most");
                return None;
            }
            Err(error) => {
                tracing::warn!(%bot, %error, "a screenshot could not be recorded");
                return None;
            }
        }
        let id = ScreenshotId::generate(&self.env);
        let screenshot = Screenshot { id, recorded_at: self.env.now(), file: format!("{bot}/{id}.png") };
        let file = Path::from(screenshot.file.as_str());
        if let Err(error) = self.files.0.put(&file, png.to_vec().into()).await {
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
    pub(crate) async fn keep_none(&self, bot: BotId) -> Option<ScreenshotId> {
        self.keep(bot, NO_PICTURE).await
    }

    /// Deletes all pictures of a bot. Files that this server can't reach are deleted by a sweep of the server that can.
    pub async fn delete(&self, workspace: WorkspaceId, bot: BotId) -> Result<(), StoreError> {
        for screenshot in self.store.delete_screenshots(workspace, bot).await? {
            if let Err(error) = self.remove(&Path::from(screenshot.file.as_str())).await {
                tracing::warn!(%bot, %error, "a screenshot's file stays until the next sweep");
            }
        }
        Ok(())
    }

    /// Deletes a file. Of servers that share them, another one may have been quicker.
    async fn remove(&self, file: &Path) -> Result<(), object_store::Error> {
        match self.files.0.delete(file).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            deleted => deleted,
        }
    }

    /// Deletes the pictures from before `end`, and the files in this server's reach that have no row.
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

/// The picture in a file. Only files with our names are touched.
fn id_of(file: &Path) -> Option<ScreenshotId> {
    let (bot, name) = file.as_ref().split_once('/')?;
    bot.parse::<BotId>().ok()?;
    name.strip_suffix(".png")?.parse().ok()
}
