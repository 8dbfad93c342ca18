//! Pictures of bots' pages, as files; the store keeps their names.

use std::{path::PathBuf, sync::Arc};

use model::{BotId, Environment, ScreenshotId};
use store::{Screenshot, Store};

/// The folder of pictures: `<bot>/<screenshot>.png`.
#[derive(Clone)]
pub struct Screenshots {
    folder: PathBuf,
    store: Arc<dyn Store>,
    env: Environment,
}

impl Screenshots {
    /// Keeps pictures under `folder`.
    pub fn new(folder: PathBuf, store: Arc<dyn Store>, env: Environment) -> Self {
        Self { folder, store, env }
    }

    /// Where a picture lies.
    pub fn path(&self, screenshot: &Screenshot) -> PathBuf {
        self.folder.join(&screenshot.file)
    }

    /// Keeps a picture. A bot never fails for want of one: what goes wrong is logged.
    pub(crate) async fn keep(&self, bot: BotId, png: &[u8]) {
        let id = ScreenshotId::generate(&self.env);
        let screenshot = Screenshot { id, recorded_at: self.env.now(), file: format!("{bot}/{id}.png") };
        let path = self.path(&screenshot);
        let written = async {
            tokio::fs::create_dir_all(self.folder.join(bot.to_string())).await?;
            tokio::fs::write(&path, png).await
        };
        if let Err(error) = written.await {
            tracing::warn!(%bot, %error, "a screenshot could not be written");
            return;
        }
        if let Err(error) = self.store.add_screenshot(bot, &screenshot).await {
            tracing::warn!(%bot, %error, "a screenshot could not be recorded");
        }
    }
}
